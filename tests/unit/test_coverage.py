"""What is a hole in attendance and in the code map, at one below, on and above each threshold."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from pipelines.district import Coverage
from pipelines.publication.coverage import Hole, SchoolDay, attendance_holes, bounds, code_map_holes

RULES = Coverage()
DAY = date(2025, 9, 1)


def days(*known: int, enrolled: int = 100, taken: bool = True, school: str = "110") -> list[SchoolDay]:
    return [SchoolDay(school, DAY + timedelta(days=n), 2026, enrolled, k, 0, taken) for n, k in enumerate(known)]


@pytest.mark.parametrize(("known", "is_hole"), [(79, True), (80, False), (81, False), (0, True)])
def test_four_fifths_of_a_school_must_be_known(known: int, is_hole: bool) -> None:
    assert bool(attendance_holes(days(known), RULES, positive=True)) == is_hole


def test_days_in_a_row_are_one_hole_and_the_days_lost_are_counted() -> None:
    found = attendance_holes([*days(100, 0, 10, 100, 0), *days(100, 100, 100, 100, 100, school="120")], RULES, positive=True)
    assert [(h.school_id, h.first.day, h.last.day, h.n_days, h.n_expected, h.n_found, h.severity) for h in found] == [
        ("110", 2, 3, 2, 200, 10, "warning"),
        ("110", 5, 5, 1, 100, 0, "warning"),
    ]
    assert found[0].words == "school 110, 2 school days, 2025-09-02 to 2025-09-03: attendance of 190 of 200 student-days is missing"


def test_small_schools_and_days_that_nothing_spoke_for_are_not_judged() -> None:
    assert attendance_holes(days(0, enrolled=19), RULES, positive=True) == []
    assert attendance_holes(days(0, enrolled=20), RULES, positive=True)
    assert attendance_holes(days(0, taken=False), RULES, positive=True) == []


@pytest.mark.parametrize(("habit", "is_hole"), [(4, False), (5, True), (6, True)])
def test_silence_is_a_hole_where_the_schools_habit_expects_exceptions(habit: int, is_hole: bool) -> None:
    found = attendance_holes(days(habit, habit, habit, 0), RULES, positive=False)
    assert [(h.first.day, h.severity) for h in found] == ([(4, "critical")] if is_hole else [])


def test_a_school_that_never_had_an_exception_has_no_habit() -> None:
    assert attendance_holes(days(0, 0, 0), RULES, positive=False) == []


@pytest.mark.parametrize(("unmapped", "severity"), [(0, None), (99, None), (100, "warning"), (499, "warning"), (500, "critical")])
def test_the_share_of_unmapped_codes(unmapped: int, severity: str | None) -> None:
    found = code_map_holes([("110", 2026, DAY, DAY, 1, 10_000 - unmapped, unmapped)], RULES)
    assert [h.severity for h in found] == ([severity] if severity else [])


def test_bounds_are_all_or_none_of_what_is_missing() -> None:
    assert bounds((Decimal(90), Decimal(100), 50), 100, 10) == (0.9, 0.45, 0.95)
    assert bounds((Decimal(90), Decimal(100), 9), 100, 10) == (None, None, None)
    assert bounds(None, 100, 10) == (None, None, None)


def test_a_code_map_hole_in_words() -> None:
    hole = Hole("code_map", "110", 2026, DAY, DAY, 1, 1_000, 200, "critical")
    assert hole.words == "school 110, 2025-09-01: 800 of 1,000 attendance rows have a code that is not in codes/attendance_codes.csv"
