"""The student information system's own extracts beside OneRoster: the calendar, programs, and staff."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.synth.habits import PROGRAMS
from pipelines.synth.text import NEVER, Chunk, Column, chunked, fixed, number, pick, strings
from pipelines.synth.world import FIRST_TEACHER, World


def calendar_lines(world: World, day: date) -> Iterator[Chunk]:
    """Every weekday of the year at every school, as known on `day`."""
    yield b"School Number,Date,Day Type\n"
    known = world.year.known(day)
    for school, school_id in enumerate(world.people.schools.ids):
        days = known[world.people.schools.calendar(school)]
        yield "".join(f"{school_id},{d.isoformat()},{kind}\n" for d, kind in days.items()).encode()


def program_lines(world: World, day: date) -> Iterator[Chunk]:
    """Every program stay known on `day`. An end is the last day in the program; one that has not come is blank."""
    yield b"Student Number,Program,Begin Date,End Date\n"
    programs, today = world.habits.programs, world.days.number(day)
    codes = strings(PROGRAMS)

    def build(rows: NDArray[Any]) -> list[Column]:
        end = np.where(programs.end[rows] < today, programs.end[rows], NEVER)
        return [
            pick(world.student_ids, programs.student[rows]), pick(codes, programs.program[rows]), world.days.us(programs.begin[rows]),
            world.days.us(end),
        ]  # fmt: skip

    yield from chunked(np.flatnonzero(programs.known <= today), build)


def staff_lines(world: World) -> Iterator[Chunk]:
    """Every teacher: school, job, years of experience, full-time equivalent."""
    yield b"Staff Number,School Number,Job Title,Years Experience,FTE\n"
    rng = world.streams.of("staff")
    classes = world.people.classes
    years = np.minimum(40, rng.gamma(1.6, 6.5, classes.n_teachers)).astype(np.int64)
    part_time = (rng.random(classes.n_teachers) < 0.08).astype(np.int8)
    fte = strings(["1.0", "0.6"])

    def build(rows: NDArray[Any]) -> list[Column]:
        return [
            fixed(rows + FIRST_TEACHER, "T", 6), pick(world.school_ids, classes.teacher_school[rows]), "Teacher", number(years[rows]),
            pick(fte, part_time[rows]),
        ]  # fmt: skip

    yield from chunked(np.arange(classes.n_teachers), build)
