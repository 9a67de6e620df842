"""What is flagged of attendance, of a district that sends neither marks nor discipline, for `tests/oracle.py`: absences in a row, early warning signs."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

GRADES = ("06", "07", "08", "09", "10", "11", "12")
PROFILES = ("one_or_more", "two_or_more")
RUNS = {"three_days": (3, 1000), "five_days": (5, 1000), "ten_days": (10, 1000), "three_days_by_half": (3, 500)}  # school days, thousandths of each missed


def early_warning(place: str, judged: pd.DataFrame) -> Iterator[tuple[str, str, str, pd.DataFrame]]:
    """Of students who have not left, judged on all their days in the district, from 20 days on: the sign of attendance, more than a tenth missed; and the
    signs together, of which one is known (none where there are too few days), so that nobody is judged by them.
    """
    upper = judged[judged["grade"].isin(GRADES)]
    sign = (upper["total_n"] * 10 > upper["total_d"]).astype(int)
    yield "early_warning_attendance", "abc", place, upper.assign(n=sign)
    known = upper["is_judged"].astype(int)
    for profile in PROFILES:
        yield "early_warning_flags", profile, place, upper.assign(n=0, total_n=sign * known * 1000, total_d=known * 1000, is_judged=False)


def in_a_row(place: str, judged: pd.DataFrame, days: pd.DataFrame, school_days: set[tuple[str, str]]) -> Iterator[tuple[str, str, str, pd.DataFrame]]:
    """How often each student missed so many school days of a school in a row, walking through its days one by one."""
    calendar: dict[str, list[str]] = {}
    for school, day in sorted(school_days):
        calendar.setdefault(school, []).append(day)
    for profile, (line, least) in RUNS.items():
        missed = {(s, c, d) for s, c, d, n, whole in days[["student", "school", "date", "n", "d"]].itertuples(index=False) if whole - n >= least}
        times: dict[str, int] = {}
        for student, school in {(s, c) for s, c, _ in missed}:
            length = 0
            for day in calendar[school]:
                length = length + 1 if (student, school, day) in missed else 0
                times[student] = times.get(student, 0) + (length == line)
        n = judged["student"].map(times).fillna(0).astype(int)
        yield "consecutive_absence", profile, place, judged.assign(n=(n > 0).astype(int), total_n=n * 1000, is_judged=True)
