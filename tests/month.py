"""What the first month's days must come to, worked out from the landing files with nothing of the pipeline: whose enrollment holds on a day, whose calendar
has school, which classes meet, what a day counts and how much of it was missed.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

FOREVER = "9999-12-31"
YEARS = {2025: ("2024-07-01", "2025-06-30"), 2026: ("2025-07-01", "2026-06-30"), 2027: ("2026-07-01", "2027-06-30")}
Row = dict[str, str]


def rows_of(path: Path) -> list[Row]:
    with path.open(newline="") as f:
        return list(csv.DictReader(f))


def year_of(day: str) -> int:
    return next((y for y, (first, last) in YEARS.items() if first <= day <= last), 0)


@dataclass(frozen=True)
class Stint:
    student: str
    school: str
    entry: str
    exit: str  # the first day away
    row: Row


@dataclass(frozen=True)
class Oracle:
    """The district's extracts as of the night `until`; `unheard` are files that must not count."""

    folder: Path
    until: str
    unheard: frozenset[str] = frozenset()

    def files(self, table: str) -> list[tuple[str, list[Row]]]:
        """(date, rows), oldest first."""
        paths = sorted((self.folder / "landing/month" / table).glob("*.csv"))
        dated = [(p.stem.rpartition("_")[2], p) for p in paths if p.name not in self.unheard]
        return [(day, rows_of(p)) for day, p in dated if day <= self.until]

    def newest(self, table: str) -> list[Row]:
        return self.files(table)[-1][1]

    @cached_property
    def stints(self) -> list[Stint]:
        listed: dict[tuple[str, str, str], tuple[int, Row]] = {}
        files = self.files("enrollments")
        for n, (_, rows) in enumerate(files):
            for r in rows:
                listed[r["student_id"], r["school_id"], r["entry_date"]] = (n, r)
        found = []
        for (student, school, entry), (n, row) in listed.items():
            gone = files[n + 1][0] if n + 1 < len(files) else ""
            end = row["exit_date"] or FOREVER
            if row["exit_code"] == "NS" or end <= entry or (gone and year_of(gone) == year_of(entry)):
                continue
            found.append(Stint(student, school, entry, min(end, gone or FOREVER), row))
        return found

    def in_session(self, stint: Stint) -> set[str]:
        mine = [r for r in self.newest("calendar") if r["school_id"] == stint.school]
        for column, value in (("calendar_code", stint.row["calendar_code"]), ("track", stint.row["track"]), ("grade_level", stint.row["grade_level"])):
            chosen = [r for r in mine if value and r[column] == value]
            if chosen:
                return {r["calendar_date"] for r in chosen if r["day_type"] in "IM"}
        own = [r for r in mine if not (r["calendar_code"] or r["track"] or r["grade_level"])]
        return {r["calendar_date"] for r in own if r["day_type"] in "IM"}

    @cached_property
    def codes(self) -> dict[str, int]:
        return {r["code"]: round(float(r["absent_share"]) * 1000) for r in rows_of(self.folder / "codes/attendance_codes.csv")}

    @cached_property
    def taken(self) -> set[str]:
        """The days for which a whole file of attendance came."""
        found = {p.stem.rpartition("_")[2] for p in (self.folder / "landing/attendance").glob("attendance_*.csv")}
        return {d for d in found if d <= self.until}

    @cached_property
    def said(self) -> dict[tuple[str, str, str], str]:
        """The last code of a student, school and day."""
        found: dict[tuple[str, str, str], str] = {}
        for _, rows in self.files("attendance"):
            found |= {(r["student_id"], r["school_id"], r["attendance_date"]): r["attendance_code"] for r in rows}
        return found

    def classes_on(self, student: str, day: str) -> set[str]:
        """The classes that a student has on a day: of the day's term, and of the day of the cycle."""
        terms = {"2026-s1": ("2025-08-18", "2026-01-14"), "2026-s2": ("2026-01-15", "2026-06-30")}
        term_of = {r["section_id"]: r["term_id"] for r in self.newest("sections")}
        (cycle,) = {r["cycle_day"] for r in self.newest("calendar") if r["school_id"] == "L1" and r["calendar_date"] == day}
        mine = [r for r in self.newest("schedules") if r["student_id"] == student and r["begin_date"] <= day]
        return {r["section_id"] for r in mine if r["cycle_days"] in ("", cycle) and (not (t := term_of[r["section_id"]]) or terms[t][0] <= day <= terms[t][1])}

    @cached_property
    def missed_classes(self) -> dict[tuple[str, str], set[str]]:
        found: dict[tuple[str, str], set[str]] = {}
        for _, rows in self.files("attendance_periods"):
            for r in rows:
                found.setdefault((r["student_id"], r["attendance_date"]), set()).add(r["section_id"])
        return found

    def absent(self, student: str, school: str, day: str) -> int | None:
        """Thousandths of the day missed; None where nothing is known of it."""
        if code := self.said.get((student, school, day)):
            return self.codes[code]
        if missed := self.missed_classes.get((student, day)):
            classes = self.classes_on(student, day)
            assert missed <= classes, "a class was missed that was not to be"
            return 1000 if 2 * len(missed) >= len(classes) else 0
        return 0 if day in self.taken and school != "V1" else None

    @cached_property
    def days(self) -> dict[tuple[str, str, int], tuple[int, int]]:
        """Thousandths of days enrolled and absent, by student, school and school year."""
        at: dict[tuple[str, str], list[tuple[str, int]]] = {}
        for s in self.stints:
            for day in self.in_session(s):
                if s.entry <= day < s.exit and day <= self.until:
                    at.setdefault((s.student, day), []).append((s.school, round(float(s.row["share"] or 1) * 1000)))
        found: dict[tuple[str, str, int], tuple[int, int]] = {}
        for (student, day), places in at.items():
            whole = sum(share for _, share in places)
            for school, share in places:
                weight = share if whole <= 1000 else share * 1000 // whole  # the shares planted leave nothing over
                missed = self.absent(student, school, day)
                if missed is not None:
                    enrolled, absent = found.get((student, school, year_of(day)), (0, 0))
                    found[student, school, year_of(day)] = (enrolled + weight, absent + weight * missed // 1000)
        return found

    def roster_days(self) -> Iterable[tuple[int, int]]:
        """Thousandths enrolled and absent of every student-day that the roster's own attendance files hold: the last word on each."""
        last: dict[tuple[str, str, str], str] = {}
        paths = [p for p in (self.folder / "landing/attendance").glob("*.csv") if p.stem.rpartition("_")[2] <= self.until]
        for path in sorted(paths, key=lambda p: (p.stem.rpartition("_")[2], p.name.startswith("corrections"))):
            last |= {(r["Student Number"], r["School Number"], r["Date"]): r["Code"] for r in rows_of(path)}
        return [(1000, self.codes[code]) for code in last.values()]
