"""Assessments as their vendors' export has them: a benchmark on a continuum of levels, given in windows over the year, and the state's test in spring.

Who is absent on the day of a test takes it on the next day in the window on which student and school are there, and misses it where there is none.
Levels follow the same habits as marks and attendance: who does well starts higher, who is away or hands nothing in gains less. A few scores are sent
again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.synth.calendar import SchoolYear
from pipelines.synth.habits import EL, IEP, Floats
from pipelines.synth.people import GRADES, Ints
from pipelines.synth.text import NEVER, Chunk, Column, chunked, number, pick, strings
from pipelines.synth.world import FIRST_STUDENT, World

HEADER = "Student Number,Test,Subject,Date,Score,Placement,Level"
AREAS = ("mathematics", "reading")
LATEST_CORRECTION = 10  # days after the test
BELOW = {"mathematics": {EL: 0.1, IEP: 0.25}, "reading": {EL: 0.4, IEP: 0.25}}  # levels below others of the same habits, by who is ever in the program
_MISSED = 0.02  # of students and subjects in a window, for no reason that attendance tells
_RESENT = 0.012  # of scores
_LEVEL_POINTS, _LOWEST, _HIGHEST = 50, 400, 1200  # the benchmark's points a level, and the score at which its levels begin; its highest
_STATE_POINTS, _STATE_MIDDLE = 60, 2500
_HUNDREDTHS = strings([*(f"{k / 100:g}" for k in range((_HIGHEST - _LOWEST) * 100 // _LEVEL_POINTS + 1)), ""])


@dataclass(frozen=True)
class Assessment:
    """`windows` are spans of school days of calendar A, counted from 1, both included. `placements` are what a result is called, from the lowest, with
    whether it is proficient; `cuts` lie between them, in levels from the student's grade.
    """

    assessment_id: str
    kind: str
    subjects: tuple[str, str]  # as the file names them, in the order of AREAS
    grades: tuple[str, ...]
    windows: tuple[tuple[int, int], ...]
    placements: tuple[tuple[str, bool], ...]
    cuts: tuple[float, ...]
    has_levels: bool  # on a continuum: its rows say a level, and its scores can be compared from window to window


ASSESSMENTS = (
    Assessment(
        "benchmark", "formative", ("Mathematics", "Reading"), GRADES[1:11], ((4, 8), (19, 22), (75, 82), (112, 114), (150, 157)),
        (("Two or more grades below", False), ("One grade below", False), ("At grade level", True)), (-1.0, 0.0), True,
    ),
    Assessment(
        "state", "summative", ("Mathematics", "English Language Arts"), (*GRADES[3:9], GRADES[11]), ((162, 169),),
        (("Level 1", False), ("Level 2", False), ("Level 3", True), ("Level 4", True)), (-1.0, 0.3, 1.4), False,
    ),
)  # fmt: skip


def spans(year: SchoolYear, assessment: Assessment) -> list[tuple[date, date]]:
    """First and last day of each window that begins before the year is over."""
    days = year.sessions["A"]
    return [(days[first - 1], days[min(last, len(days)) - 1]) for first, last in assessment.windows if first <= len(days)]


@dataclass(frozen=True)
class Scores:
    """Results: of which assessment and area (by position), by whom, on which day, how many points."""

    assessment: NDArray[np.int8]
    area: NDArray[np.int8]
    student: Ints
    day: NDArray[np.int16]
    score: NDArray[np.int16]
    placement: NDArray[np.int8]

    def part(self, rows: NDArray[Any]) -> Scores:
        return Scores(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


@dataclass
class _Window:
    """A window that is open: who has still to take each area's test, and from which day on."""

    to_take: NDArray[np.bool_]  # by area and student
    planned: NDArray[np.int16]


@dataclass
class Assessments:
    """The state that goes from day to day. Call `day` once for every package day, in order."""

    world: World
    _open: dict[int, _Window] = field(default_factory=dict)  # by position of the assessment
    _later: dict[int, list[Scores]] = field(default_factory=lambda: defaultdict(list))
    _learners: list[tuple[Floats, Floats]] = field(default_factory=list)  # by area: level beside the grade as the year begins, levels gained in a year

    def day(self, day: date, absent: NDArray[np.bool_]) -> Scores | None:
        """The day's results and those sent again on it, None where there are none; `absent` is who, by student, was not there."""
        today = self.world.days.number(day)
        found = self._later.pop(today, [])
        for position, assessment in enumerate(ASSESSMENTS):
            for first, last in spans(self.world.year, assessment):
                if first <= day <= last:
                    found = [*self._take(position, day, first, last, absent), *found]
        return _joined(found) if found else None

    def is_pending(self, student: str) -> bool:
        """Will a later file send any result of this student again?"""
        who = int(student[1:]) - FIRST_STUDENT
        return any(bool((part.student == who).any()) for day in self._later.values() for part in day)

    def _take(self, position: int, day: date, first: date, last: date, absent: NDArray[np.bool_]) -> Iterator[Scores]:
        world, today = self.world, self.world.days.number(day)
        window = self._open.get(position)
        if day == first or window is None:
            window = self._open[position] = self._opened(position, first, last)
        school, there = world.main_school(today)
        able = there & ~absent & world.session(day)[school]
        rng = world.streams.of(f"scores {ASSESSMENTS[position].assessment_id}", today)
        for area in range(len(AREAS)):
            who = np.flatnonzero(window.to_take[area] & able & (window.planned[area] <= today)).astype(np.int32)
            window.to_take[area, who] = False
            if len(who):
                yield self._score(position, area, who, day, rng)

    def _opened(self, position: int, first: date, last: date) -> _Window:
        """Schools give an area's test class by class over the first half of the window; the other half is for those who were away."""
        world, assessment = self.world, ASSESSMENTS[position]
        grade, begin, end = world.people.students.grade, world.days.number(first), world.days.number(last)
        rng = world.streams.of(f"window {assessment.assessment_id}", begin)
        asked = np.isin(grade, [GRADES.index(g) for g in assessment.grades])
        takes = np.stack([asked & (rng.random(len(grade)) >= _MISSED) for _ in AREAS])
        planned = np.stack([begin + rng.integers(0, max(1, (end - begin + 2) // 2), len(grade)) for _ in AREAS]).astype(np.int16)
        return _Window(takes, planned)

    def _score(self, position: int, area: int, who: Ints, day: date, rng: np.random.Generator) -> Scores:
        world, assessment, year, n = self.world, ASSESSMENTS[position], self.world.year, len(who)
        passed = (day - year.first_day).days / (year.last_day - year.first_day).days
        start, gain = self._of(area)
        beside = start[who] + gain[who] * passed + rng.normal(0, 0.18, n)  # levels above the grade
        again = np.flatnonzero(rng.random(n) < _RESENT)
        moved = rng.integers(5, 40, len(again)) * rng.choice([-1, 1], len(again))
        scores = self._told(position, area, who, day, beside)
        days = world.package_days
        today = int(scores.day[0])
        when = np.concatenate([days, [NEVER]])[np.searchsorted(days, today + rng.integers(1, LATEST_CORRECTION, len(again)))]
        corrected = self._told(position, area, who[again], day, beside[again] + moved / (_LEVEL_POINTS if assessment.has_levels else _STATE_POINTS))
        for on in np.unique(when[when <= today + LATEST_CORRECTION]):
            self._later[int(on)].append(corrected.part(np.flatnonzero(when == on)))
        return scores

    def _told(self, position: int, area: int, who: Ints, day: date, beside: NDArray[Any]) -> Scores:
        """Results as they are reported, by how many levels each is above the grade."""
        assessment, n = ASSESSMENTS[position], len(who)
        grade = self.world.people.students.grade[who]
        points = _LOWEST + _LEVEL_POINTS * (grade + beside) if assessment.has_levels else _STATE_MIDDLE + _STATE_POINTS * beside
        score = np.clip(np.rint(points), _LOWEST, _HIGHEST if assessment.has_levels else 2 * _STATE_MIDDLE).astype(np.int16)
        told = (score - _LOWEST) / _LEVEL_POINTS - grade if assessment.has_levels else (score - _STATE_MIDDLE) / _STATE_POINTS
        placement = np.searchsorted(np.array(assessment.cuts), told, side="right").astype(np.int8)
        return Scores(
            np.full(n, position, dtype=np.int8), np.full(n, area, dtype=np.int8), who, np.full(n, self.world.days.number(day), dtype=np.int16), score, placement
        )

    def _of(self, area: int) -> tuple[Floats, Floats]:
        """By student: levels above the grade on the first day of the school year, and levels gained over it."""
        if not self._learners:
            world, habits, students = self.world, self.world.habits, self.world.people.students
            n, rng = len(students), self.world.streams.of("learning")
            programs, well = habits.programs, (habits.score - 0.86) / 0.085
            member = {code: np.isin(np.arange(n), programs.student[programs.program == code]) for code in (EL, IEP)}
            habit = -0.16 * (np.log(habits.absence_odds) + 3.35) - 0.12 * (np.log(habits.missing_odds) + 2.75)
            spread = 0.6 + 0.08 * students.grade
            for name in AREAS:
                school = rng.normal(0, 0.25, len(world.people.schools))[students.school]
                start = spread * (0.55 * well + 0.65 * rng.normal(0, 1, n)) + school - sum(less * member[code] for code, less in BELOW[name].items())
                gain = np.clip(0.95 + 0.2 * well + habit + 0.25 * rng.normal(0, 1, n), 0, 3)
                self._learners.append((start.astype(np.float32), gain.astype(np.float32)))
        return self._learners[area]


def _joined(parts: list[Scores]) -> Scores:
    return Scores(*(np.concatenate([getattr(p, name) for p in parts]) for name in Scores.__dataclass_fields__))


def assessment_lines(world: World, scores: Scores) -> Iterator[Chunk]:
    """The lines of a file of results; dates as the district writes them, month first. The state's test says no level."""
    yield f"{HEADER}\n".encode()
    tests = strings([a.assessment_id for a in ASSESSMENTS])
    subjects = strings([s for a in ASSESSMENTS for s in a.subjects])
    names = strings([name for a in ASSESSMENTS for name, _ in a.placements])
    first = np.cumsum([0, *(len(a.placements) for a in ASSESSMENTS)])
    leveled = np.array([a.has_levels for a in ASSESSMENTS])

    def build(rows: NDArray[Any]) -> list[Column]:
        of, score = scores.assessment[rows], scores.score[rows].astype(np.int32)
        level = np.where(leveled[of], (score - _LOWEST) * (100 // _LEVEL_POINTS), len(_HUNDREDTHS) - 1)
        return [
            pick(world.student_ids, scores.student[rows]), pick(tests, of), pick(subjects, of.astype(np.int32) * len(AREAS) + scores.area[rows]),
            world.days.us(scores.day[rows]), number(score), pick(names, first[of] + scores.placement[rows]), pick(_HUNDREDTHS, level),
        ]  # fmt: skip

    yield from chunked(np.arange(len(scores.student)), build)


def code_maps(year: SchoolYear) -> dict[str, list[list[str]]]:
    """What the district says of its assessments: the area and kind of each, what a level stands for, which is expected of a grade, and the windows."""
    return {
        "assessment_kinds": [
            ["assessment_id", "subject", "learning_area", "kind"],
            *([a.assessment_id, subject, area, a.kind] for a in ASSESSMENTS for subject, area in zip(a.subjects, AREAS, strict=True)),
        ],
        "performance_levels": [
            ["assessment_id", "performance_level", "level_number", "is_proficient"],
            *(
                [a.assessment_id, name, "" if a.has_levels else str(k), str(is_good).lower()]
                for a in ASSESSMENTS for k, (name, is_good) in enumerate(a.placements, start=1)
            ),
        ],
        "learning_levels": [
            ["assessment_id", "subject", "grade_level", "start_level", "end_level"],
            *([a.assessment_id, s, g, str(int(g)), str(int(g) + 1)] for a in ASSESSMENTS if a.has_levels for s in a.subjects for g in a.grades),
        ],
        "assessment_windows": [
            ["assessment_id", "first_day", "last_day"],
            *([a.assessment_id, first.isoformat(), last.isoformat()] for a in ASSESSMENTS if a.has_levels for first, last in spans(year, a)),
        ],
    }  # fmt: skip
