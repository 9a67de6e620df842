"""Daily attendance: a row for every student at every school in session, and the corrections that follow within days."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.synth.people import Ints
from pipelines.synth.text import NEVER, Chunk, Column, chunked, pick, strings
from pipelines.synth.world import World

HEADER = "Student Number,School Number,Date,Code,Modality"
PRESENT, ABSENT, EXCUSED, TARDY, HALF = range(5)
CODES = ("P", "A", "E", "T", "H")
LATEST_CORRECTION = 10  # days back
_CODES = strings(CODES)
_MODALITY = strings(["in_person", "remote"])
_WEEKDAY_ODDS = (1.25, 0.95, 0.9, 1.0, 1.35)
_MONTH_ODDS = {11: 1.1, 12: 1.3, 1: 1.35, 2: 1.25, 5: 1.1, 6: 1.25}
_MONTH_ILLNESS = {11: 1.4, 12: 2.0, 1: 2.2, 2: 1.9, 3: 1.3}
_ILLNESS = 0.004  # a day, in the months not named
_CORRECTION_WEEKDAYS = (1, 3)  # corrections are sent on Tuesdays and Thursdays in session


@dataclass(frozen=True)
class Marks:
    """Rows of attendance: a stay (by position), a day, a code."""

    stay: Ints
    day: NDArray[np.int16]
    code: NDArray[np.int8]


@dataclass
class Attendance:
    """The state that goes from day to day. Call `day` once for every package day, in order."""

    world: World
    corrected: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))  # by student: will a later file correct today's row?
    _ill_until: NDArray[np.int16] | None = None  # exclusive
    _later: dict[int, list[Marks]] = field(default_factory=lambda: defaultdict(list))

    def day(self, day: date) -> tuple[Marks, NDArray[np.bool_], Marks | None]:
        """The day's rows, who (by student) was absent all day, and the corrections sent that day (None where none are)."""
        world, habits = self.world, self.world.habits
        stays, n, today = world.people.stays, len(world.people.students), world.days.number(day)
        rng = world.streams.of("attendance", today)
        if self._ill_until is None:
            self._ill_until = np.zeros(n, dtype=np.int16)
        falls_ill = rng.random(n) < _ILLNESS * _MONTH_ILLNESS.get(day.month, 1.0) * np.sqrt(habits.absence_odds / 0.035)
        length = rng.integers(1, 5, n).astype(np.int16)
        self._ill_until = np.where(falls_ill & (self._ill_until <= today), today + length, self._ill_until).astype(np.int16)
        ill = self._ill_until > today
        odds = habits.absence_odds * (_WEEKDAY_ODDS[day.weekday()] * _MONTH_ODDS.get(day.month, 1.0))
        absent = ill | (rng.random(n) < odds / (1 + odds))
        excused = rng.random(n) < np.where(ill, 0.85, habits.excused)
        other = rng.random(n)
        code = np.where(other < habits.tardy, TARDY, np.where(other > 0.994, HALF, PRESENT))
        code = np.where(absent, np.where(excused, EXCUSED, ABSENT), code).astype(np.int8)
        rows = np.flatnonzero(world.session(day)[stays.school] & (stays.begin <= today) & (today < stays.end)).astype(np.int32)
        marks = Marks(rows, np.full(len(rows), today, dtype=np.int16), code[stays.student[rows]])
        self._correct_later(marks, today, rng)
        due = self._later.pop(today, [])
        sent = Marks(*(np.concatenate([getattr(m, name) for m in due]) for name in ("stay", "day", "code"))) if due else None
        return marks, absent, sent

    def _correct_later(self, marks: Marks, today: int, rng: np.random.Generator) -> None:
        """Notes that come late excuse absences; a few marks were simply wrong."""
        draw, n = rng.random(len(marks.stay)), len(marks.stay)
        excuse, mistake = (marks.code == ABSENT) & (draw < 0.12), (marks.code == PRESENT) & (draw < 0.0006)
        lag = rng.integers(1, LATEST_CORRECTION, n)
        rows = np.flatnonzero(excuse | mistake)
        days = self._sending_days()
        when = np.concatenate([days, [NEVER]])[np.searchsorted(days, today + lag[rows])]
        keep = when <= today + LATEST_CORRECTION
        rows, when = rows[keep], when[keep]
        code = np.where(excuse[rows], EXCUSED, ABSENT).astype(np.int8)
        for day in np.unique(when):
            at = rows[when == day]
            self._later[int(day)].append(Marks(marks.stay[at], marks.day[at], code[when == day]))
        self.corrected = np.zeros(len(self.world.people.students), dtype=bool)
        self.corrected[self.world.people.stays.student[marks.stay[rows]]] = True

    def _sending_days(self) -> NDArray[np.int64]:
        world = self.world
        return np.array([world.days.number(d) for d in world.year.package_days if d.weekday() in _CORRECTION_WEEKDAYS])


def attendance_lines(world: World, *parts: Marks) -> Iterator[Chunk]:
    """The lines of an attendance file; dates as the district writes them, month first."""
    yield f"{HEADER}\n".encode()
    stays, students = world.people.stays, world.people.students
    for marks in parts:

        def build(rows: NDArray[Any], marks: Marks = marks) -> list[Column]:
            stay = marks.stay[rows]
            student = stays.student[stay]
            return [
                pick(world.student_ids, student), pick(world.school_ids, stays.school[stay]), world.days.us(marks.day[rows]),
                pick(_CODES, marks.code[rows]), pick(_MODALITY, students.remote[student].astype(np.int8)),
            ]  # fmt: skip

        yield from chunked(np.arange(len(marks.stay)), build)
