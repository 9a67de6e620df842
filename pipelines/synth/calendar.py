"""The district's school year: two calendars, the days lost to weather and made up, and when each change is announced.

Calendar A is most schools', calendar B a few schools'. A calendar lists weekdays from the first school day to the last planned one, and the days
added to make up. Day types: I instructional, M make-up (instructional); H holiday, B break, T teachers only, W weather.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

INSTRUCTIONAL = ("I", "M")
DAY_TYPES = {"I": True, "M": True, "H": False, "B": False, "T": False, "W": False}
_FULL_YEAR = 180  # instructional days planned
_TEACHER_DAYS = {"A": (29, 97), "B": (18, 29, 110)}  # by weekday of the school year, counted from 1
_STORM_WEEKDAY = 22  # the first storm comes on or after this weekday of the school year


@dataclass(frozen=True)
class Change:
    """One school calendar's day that becomes another type; `announced` is the date of the calendar file that says so first."""

    announced: date
    calendar: str
    day: date
    day_type: str


@dataclass(frozen=True)
class SchoolYear:
    """The year's days. `planned` is what the first calendar file says, by calendar; `changes` what later files say, in order."""

    start: date
    planned: dict[str, dict[date, str]]
    changes: tuple[Change, ...]

    @property
    def year(self) -> int:
        """The calendar year in which the school year ends."""
        return self.start.year + (self.start.month >= 7)

    @property
    def first_day(self) -> date:
        """First day of the school year as the settings name it, before any school opens."""
        return date(self.year - 1, 7, 1)

    @property
    def last_day(self) -> date:
        return date(self.year, 6, 30)

    def known(self, day: date) -> dict[str, dict[date, str]]:
        """The calendars as a file of `day` tells them."""
        told = {name: dict(days) for name, days in self.planned.items()}
        for change in self.changes:
            if change.announced <= day:
                told[change.calendar][change.day] = change.day_type
        return {name: dict(sorted(days.items())) for name, days in told.items()}

    @cached_property
    def final(self) -> dict[str, dict[date, str]]:
        """The calendars as they turned out."""
        return self.known(date.max)

    @cached_property
    def sessions(self) -> dict[str, list[date]]:
        """The days on which the schools of each calendar really were in session, in order."""
        return {name: [d for d, t in days.items() if t in INSTRUCTIONAL] for name, days in self.final.items()}

    @cached_property
    def package_days(self) -> list[date]:
        """The days on which any school was in session: each ends with a package from the student information system."""
        return sorted({d for days in self.sessions.values() for d in days})

    @cached_property
    def weekly_days(self) -> list[date]:
        """The first of those days in each calendar week: the night of the whole roster."""
        weeks: dict[tuple[int, int], date] = {}
        for d in self.package_days:
            weeks.setdefault(d.isocalendar()[:2], d)
        return sorted(weeks.values())

    @cached_property
    def quiet_days(self) -> list[date]:
        """Days with every school in session and only a delta at night: here people move, and here defects are planted."""
        weekly = set(self.weekly_days)
        return [d for d in self.sessions["A"] if d in set(self.sessions["B"]) and d not in weekly]

    @cached_property
    def calendar_file_days(self) -> list[date]:
        return sorted({self.start, *(c.announced for c in self.changes)})

    @cached_property
    def semester_end(self) -> date:
        """Last day of the first semester: the middle of calendar A's planned days."""
        days = [d for d, t in self.planned["A"].items() if t in INSTRUCTIONAL]
        return days[len(days) // 2]


def build_year(start: date) -> SchoolYear:
    """The school year that opens on `start` (on the Monday after, where that is a weekend)."""
    while start.weekday() >= 5:
        start += timedelta(days=1)
    planned = {name: _plan(name, start) for name in ("A", "B")}
    if any(sum(t in INSTRUCTIONAL for t in days.values()) < 2 for days in planned.values()):
        raise ValueError(f"too little of a school year is left after {start}; start between July and May")
    return SchoolYear(start, planned, tuple(_storms(start, planned)))


def _plan(name: str, start: date) -> dict[date, str]:
    last = date(start.year + (start.month >= 7), 6, 25)
    off = _days_off(name, last.year)
    days: dict[date, str] = {}
    instructional = 0
    for count, day in enumerate(_weekdays(start, last), start=1):
        kind = "I" if day == start else off.get(day, "T" if count in _TEACHER_DAYS[name] else "I")
        days[day] = kind
        instructional += kind == "I"
        if instructional == _FULL_YEAR:
            break
    while days and days[max(days)] != "I":
        del days[max(days)]
    return days


def _days_off(name: str, year: int) -> dict[date, str]:
    """Holidays and breaks of the school year that ends in `year`."""
    fall, spring = year - 1, year
    thanksgiving = _nth(fall, 11, 3, 4)
    off = {
        _nth(fall, 9, 0, 1): "H", _nth(fall, 10, 0, 2): "H", date(fall, 11, 11): "H", thanksgiving: "H",
        thanksgiving + timedelta(days=1): "B", _nth(spring, 1, 0, 3): "H", _nth(spring, 2, 0, 3): "H",
        _nth(spring, 6, 0, 1) - timedelta(days=7): "H", date(spring, 6, 19): "H",
    }  # fmt: skip
    if name == "A":
        off[thanksgiving - timedelta(days=1)] = "B"
        winter, easter = (date(fall, 12, 22), date(spring, 1, 2)), _nth(spring, 3, 0, 4)
    else:
        del off[date(fall, 11, 11)]
        winter, easter = (date(fall, 12, 24), date(spring, 1, 6)), _nth(spring, 4, 0, 2)
    off.update((d, "B") for d in _weekdays(*winter))
    off.update((d, "B") for d in _weekdays(easter, easter + timedelta(days=4)))
    return off


def _storms(start: date, planned: dict[str, dict[date, str]]) -> Iterator[Change]:
    """Three days lost to weather at most, each announced the evening before or that morning, with the day that makes up for it."""
    year = max(planned["A"]).year
    weekdays = list(_weekdays(start, max(planned["A"])))
    candidates = [
        (weekdays[_STORM_WEEKDAY - 1] if len(weekdays) >= _STORM_WEEKDAY else None, 1),
        (_nth(year, 1, 2, 2), 0),
        (_nth(year, 2, 3, 1), 0),
    ]
    make_up = {"A": [d for d, t in planned["A"].items() if t == "T" or d == _nth(year, 2, 0, 3)], "B": list[date]()}
    end = {name: max(days) for name, days in planned.items()}
    struck: set[date] = set()
    for wanted, evenings_before in candidates:
        day = wanted
        while day is not None and (day.weekday() == 0 or any(days.get(day) != "I" for days in planned.values())):
            day = day + timedelta(days=1) if day < max(weekdays) else None
        if day is None or day <= start or day in struck:
            continue
        struck.add(day)
        announced = day - timedelta(days=evenings_before)
        for name in planned:
            later = [d for d in make_up[name] if d > day]
            if later:
                instead = later[0]
                make_up[name].remove(instead)
            else:
                end[name] += timedelta(days=3 if end[name].weekday() == 4 else 1)
                instead = end[name]
            yield Change(announced, name, day, "W")
            yield Change(announced, name, instead, "M")


def _weekdays(first: date, last: date) -> Iterator[date]:
    day = first
    while day <= last:
        if day.weekday() < 5:
            yield day
        day += timedelta(days=1)


def _nth(year: int, month: int, weekday: int, n: int) -> date:
    """The n-th given weekday (Monday is 0) of a month."""
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (n - 1))
