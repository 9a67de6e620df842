"""Pulse surveys of students from grade 3 on, as a form tool exports them: the first waves anonymous, the later ones by name. Some groups and schools answer
less.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.synth.calendar import SchoolYear
from pipelines.synth.habits import PROGRAMS
from pipelines.synth.people import GRADES
from pipelines.synth.text import Chunk, Column, chunked, glue, pick, strings
from pipelines.synth.world import World

SURVEY_ID = "pulse"
FIRST_WAVE, EVERY, FIRST_GRADE = 8, 20, 3  # school days of calendar A, counted from 1; grade
NAMED_FROM = 3  # the wave from which on the form asks who answers
CONSENT = "Families were told before the wave and could say no; who answered is seen by the student's own school"
SCALE = ("Strongly disagree", "Disagree", "Neither agree nor disagree", "Agree", "Strongly agree")
NOT_SURE = "Not sure"


@dataclass(frozen=True)
class Item:
    """A statement to agree or disagree with; agreeing with a reversed one is unfavourable."""

    item_id: str
    construct: str
    title: str
    is_reversed: bool = False
    also_in: str = ""  # another construct that it counts in


ITEMS = (
    Item("belong", "belonging", "I feel like I belong at this school"),
    Item("myself", "belonging", "I can be myself around other students here"),
    Item("left_out", "belonging", "I often feel left out at this school", is_reversed=True),
    Item("knows_me", "known_by_adult", "At least one adult at this school knows me well", also_in="connection"),
    Item("notices", "known_by_adult", "An adult at this school notices when I am absent"),
    Item("talk_to", "known_by_adult", "I can talk to an adult at this school about a problem"),
)
_ANSWERS = strings([*SCALE, NOT_SURE, ""])
_CUTS = np.array([-1.9, -0.95, -0.15, 1.15])  # between the answers, on the latent scale


def waves(year: SchoolYear) -> dict[str, date]:
    """The waves of the year and the day on which each one's file lands."""
    return {f"w{k}": day for k, day in enumerate(year.sessions["A"][FIRST_WAVE - 1 :: EVERY], start=1)}


def is_named(wave: str) -> bool:
    return int(wave.removeprefix("w")) >= NAMED_FROM


def answered_on(year: SchoolYear, day: date) -> list[date]:
    """The days on which a wave is answered, up to the one on which its file lands."""
    return [d for d in (day - timedelta(days=k) for k in range(9, -1, -1)) if d in year.package_days][-3:]


def survey_lines(world: World, wave: str, day: date) -> Iterator[Chunk]:
    """One wave's answers, in order of time. The export has the form's timestamp first and then a column a question."""
    students, school = world.people.students, world.main_school(_asked_on(world, wave, day))[0]
    asked, answers_it, rng = _drawn(world, wave, day)
    who = rng.permutation(np.flatnonzero(asked & answers_it))
    stamps = np.sort(rng.integers(0, 3 * 7 * 3600, len(who)))  # three days of seven hours
    answers = np.stack([_answer(world, item, who, rng) for item in ITEMS], axis=1) if len(who) else np.zeros((0, len(ITEMS)), dtype=np.int64)
    span = answered_on(world.year, day)
    dates = strings([f"{d.month}/{d.day}/{d.year} " for d in (span * 3)[:3]])
    hours, sixtieths = strings([str(h) for h in range(8, 15)]), strings([f":{s:02d}" for s in range(60)])
    grades = strings(GRADES)
    named = ["Student Number"] if is_named(wave) else []
    yield (",".join(["Timestamp", *named, "School Number", "Grade", *(i.title for i in ITEMS)]) + "\n").encode()

    def build(rows: NDArray[Any]) -> list[Column]:
        at = stamps[rows]
        on, second = np.divmod(at, 7 * 3600)
        hour, second = np.divmod(second, 3600)
        minute, second = np.divmod(second, 60)
        stamp = glue(pick(dates, on), pick(hours, hour), pick(sixtieths, minute), pick(sixtieths, second))
        given = [pick(_ANSWERS, answers[rows, k]) for k in range(len(ITEMS))]
        name = [pick(world.student_ids, who[rows])] if named else []
        return [stamp, *name, pick(world.school_ids, school[who[rows]]), pick(grades, students.grade[who[rows]]), *given]

    yield from chunked(np.arange(len(who)), build)


def _asked_on(world: World, wave: str, day: date) -> int:
    """The day, by number, whose roster was asked: by name that of the opening; where nobody can say later who was asked, that of the file."""
    return world.days.number(answered_on(world.year, day)[0] if is_named(wave) else day)


def _drawn(world: World, wave: str, day: date) -> tuple[NDArray[np.bool_], NDArray[np.bool_], np.random.Generator]:
    """By student: who is asked, and who answers if asked; and the wave's generator, which goes on from there."""
    rng = world.streams.of(f"survey {wave}")
    there = world.main_school(_asked_on(world, wave, day))[1]
    return there & (world.people.students.grade >= FIRST_GRADE), rng.random(len(there)) < world.habits.respond, rng


def reach(world: World, wave: str, day: date) -> dict[str, dict[str, int]]:
    """How many were asked and how many answered: of all, of those in each program on that day, and of those who learn remotely.

    Files of anonymous waves cannot say it.
    """
    asked, answers_it, _ = _drawn(world, wave, day)
    programs, today = world.habits.programs, _asked_on(world, wave, day)
    groups = {"all": np.ones(len(asked), dtype=bool), "remote": world.people.students.remote}
    for code, name in enumerate(PROGRAMS):
        inside = (programs.program == code) & (programs.begin <= today) & (today <= programs.end)
        groups[name] = np.isin(np.arange(len(asked)), programs.student[inside])
    return {name: {"asked": int((asked & of).sum()), "answered": int((asked & answers_it & of).sum())} for name, of in groups.items()}


def _answer(world: World, item: Item, who: NDArray[Any], rng: np.random.Generator) -> NDArray[np.int64]:
    """Indexes into the answers: a step of the scale, mostly; sometimes "Not sure" or nothing."""
    habits = world.habits
    latent = (habits.belonging if item.construct == "belonging" else habits.known_by_adult)[who] + 0.35 + rng.normal(0, 1, len(who))
    step = np.searchsorted(_CUTS, -latent if item.is_reversed else latent)
    draw = rng.random(len(who))
    return np.where(draw < 0.04, len(SCALE), np.where(draw > 0.99, len(SCALE) + 1, step)).astype(np.int64)
