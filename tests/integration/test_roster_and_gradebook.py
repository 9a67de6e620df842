"""One district with every OneRoster file, vendor columns that say programs, and a Canvas gradebook: through the real nightly job."""

from __future__ import annotations

import shutil
import sqlite3
import zipfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from pipelines.nightly import Outcome, run_nightly
from tests import packages
from tests.districts import TestDistrict

DAY = date(2025, 9, 20)
SETTINGS = """
[district]
id = "maple-hollow"
name = "Maple Hollow"

[[school_years]]
year = 2026
start = 2025-08-01
end = 2026-06-30

[[sources]]
id = "roster"
format = "oneroster"
path = "roster/*.zip"

[[sources]]
id = "canvas"
format = "canvas"
path = "canvas/*.csv"
blank_is = "missing"

[intake]
settle_seconds = 0
"""
CODES = {
    "metadata_programs": "file,column_name,value,group_family,group_value\nusers,iepStatus,Y,disability,yes\n",
    "assignment_due_dates": "source_id,assignment_id,due_date\ncanvas,101,2025-09-10\ncanvas,*,first_export\n",
    "lms_sections": "source_id,section_id,class_id\ncanvas,Algebra/P1,k1\n",
}
CANVAS = """Student,ID,SIS User ID,SIS Login ID,Section,Essay (101),Quiz (102),Final Score
,,,,,Manual Posting,,(read only)
    Points Possible,,,,,20,10,(read only)
"Example, Ada",7,u1,ada@example.org,P1,18.5,,90
"Example, Dot",8,u4,dot@example.org,P1,EX,N/A,
"Student, Test",9,,test,P1,,,
"""


LATER = date(2025, 9, 22)
CHANGED = CANVAS.replace("18.5,,90", "18.5,9,90").replace("P1,EX", "P1,20")
USERS = packages.V12["users"]


@dataclass(frozen=True)
class Maple:
    folder: Path
    outcome: Outcome

    def ask(self, sql: str, database: str = "build/build.duckdb") -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.folder / "data" / database), read_only=True) as db:
            return db.execute(sql).fetchall()


@pytest.fixture(scope="module")
def maple(tmp_path_factory: pytest.TempPathFactory) -> Maple:
    folder = tmp_path_factory.mktemp("maple")
    (folder / "district.toml").write_text(SETTINGS, encoding="utf-8")
    (folder / "codes").mkdir()
    for name, text in CODES.items():
        (folder / "codes" / f"{name}.csv").write_text(text, encoding="utf-8")
    (folder / "landing/roster").mkdir(parents=True)
    (folder / "landing/canvas").mkdir()
    files = packages.package("1.2")
    files["userProfiles"][1] += "open-sesame"
    with zipfile.ZipFile(folder / f"landing/roster/{DAY}.zip", "w") as archive:
        for file, lines in files.items():
            archive.writestr(f"{file}.csv", "\n".join(lines) + "\n")
    (folder / f"landing/canvas/{DAY}T0900_Grades-Algebra.csv").write_text(CANVAS, encoding="utf-8")
    return Maple(folder, run_nightly(folder, DAY))


def send_changes(folder: Path) -> None:
    """The vendor's column now says IEP of another student, and no longer of the first; the gradebook has a mark more and an excuse less."""
    rows = [r.replace(",,,", f",active,{LATER}T01:02:03.000Z,", 1) for r in (USERS[1].removesuffix("Y") + "N", USERS[4] + "Y")]
    with zipfile.ZipFile(folder / f"landing/roster/{LATER}.zip", "w") as archive:
        for file, lines in {"manifest": packages.manifest("1.2", {"users": "delta"}), "users": [USERS[0], *rows]}.items():
            archive.writestr(f"{file}.csv", "\n".join(lines) + "\n")
    (folder / f"landing/canvas/{LATER}T0900_Grades-Algebra.csv").write_text(CHANGED, encoding="utf-8")


def test_every_file_is_held_whole_and_nothing_is_reported(maple: Maple) -> None:
    counts = {d["table_name"]: (d["n_rows"], d["n_accepted"]) for d in maple.outcome.deliveries if d["table_name"].startswith("oneroster")}
    assert len(counts) == 21
    assert sum(n for n, _ in counts.values()) == sum(len(lines) - 1 for lines in packages.V12.values())
    assert all(n == accepted for n, accepted in counts.values())
    assert maple.outcome.rows["quarantined"] == 0
    with sqlite3.connect(maple.folder / "data/ledger.sqlite") as db:
        assert db.execute("select subject, check_id from checks where gate = 'arrival' and not passed").fetchall() == []
    for table in counts:
        view = f"stg_{table}"
        assert maple.ask(f"select count(*) from staging.{view}") == [(counts[table][0],)], view


def test_no_password_login_or_name_of_the_gradebook_reaches_raw(maple: Maple) -> None:
    raw = [pq.read_table(p, partitioning=None) for p in (maple.folder / "data/raw").rglob("*.parquet")]
    kept = {str(v) for t in raw for c in t.column_names for v in t.column(c).to_pylist()}
    assert not {"open-sesame", "dot@example.org", "Example, Ada"} & kept
    assert {"18.5", "ada@example.org"} <= kept, "the roster's own columns are kept, so that this test sees something"


def test_a_metadata_column_puts_a_student_into_a_group(maple: Maple) -> None:
    found = maple.ask("select student_key, group_value from core.dim_student_groups where group_family = 'disability' order by 1")
    assert found == [("u1", "yes"), ("u4", "no")]


def test_work_of_the_gradebook_counts_with_its_due_dates(maple: Maple) -> None:
    due = maple.ask("select assignment_key, due_date, school_key, points_possible::int from core.dim_assignments where assignment_key like 'lms%' order by 1")
    assert due == [("lms|canvas|101@Algebra/P1", date(2025, 9, 10), "s1", 20), ("lms|canvas|102@Algebra/P1", DAY, "s1", 10)]
    figures = maple.ask(
        "select student_key, numerator::int, denominator::int from marts_restricted.fct_student_indicators "
        "where indicator_id = 'assignment_completion' and period_type = 'year_to_date' and school_id = 's1'",
        "warehouse/restricted.duckdb",
    )
    # u1: two line items of the roster (one not handed in), the essay, and the quiz left empty. u4: excused, and not applicable.
    assert figures == [("u1", 2, 4)]


def test_each_line_of_the_gradebook_is_accounted_for(maple: Maple) -> None:
    counts = {d["table_name"]: (d["n_rows"], d["n_accepted"], d["n_duplicate"]) for d in maple.outcome.deliveries if d["table_name"].startswith("lms")}
    assert counts == {
        "lms__users": (3, 3, 0), "lms__sections": (3, 1, 2), "lms__section_associations": (3, 3, 0), "lms__assignments": (1, 1, 0),
        "lms__submissions": (3, 3, 0),
    }  # fmt: skip


def test_a_night_of_changes_equals_a_build_from_nothing(maple: Maple, tmp_path: Path) -> None:
    night_by_night = shutil.copytree(maple.folder, tmp_path / "nights", symlinks=True)
    send_changes(night_by_night)
    run_nightly(night_by_night, LATER)
    anew = shutil.copytree(night_by_night, tmp_path / "anew", ignore=shutil.ignore_patterns("data"))
    run_nightly(anew, LATER)
    assert TestDistrict(night_by_night).hashes() == TestDistrict(anew).hashes()
    changed = Maple(night_by_night, maple.outcome)
    groups = "select student_key, group_value from core.dim_student_groups where group_family = 'disability' order by 1"
    assert changed.ask(groups) == [("u1", "no"), ("u4", "yes")]
    figures = (
        "select student_key, numerator::int, denominator::int from marts_restricted.fct_student_indicators "
        "where indicator_id = 'assignment_completion' and period_type = 'year_to_date' and school_id = 's1' order by 1"
    )
    assert changed.ask(figures, "warehouse/restricted.duckdb") == [("u1", 3, 4), ("u4", 1, 1)]
    assert changed.ask(figures, "warehouse/restricted.duckdb") == Maple(anew, maple.outcome).ask(figures, "warehouse/restricted.duckdb")
