"""Assignments and what becomes of them: given, due, marked up to three school days later, and put right within days.

A night's file holds what changed that day. Every result belongs to a student who was in the class on the day the assignment was due. A student
who was absent on that day, tends not to hand work in, or has much against them, misses more; where the strategy has started, less.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.synth.habits import STRATEGY_ODDS
from pipelines.synth.oneroster import BULK, CATEGORIES, File, Stamp, delta_stamp, this_year, with_header
from pipelines.synth.people import Ints
from pipelines.synth.text import NEVER, Chunk, Column, chunked, fixed, glue, number, pick, strings
from pipelines.synth.world import World

ASSIGNMENTS_A_DAY = 0.1  # per class, besides those that its rhythm asks for
LONGEST_QUIET = 5  # school days on end without a new assignment in a class
LATEST_CORRECTION = 10  # days after marking
GRADED, NOT_SUBMITTED, SUBMITTED, EXEMPT = range(4)
_STATUS = strings(["fully graded", "not submitted", "submitted", "exempt"])
_FLAG = strings(["false", "true"])
_POINTS = np.array([10, 20, 50, 100], dtype=np.int16)
_HALVES = strings([*(f"{k / 2:g}" for k in range(201)), ""])  # half points as text; the last is blank
_NO_SCORE = 201
_CATEGORY_IDS = strings([c[0] for c in CATEGORIES])
_CATEGORY_TITLES = strings([c[1] for c in CATEGORIES])


@dataclass(frozen=True)
class Items:
    """Assignments given on one day; numbered from `first`."""

    first: int
    cls: Ints
    category: NDArray[np.int8]
    points: NDArray[np.int16]
    number: NDArray[np.int16]  # within the class
    assigned: NDArray[np.int16]
    due: NDArray[np.int16]


@dataclass(frozen=True)
class Results:
    """Marks as one night tells them. Scores are in half points, `_NO_SCORE` where there is none."""

    result: NDArray[np.int64]
    item: NDArray[np.int64]
    cls: Ints
    student: Ints
    status: NDArray[np.int8]
    score: NDArray[np.int16]
    late: NDArray[np.bool_]
    missing: NDArray[np.bool_]

    def part(self, rows: NDArray[Any]) -> Results:
        return Results(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class _Marking:
    """Items whose marks are entered on one day."""

    item: NDArray[np.int64]
    cls: Ints
    due: NDArray[np.int16]
    points: NDArray[np.int16]


@dataclass
class Gradebook:
    """The state that goes from night to night. Call `night` once for every package day, in order."""

    world: World
    items: list[Items] = field(default_factory=list)
    _absent: dict[int, NDArray[np.bool_]] = field(default_factory=dict)
    _marking: dict[int, list[_Marking]] = field(default_factory=lambda: defaultdict(list))
    _later: dict[int, list[Results]] = field(default_factory=lambda: defaultdict(list))
    _given: Ints | None = None  # assignments so far, by class
    _quiet: Ints | None = None  # school days since the last one was given, by class
    _results: int = 0

    def night(self, day: date, absent: NDArray[np.bool_]) -> tuple[Items, Results]:
        """What is given and what is marked or put right on `day`; `absent` is who, by student, was not there."""
        today = self.world.days.number(day)
        self._absent[today] = absent
        for old in [d for d in self._absent if d < today - 40]:
            del self._absent[old]
        new = self._give(day, today)
        self.items.append(new)
        rng = self.world.streams.of("marks", today)
        marked = [self._mark(m, today, rng) for m in self._marking.pop(today, [])]
        return new, _joined([*marked, *self._later.pop(today, [])])

    def is_pending(self, result_id: str) -> bool:
        """Will a later night change this result?"""
        number = int(result_id[1:], 36)
        return any(bool((part.result == number).any()) for night in self._later.values() for part in night)

    def _give(self, day: date, today: int) -> Items:
        world, classes = self.world, self.world.people.classes
        if self._given is None or self._quiet is None:
            self._given = np.zeros(len(classes), dtype=np.int32)
            self._quiet = world.streams.of("rhythm", 0).integers(0, LONGEST_QUIET + 1, len(classes)).astype(np.int32)
        rng = world.streams.of("assignments", today)
        in_session = world.session(day)[classes.school]
        gives = ((rng.random(len(classes)) < ASSIGNMENTS_A_DAY) | (self._quiet >= LONGEST_QUIET)) & in_session
        self._quiet = np.where(gives, 0, self._quiet + in_session).astype(np.int32)
        ahead, wait = rng.integers(1, 6, len(classes)), rng.integers(0, 4, len(classes))
        category = rng.choice(4, size=len(classes), p=[0.4, 0.35, 0.17, 0.08]).astype(np.int8)
        points = _POINTS[np.minimum(3, category + rng.integers(0, 2, len(classes)))]
        due, marked = np.full(len(classes), NEVER), np.full(len(classes), NEVER)
        for name, on_b in (("A", False), ("B", True)):
            own = gives & (world.people.schools.on_b[classes.school] == on_b)
            sessions = np.array([world.days.number(d) for d in world.year.sessions[name]])
            at = int(np.searchsorted(sessions, today))
            padded = np.concatenate([sessions[at:], np.full(10, NEVER)])
            due[own], marked[own] = padded[ahead[own]], padded[ahead[own] + wait[own]]
        who = np.flatnonzero(due < NEVER)
        self._given[who] += 1
        first = sum(len(i.cls) for i in self.items[-1:]) + (self.items[-1].first if self.items else 0)
        items = Items(
            first, who.astype(np.int32), category[who], points[who], self._given[who].astype(np.int16),
            np.full(len(who), today, dtype=np.int16), due[who].astype(np.int16),
        )  # fmt: skip
        for when in np.unique(marked[who][marked[who] < NEVER]):
            rows = np.flatnonzero(marked[who] == when)
            self._marking[int(when)].append(_Marking(first + rows.astype(np.int64), items.cls[rows], items.due[rows], items.points[rows]))
        return items

    def _mark(self, marking: _Marking, today: int, rng: np.random.Generator) -> Results:
        world, roster, habits = self.world, self.world.people.roster, self.world.habits
        size = roster.first[marking.cls + 1] - roster.first[marking.cls]
        of = np.repeat(np.arange(len(size)), size)
        row = np.arange(len(of)) - np.repeat(np.cumsum(size) - size, size) + roster.first[marking.cls][of]
        due = marking.due[of]
        enrolled = (roster.begin[row] <= due) & (due < roster.end[row])
        of, row, due = of[enrolled], row[enrolled], due[enrolled]
        student, cls, points, n = roster.student[row], marking.cls[of], marking.points[of], len(of)
        away = np.zeros(n, dtype=bool)
        for day in np.unique(due):
            here = due == day
            away[here] = self._absent[int(day)][student[here]]
        school = world.people.classes.school[cls]
        helped = habits.strategy_schools[school] & (due >= world.days.number(habits.strategy_start))
        odds = habits.missing_odds[student] * np.where(away, 3.0, 1.0) * np.where(helped, STRATEGY_ODDS, 1.0)
        draw, fate = rng.random(n), rng.random(n)
        missing = draw < odds / (1 + odds)
        exempt = ~missing & (fate < 0.01)
        waits = ~missing & ~exempt & (fate < 0.04)
        late = ~missing & ~exempt & (rng.random(n) < habits.late[student])
        share = habits.score[student] - 0.04 * away - 0.05 * late - 0.08 * missing + rng.normal(0, 0.11, n)
        score = np.rint(np.clip(share, 0.1, 1.0) * points * 2).astype(np.int16)
        scored = Results(
            np.arange(self._results, self._results + n), marking.item[of], cls, student, np.full(n, GRADED, dtype=np.int8), score,
            late | missing, np.zeros(n, dtype=bool),
        )  # fmt: skip
        self._results += n
        handed_in = missing & (fate < 0.35)
        rescored = ~missing & ~exempt & ~waits & (rng.random(n) < 0.012)
        lag = np.where(waits, rng.integers(1, 4, n), rng.integers(1, LATEST_CORRECTION, n))
        self._plan(scored.part(np.flatnonzero(handed_in | waits)), lag[handed_in | waits], today)
        better = scored.part(np.flatnonzero(rescored))
        raised = np.minimum(points[rescored] * 2, better.score + rng.integers(1, 8, len(better.score))).astype(np.int16)
        self._plan(Results(**{**vars(better), "score": raised}), lag[rescored], today)
        status = np.where(missing, NOT_SUBMITTED, np.where(exempt, EXEMPT, np.where(waits, SUBMITTED, GRADED))).astype(np.int8)
        told_score = np.where(status == GRADED, score, _NO_SCORE).astype(np.int16)
        return Results(**{**vars(scored), "status": status, "score": told_score, "late": late, "missing": missing})

    def _plan(self, results: Results, lag: NDArray[Any], today: int) -> None:
        """Let results land on the first package day at least `lag` days on; what would come too late (over a break) stays as it is."""
        days = self.world.package_days
        at = np.searchsorted(days, today + lag)
        when = np.concatenate([days, [NEVER]])[at]
        for day in np.unique(when[when <= today + LATEST_CORRECTION]):
            self._later[int(day)].append(results.part(np.flatnonzero(when == day)))


def _joined(parts: list[Results]) -> Results:
    empty = Results(
        np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.int8), np.zeros(0, np.int16),
        np.zeros(0, bool), np.zeros(0, bool),
    )  # fmt: skip
    return Results(*(np.concatenate([getattr(p, name) for p in [empty, *parts]]) for name in Results.__dataclass_fields__))


def item_ids(items: NDArray[Any]) -> Any:
    return fixed(items, "li", 5, base=36)


def result_ids(results: NDArray[Any]) -> Any:
    return fixed(results, "r", 6, base=36)


def delta_files(world: World, day: date, new: Items, results: Results) -> Iterator[File]:
    """The night's assignments and marks; a file without rows is not sent."""
    if len(new.cls):
        yield with_header("lineItems", _line_items(world, new, delta_stamp(day)))
    if len(results.result):
        yield with_header("results", _results(world, results, day))


def bulk_file(world: World, items: list[Items]) -> File:
    """All assignments so far."""

    def whole() -> Iterator[Chunk]:
        for part in items:
            yield from _line_items(world, part, BULK)

    return with_header("lineItems", whole())


def _line_items(world: World, items: Items, stamp: Stamp) -> Iterator[Chunk]:
    classes, half = world.people.classes, world.days.number(world.year.semester_end)
    terms = strings(this_year(world).sessions[1:])

    def build(rows: NDArray[Any]) -> list[Column]:
        category, cls = items.category[rows], items.cls[rows]
        return [
            item_ids(rows + items.first), stamp.status, stamp.modified, glue(pick(_CATEGORY_TITLES, category), " ", number(items.number[rows])), "",
            world.days.iso(items.assigned[rows]), world.days.iso(items.due[rows]), pick(world.class_ids, cls), pick(_CATEGORY_IDS, category),
            pick(terms, (items.due[rows] > half).astype(np.int8)), "0", number(items.points[rows]), pick(world.school_ids, classes.school[cls]),
        ]  # fmt: skip

    return chunked(np.arange(len(items.cls)), build)


def _results(world: World, results: Results, day: date) -> Iterator[Chunk]:
    stamp, today = delta_stamp(day), day.isoformat()

    def build(rows: NDArray[Any]) -> list[Column]:
        return [
            result_ids(results.result[rows]), stamp.status, stamp.modified, item_ids(results.item[rows]),
            pick(world.student_ids, results.student[rows]), pick(_STATUS, results.status[rows]), pick(_HALVES, results.score[rows]), today, "", "",
            pick(world.class_ids, results.cls[rows]), "false", "false", pick(_FLAG, results.late[rows].astype(np.int8)),
            pick(_FLAG, results.missing[rows].astype(np.int8)),
        ]  # fmt: skip

    return chunked(np.arange(len(results.result)), build)
