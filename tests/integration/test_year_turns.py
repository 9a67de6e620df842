"""A school year ends and the next roster moves everybody up: last year's figures by grade stay what they were."""

from __future__ import annotations

import contextlib
import csv
import io
import zipfile
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from pipelines.lineage.ledger import Ledger
from pipelines.lineage.trace import find_figure, trace
from tests.districts import START, TestDistrict, make_district

TURN = START + timedelta(days=7)  # the second Monday, in a district whose school year ends on a Sunday in August
YEARS = f"""
[[school_years]]
year = 2025
start = 2025-07-01
end = {TURN - timedelta(days=1)}

[[school_years]]
year = 2026
start = {TURN}
end = 2026-06-30
"""
UP = {"KG": "01", **{f"{g:02d}": f"{g + 1:02d}" for g in range(1, 12)}, "12": "12"}
LAST_YEAR = """
select grade_level, indicator_id, profile_id, period_type, period_start, group_family, group_value, school_id, numerator, denominator, n_subjects
from marts.agg_indicator_values where school_year = 2025 and indicator_id in ('attendance_rate', 'chronic_absence') order by all"""


@pytest.fixture(scope="module")
def turning(tmp_path_factory: pytest.TempPathFactory) -> TestDistrict:
    """A district of 60 students whose roster of the second Monday, a new school year, has every student a grade higher."""
    district = make_district(tmp_path_factory.mktemp("years") / "d", students=60, days=7, seed=11)
    settings = district.folder / "district.toml"
    text = settings.read_text()
    before, after = text.index("[[school_years]]"), text.index("# The first file of the week")
    settings.write_text(text[:before] + YEARS + text[after:])
    _move_up(district, TURN)
    return district


def _move_up(district: TestDistrict, day: date) -> None:
    """The first roster, sent again as that of `day` with everybody's next grade (and the sessions of the new year)."""
    with zipfile.ZipFile(district.landing / "oneroster" / str(START) / "oneroster.zip") as first:
        files = {name: first.read(name).decode() for name in first.namelist()}
    rows = list(csv.DictReader(io.StringIO(files["users.csv"])))
    for row in rows:
        row["grades"] = UP.get(row["grades"], row["grades"])
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    files["users.csv"] = text.getvalue()
    folder = district.landing / "oneroster" / str(day)
    folder.mkdir(exist_ok=True)
    for path in folder.glob("oneroster*.zip"):
        path.unlink()
    with zipfile.ZipFile(folder / "oneroster.zip", "w") as package:
        for name, content in files.items():
            package.writestr(name, content)


def test_last_years_figures_by_grade_stay(turning: TestDistrict, tmp_path: Path) -> None:
    district = turning.copy(tmp_path / "nights")
    district.run(TURN - timedelta(days=1), START)
    before = district.published(LAST_YEAR)
    assert {r[0] for r in before} >= {"01", "05"}
    district.run(TURN)
    assert district.published(LAST_YEAR) == before
    moved = district.query("""
        select o.grade_level, n.grade_level from core.dim_student_grades o
        join core.dim_student_grades n on n.student_key = o.student_key and n.school_year = 2026 where o.school_year = 2025""")
    assert len(moved) > 50
    assert all(new == UP[old] for old, new in moved)
    by_grade = "select distinct grade_level from measurements.fct_measurements where school_year = 2026 and subject_type = 'student'"
    this_year = "select distinct grade_level from core.dim_student_grades where school_year = 2026"
    assert set(district.query(by_grade)) <= set(district.query(this_year))

    with duckdb.connect(str(district.build), read_only=True) as db, contextlib.closing(Ledger(district.folder / "data" / "ledger.sqlite")) as ledger:
        for school_year in (2025, 2026):
            asked = {"indicator_id": "attendance_rate", "grade_level": "05", "school_year": str(school_year)}
            traced = trace(db, ledger, find_figure(db, asked), limit=None)
            assert traced.agrees, school_year
            assert traced.n_rows > 0, school_year

    at_once = turning.copy(tmp_path / "at-once")
    at_once.run(TURN, START)
    assert at_once.hashes() == district.hashes()
