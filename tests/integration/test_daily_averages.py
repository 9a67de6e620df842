"""Average daily attendance and membership of a district whose schools are in session on different days, and after a calendar that came late.

The days of each school are counted from the landing files; what they divide is what the attendance rate adds up to (held to the files in `test_extracts.py`).
"""

from __future__ import annotations

import shutil
from contextlib import closing
from datetime import date
from pathlib import Path

import duckdb
import pytest

from pipelines.lineage.ledger import Ledger
from pipelines.lineage.trace import find_figure, trace
from tests.districts import TestDistrict
from tests.extract_district import NIGHTS, TwoRivers
from tests.integration.test_extracts import in_session, period_rows, stints

LATER = date(2025, 9, 16)
RATES = """select school_id, group_family, group_value, grade_level, period_type, period_start::varchar, (numerator * 1000)::bigint,
    (denominator * 1000)::bigint, n_subjects from marts.agg_indicator_values where indicator_id = 'attendance_rate'"""
AVERAGES = """select school_id, group_family, group_value, grade_level, period_type, period_start::varchar, numerator::double, denominator::double, n_subjects,
    (value * 1000)::decimal(18, 3)::double from marts.agg_indicator_values where indicator_id = '{}' and ci_method = 'none' and ci_low is null"""


@pytest.fixture(scope="module")
def later(tmp_path_factory: pytest.TempPathFactory) -> tuple[TestDistrict, TestDistrict]:
    """The district after its nights, and a copy after one more: a school day of campus B, with attendance, was none, says its calendar now."""
    district = TestDistrict(tmp_path_factory.mktemp("averages") / "two-rivers")
    two_rivers = TwoRivers(district.folder)
    two_rivers.settings()
    for day, write in zip(NIGHTS, (two_rivers.first_night, two_rivers.second_night, two_rivers.third_night), strict=True):
        write()
        district.run(day)
    corrected = district.copy(district.folder.parent / "corrected")
    rows = [(*row[:2], "OFF", *row[3:]) if row[0] == "B" and days_of(district)["B"][0] in row[1] else row for row in two_rivers.calendar()]
    assert rows != two_rivers.calendar()
    TwoRivers(corrected.folder).put("calendar", LATER.isoformat(), rows)
    corrected.run(LATER)
    return district, corrected


def days_of(district: TestDistrict) -> dict[str, list[str]]:
    """The days of each school of the newest calendar on which somebody who was enrolled, and had school, has attendance."""
    taken = {(r.student_id, r.school_id, r.attendance_date) for r in period_rows(district.folder).itertuples()}
    days: dict[str, set[str]] = {}
    for s in stints(district.folder).itertuples():
        mine = {d for d in in_session(district.folder, s.school, s.track, s.cal) if s.entry <= d < s.exit and (s.student, s.school, d) in taken}
        days.setdefault(s.school, set()).update(mine)
    return {school: sorted(some) for school, some in days.items()}


def assert_averages(district: TestDistrict) -> None:
    """Every cell of both averages: of the year, which is the term and the month of these days too."""
    days = days_of(district)
    for indicator, side in (("average_daily_attendance", 6), ("average_daily_membership", 7)):
        expected, of_schools = {}, {}
        rates = [r for r in district.query(RATES) if r[4] == "year_to_date"]
        for r in (r for r in rates if r[0]):
            n = len(days[r[0]])
            average = (2 * r[side] + n) // (2 * n)
            expected[r[:6]] = (r[side] / 1000, float(n), r[8], float(average))
            of_schools[r[1:6]] = of_schools.get(r[1:6], 0) + average
        for r in (r for r in rates if not r[0]):
            expected[r[:6]] = (r[side] / 1000, float(len(set().union(*days.values()))), r[8], float(of_schools[r[1:6]]))
        assert len(expected) > 20
        found = {tuple(r[:6]): tuple(r[6:]) for r in district.query(AVERAGES.format(indicator)) if r[4] == "year_to_date"}
        assert found == expected


def test_averages_are_over_the_days_of_each_school(later: tuple[TestDistrict, TestDistrict]) -> None:
    district, _ = later
    assert_averages(district)


@pytest.mark.prove
def test_a_calendar_that_comes_late_changes_the_days_of_all_its_groups(later: tuple[TestDistrict, TestDistrict], tmp_path: Path) -> None:
    """Also of groups of whom nobody was there on that day; and it comes out as a build from nothing."""
    district, corrected = later
    assert [len(days_of(d)[school]) for d in (district, corrected) for school in "AB"] == [3, 3, 3, 2], "schools are in session on different days now"
    assert_averages(corrected)
    fresh = TestDistrict(tmp_path / "fresh")
    TwoRivers(fresh.folder).settings()
    shutil.copytree(corrected.landing, fresh.landing)
    fresh.run(LATER, NIGHTS[0])
    assert fresh.hashes() == corrected.hashes()


def test_an_average_is_traced_to_its_rows(later: tuple[TestDistrict, TestDistrict]) -> None:
    district, _ = later
    with duckdb.connect(str(district.build), read_only=True) as db, closing(Ledger(district.folder / "data" / "ledger.sqlite")) as ledger:
        keys = db.execute("select value_key from marts.agg_indicator_values where indicator_id like 'average_daily_%'").fetchall()
        assert len(keys) > 40
        for (key,) in keys:
            found = trace(db, ledger, find_figure(db, {"value_key": key}), limit=2)
            assert found.agrees, (key, found.numerator, found.denominator, found.n_subjects, found.figure)
