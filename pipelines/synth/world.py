"""The district as every writer sees it: the year, the people, their habits, and their ids as text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.synth.calendar import SchoolYear, build_year
from pipelines.synth.habits import Habits, build_habits
from pipelines.synth.people import Ints, People, build_people
from pipelines.synth.streams import Streams
from pipelines.synth.text import NEVER, Days, fixed, strings

DISTRICT_ID = "district"
FIRST_STUDENT, FIRST_TEACHER = 1_000_000, 500_000


@dataclass(frozen=True)
class World:
    """Everything that is settled before the first file is written. Schools, students and classes are known by their position."""

    streams: Streams
    year: SchoolYear
    days: Days
    people: People
    habits: Habits

    @cached_property
    def student_ids(self) -> Any:
        return fixed(np.arange(len(self.people.students)) + FIRST_STUDENT, "S", 7)

    @cached_property
    def class_ids(self) -> Any:
        return fixed(np.arange(len(self.people.classes)), "c", 6)

    @cached_property
    def school_ids(self) -> Any:
        return strings(self.people.schools.ids)

    @cached_property
    def package_days(self) -> NDArray[np.int64]:
        """The numbers of the days that end with a package."""
        return np.array([self.days.number(d) for d in self.year.package_days])

    @cached_property
    def _stays_by_begin(self) -> NDArray[np.int64]:
        stays = self.people.stays
        main = np.flatnonzero(~stays.secondary)
        return main[np.argsort(stays.begin[main], kind="stable")]

    def session(self, day: date) -> NDArray[np.bool_]:
        """By school: is it in session on `day`?"""
        final = self.year.final
        of_a, of_b = (final[name].get(day, "") in ("I", "M") for name in ("A", "B"))
        return np.where(self.people.schools.on_b, of_b, of_a)

    def main_school(self, day: int) -> tuple[Ints, NDArray[np.bool_]]:
        """By student: the school of the main stay that began last (-1 before any), and whether that stay holds `day`."""
        stays = self.people.stays
        begun = self._stays_by_begin[stays.begin[self._stays_by_begin] <= day]
        school = np.full(len(self.people.students), -1, dtype=np.int32)
        holds = np.zeros(len(school), dtype=bool)
        school[stays.student[begun]] = stays.school[begun]
        holds[stays.student[begun]] = stays.end[begun] > day
        return school, holds


def build_world(students: int, start: date, seed: int) -> World:
    """Draw the whole district. Raises ValueError where it would be too small or the year too short."""
    streams = Streams(seed)
    year = build_year(start)
    people = build_people(students, year, streams)
    return World(streams, year, Days(year.start), people, build_habits(people, year, streams))


def told(end: NDArray[np.int16], day: int) -> NDArray[np.int16]:
    """Ends that have come by `day`; the others are not told yet."""
    return np.where(end <= day, end, NEVER).astype(np.int16)
