"""Scenarios that are whole files beside the district's own: roster packages, a night without school, the survey's opening day.

Belongs here: what each of them writes. Packages of one date follow one another by their sequence; the district's own is the first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.synth import oneroster
from pipelines.synth.attendance import HEADER
from pipelines.synth.month.town import Dates, Slot
from pipelines.synth.text import Chunk, write_file, write_zip
from pipelines.synth.world import World

NEW_NAME = "Newname"


@dataclass(frozen=True)
class Package:
    """A scenario that writes one file of its own on the day of `slot`; `write` gives the file's place below landing."""

    name: str
    what: str
    slot: Slot
    expect: Mapping[str, Any]
    write: Callable[[World, Dates, Slot, Path], str]


def _zip(world: World, dates: Dates, slot: Slot, landing: Path, name: str, files: Iterable[oneroster.File]) -> str:
    day = dates.of(slot)
    path = f"oneroster/{day}/{name}"
    write_zip(landing / path, oneroster.package(files, "bulk"), day)
    return path


def _roster(world: World, dates: Dates, slot: Slot) -> Iterable[oneroster.File]:
    return oneroster.bulk(world, oneroster.this_year(world), world.days.number(dates.of(slot)))


def _next_year(world: World, dates: Dates, slot: Slot, landing: Path) -> str:
    name = "oneroster.zip" if slot == "rollover" else "oneroster_2.zip"
    return _zip(world, dates, slot, landing, name, oneroster.bulk(world, oneroster.next_year(world), world.days.number(dates.of(5))))


def _shrunken(world: World, dates: Dates, slot: Slot, landing: Path) -> str:
    files = ((name, _first_fifth(chunks) if name in ("users", "roles", "enrollments") else chunks) for name, chunks in _roster(world, dates, slot))
    return _zip(world, dates, slot, landing, "oneroster_3.zip", files)


def _renamed(world: World, dates: Dates, slot: Slot, landing: Path) -> str:
    files = ((name, _rename(world, chunks) if name == "users" else chunks) for name, chunks in _roster(world, dates, slot))
    return _zip(world, dates, slot, landing, "oneroster_2.zip", files)


def _first_fifth(chunks: Iterable[Chunk]) -> Iterable[Chunk]:
    lines = b"".join(chunks).splitlines(keepends=True)
    return [b"".join(lines[: max(2, len(lines) // 5)])]


def renamed_student(world: World) -> str:
    """The first student of the roster who is there from the first day on."""
    return str(world.student_ids[int(world.people.stays.student[world.people.stays.begin <= 0].min())])


def _rename(world: World, chunks: Iterable[Chunk]) -> Iterable[Chunk]:
    lines = b"".join(chunks).decode().splitlines()
    place, who = lines[0].split(",").index("familyName"), renamed_student(world)
    for line in lines:
        cells = line.split(",")
        if cells[0] == who:
            cells[place] = NEW_NAME
        yield (",".join(cells) + "\n").encode()


def _no_school(world: World, dates: Dates, slot: Slot, landing: Path) -> str:
    path = f"attendance/attendance_{dates.iso(slot)}.csv"
    write_file(landing / path, [f"{HEADER}\n".encode()])
    return path


PACKAGES: tuple[Package, ...] = (
    Package("no_school_night", "a night without school brings an attendance file without rows", "weekend",
            {"kind": "figure", "words": "nothing is held and no figure changes"}, _no_school),
    Package("roster_next_year", "next year's roster comes in the second week of this one", 5,
            {"kind": "held", "rule": "covers_the_files_date", "words": "the package is held, and nobody's enrollment ends"}, _next_year),
    Package("roster_shrunken", "a roster holds a fifth of its users, roles and enrollments", 5,
            {"kind": "held", "rule": "not_shrunken", "words": "the package is held, and nobody's enrollment ends"}, _shrunken),
    Package("name_changed", "a student's family name is another one", 6,
            {"kind": "figure", "words": "the student's figures stay the student's"}, _renamed),
    Package("roster_rollover", "in July the roster is next year's", "rollover",
            {"kind": "figure", "words": "it is taken; last year's figures stay"}, _next_year),
)  # fmt: skip
