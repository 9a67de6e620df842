"""The part of the district that the scenarios of the first month happen in: five schools that send extracts, beside the schools of the roster.

Belongs here: who and what there is before anything goes wrong, the tables as they stand, and which files a day brings. Everybody is made up, and
nothing is drawn by lot: the same start gives the same bytes. A scenario (see `scenarios.py`) changes the tables on its days.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from pipelines.synth.calendar import INSTRUCTIONAL, SchoolYear

Row = dict[str, str]
Slot = int | str  # the n-th day on which all schools are in session, counted from 0; "before", "weekend" or "rollover"
FIRST_DAYS = 10  # days of school that the scenarios need

MIDDLE, HALF_DAY, HIGH, VIRTUAL, CHARTER = "J1", "H1", "L1", "V1", "C1"
SCHOOLS = (
    (MIDDLE, "Juniper Middle", "false", "district"), (HALF_DAY, "Hazel Career Center", "false", "district"), (HIGH, "Larch High", "false", "district"),
    (VIRTUAL, "Vale Virtual Academy", "false", "district"), (CHARTER, "Poplar Charter", "true", "poplar-charter"),
)  # fmt: skip
COLUMNS: dict[str, tuple[str, ...]] = {
    "schools": ("school_id", "school_name", "is_charter", "agency_id"),
    "students": ("student_id", "grade_level", "sex", "birth_date", "hispanic", "races"),
    "enrollments": ("student_id", "school_id", "entry_date", "exit_date", "exit_code", "grade_level", "track", "calendar_code", "share", "is_primary"),
    "calendar": ("school_id", "calendar_date", "day_type", "calendar_code", "track", "grade_level", "cycle_day"),
    "sections": ("section_id", "course_id", "course_title", "school_id", "term_id", "subject"),
    "schedules": ("student_id", "section_id", "begin_date", "end_date", "minutes_per_meeting", "cycle_days"),
    "attendance": ("student_id", "school_id", "attendance_date", "attendance_code"),
    "attendance_periods": ("student_id", "school_id", "section_id", "attendance_date", "period", "attendance_code"),
}
WHOLE = ("schools", "students", "enrollments", "calendar", "sections", "schedules")  # sent again when they change; the others day by day
_N_PUPILS = {MIDDLE: 40, HALF_DAY: 6, HIGH: 24, VIRTUAL: 12, CHARTER: 20}
_ORDINARY_FROM = {MIDDLE: 21, HALF_DAY: 1, CHARTER: 1}  # pupils from this number on are absent now and then; the others are the scenarios'
_GRADES = {MIDDLE: "07", HALF_DAY: "11", HIGH: "09", VIRTUAL: "10", CHARTER: "05"}
AB_SECTIONS = {"A": ("LA1", "LA2", "LA3", "LA4"), "B": ("LB1", "LB2", "LB3", "LB4")}
FIRST_BLOCK, SECOND_BLOCK = ("LF1", "LF2", "LF3", "LF4"), ("LS1", "LS2", "LS3", "LS4")


@dataclass(frozen=True)
class Dates:
    """Which date each slot is."""

    year: SchoolYear

    @property
    def common(self) -> list[date]:
        both = set(self.year.sessions["A"]) & set(self.year.sessions["B"])
        return sorted(both)

    def of(self, slot: Slot) -> date:
        if isinstance(slot, int):
            return self.common[slot] if slot < len(self.common) else date.max
        if slot == "before":
            return min(self.year.first_day + timedelta(days=14), self.year.start - timedelta(days=7))
        if slot == "weekend":
            day = self.common[4]
            while day in self.year.package_days:
                day += timedelta(days=1)
            return day
        return date(self.year.year, 7, 8)

    def iso(self, slot: Slot) -> str:
        return self.of(slot).isoformat()

    @property
    def past_days(self) -> list[date]:
        """A week of the school year before."""
        monday = date(self.year.year - 1, 5, 5)
        monday -= timedelta(days=monday.weekday())
        return [monday + timedelta(days=k) for k in range(5)]


@dataclass
class Town:
    """The tables as they stand, and what was changed since they were last sent."""

    dates: Dates
    tables: dict[str, dict[tuple[str, ...], Row]] = field(default_factory=dict)
    days: dict[str, list[Row]] = field(default_factory=dict)  # tonight's rows of the tables that are sent day by day
    touched: set[str] = field(default_factory=set)  # tables that changed since they were last sent
    instead: dict[str, list[Row]] = field(default_factory=dict)  # what is sent tonight in place of a whole table

    def __post_init__(self) -> None:
        for table in WHOLE:
            self.tables[table] = {}
        for row in SCHOOLS:
            self.put("schools", *row)
        for school, n in _N_PUPILS.items():
            for k in range(1, n + 1):
                self.pupil(f"{school[0]}{k:03d}", _GRADES[school], born=date(2010, 1, 1) + timedelta(days=37 * k + 5 * ord(school[0])))
        self._calendars()
        self._classes()

    # ---- changing what stands ----

    def put(self, table: str, *cells: str) -> None:
        """A row of a whole table, its cells in order (blank where left out); it replaces the one of the same key."""
        row = dict(zip(COLUMNS[table], [*cells, *[""] * (len(COLUMNS[table]) - len(cells))], strict=True))
        self.tables[table][self._key(table, row)] = row
        self.touched.add(table)

    def take(self, table: str, **cells: str) -> list[Row]:
        """Remove the rows that hold these cells; gives them."""
        found = [k for k, row in self.tables[table].items() if all(row[c] == v for c, v in cells.items())]
        if not found:
            raise ValueError(f"no row of {table} holds {cells}")
        self.touched.add(table)
        return [self.tables[table].pop(k) for k in found]

    def change(self, table: str, where: Row, **cells: str) -> None:
        for row in self.take(table, **where):
            self.put(table, *(row | cells).values())

    def today(self, table: str, *cells: str) -> None:
        """A row of a table that is sent day by day, in tonight's file."""
        self.days.setdefault(table, []).append(dict(zip(COLUMNS[table], cells, strict=True)))
        self.touched.add(table)

    def send_instead(self, table: str, rows: list[Row]) -> None:
        """Tonight's file of a whole table is another than the table."""
        self.instead[table] = rows
        self.touched.add(table)

    def rows(self, table: str) -> list[Row]:
        return [self.tables[table][k] for k in sorted(self.tables[table])]

    def pupil(self, student: str, grade: str, born: date, sex: str = "", race: str = "") -> None:
        number = sum(map(ord, student))
        sex, race = sex or ("female", "male")[number % 2], race or ("white", "asian", "black_or_african_american")[number % 3]
        self.put("students", student, grade, sex, born.isoformat(), "true" if number % 5 == 0 else "false", race)

    def enroll(self, student: str, school: str, entry: Slot, **cells: str) -> None:
        row = dict.fromkeys(COLUMNS["enrollments"], "") | {"student_id": student, "school_id": school, "entry_date": self.dates.iso(entry)}
        self.put("enrollments", *(row | {"grade_level": _GRADES[school], "is_primary": "true"} | cells).values())

    def open_year(self) -> None:
        """The first day of school: everybody is enrolled where they are."""
        for school, n in _N_PUPILS.items():
            for k in range(1, n + 1):
                self.enroll(f"{school[0]}{k:03d}", school, 0)

    @staticmethod
    def _key(table: str, row: Row) -> tuple[str, ...]:
        keys = {"schools": 1, "students": 1, "enrollments": 3, "sections": 1, "schedules": 3}
        if table == "calendar":
            return row["school_id"], row["calendar_date"], row["calendar_code"], row["track"], row["grade_level"]
        return tuple(row[c] for c in COLUMNS[table][: keys[table]])

    # ---- what stands at first ----

    def _calendars(self) -> None:
        planned = self.dates.year.planned["A"]
        school_days = [d for d, kind in planned.items() if kind in INSTRUCTIONAL]
        for school in _N_PUPILS:
            for day, kind in planned.items():
                cycle = "AB"[school_days.index(day) % 2] if school == HIGH and kind in INSTRUCTIONAL else ""
                self.put("calendar", school, day.isoformat(), kind, "", "", "", cycle)

    def _classes(self) -> None:
        year = self.dates.year.year
        terms = dict.fromkeys(FIRST_BLOCK, f"{year}-s1") | dict.fromkeys(SECOND_BLOCK, f"{year}-s2")
        for n, section in enumerate((*AB_SECTIONS["A"], *AB_SECTIONS["B"], *FIRST_BLOCK, *SECOND_BLOCK)):
            self.put("sections", section, f"CR{n % 4 + 1:02d}", f"Course {n % 4 + 1}", HIGH, terms.get(section, ""))
        for k in range(1, _N_PUPILS[HIGH] + 1):
            if 11 <= k <= 20:
                self._schedule(f"L{k:03d}", FIRST_BLOCK, "")
                self._schedule(f"L{k:03d}", SECOND_BLOCK, "")
            else:
                for cycle_day, sections in AB_SECTIONS.items():
                    self._schedule(f"L{k:03d}", sections, cycle_day)

    def _schedule(self, student: str, sections: tuple[str, ...], cycle_days: str) -> None:
        for section in sections:
            self.put("schedules", student, section, self.dates.iso(0), "", "", cycle_days)

    # ---- an ordinary day ----

    def school_day(self, slot: int) -> None:
        """Tonight's attendance but for what the scenarios add: exceptions, and of the virtual school a row for everybody."""
        day = self.dates.iso(slot)
        for school, first in _ORDINARY_FROM.items():
            for k in range(first, _N_PUPILS[school] + 1):
                if (7 * k + 3 * slot) % 11 == 0:
                    self.today("attendance", f"{school[0]}{k:03d}", school, day, "A")
        self.days.setdefault("attendance_periods", [])
        self.touched.add("attendance_periods")


def text_of(table: str, rows: list[Row]) -> str:
    """A file of these rows."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS[table], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def sources() -> Iterator[str]:
    """The blocks of `district.toml` for the files that `Town` sends."""
    for table in COLUMNS:
        mode = "delta" if table == "attendance" else "bulk"
        yield f'[[sources]]\nid = "month_{table}"\nformat = "extract"\ntable = "{table}"\npath = "month/{table}/*.csv"\nmode = "{mode}"\n'
