"""One district with every OneRoster file, vendor columns that say programs, a Canvas gradebook and a Google Classroom one: through the real nightly job."""

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

from pipelines.nightly import Outcome
from tests import packages
from tests.districts import TestDistrict, run
from tests.indicators import WORK

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

[[sources]]
id = "gc"
format = "classroom"
path = "gc/*.csv"
blank_is = "missing"

[coverage]
gradebook_students = 1

[intake]
settle_seconds = 0
"""
CODES = {
    "metadata_programs": "file,column_name,value,group_family,group_value\nusers,iepStatus,Y,disability,yes\n",
    "assignment_due_dates": "source_id,assignment_id,due_date\ncanvas,101,2025-09-10\ncanvas,*,first_export\n",
    "lms_sections": "source_id,section_id,class_id\ncanvas,Algebra/P1,k1\ngc,Biology,k1\ngc,Chemistry,k2\n",
}
CANVAS = """Student,ID,SIS User ID,SIS Login ID,Section,Essay (101),Quiz (102),Final Score
,,,,,Manual Posting,,(read only)
    Points Possible,,,,,20,10,(read only)
"Example, Ada",7,u1,ada@example.org,P1,18.5,,90
"Example, Dot",8,u4,dot@example.org,P1,EX,N/A,
"Student, Test",9,,test,P1,,,
"""


# The roster has the first two addresses; the first is written otherwise there.
CLASSROOM = """Last Name,First Name,Email Address,Lab,Poster
Date,,,2025-09-10,2025-10-01
Points,,,10,20
Class average,,,9,
Example,Ada,ADA@example.org,9,
Example,Dora,dora@example.org,,
"""
CHEMISTRY = """Last Name,First Name,Email Address,Salts
Date,,,2025-09-18
Points,,,10
Example,Ada,ada@example.org,5
Example,Nobody,nobody@example.org,5
"""

LATER = date(2025, 9, 22)
CHANGED = CANVAS.replace("18.5,,90", "18.5,9,90").replace("P1,EX", "P1,20")
DUE = "select assignment_key, due_date, school_key, points_possible::int from core.dim_assignments where assignment_key like 'lms|{}|%' order by 1"
COVERAGE = """select indicator_id, kind, table_name, school_id, subject_id, first_date, last_date, n_days, n_expected, n_found, n_students, severity, value
              from operations.coverage order by indicator_id"""
USERS = packages.V12["users"]
ADDRESS = USERS[0].split(",").index("email")


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
    files["users"][4] = ",".join("dora@example.org" if n == ADDRESS else cell for n, cell in enumerate(files["users"][4].split(",")))
    with zipfile.ZipFile(folder / f"landing/roster/{DAY}.zip", "w") as archive:
        for file, lines in files.items():
            archive.writestr(f"{file}.csv", "\n".join(lines) + "\n")
    (folder / f"landing/canvas/{DAY}T0900_Grades-Algebra.csv").write_text(CANVAS, encoding="utf-8")
    (folder / "landing/gc").mkdir()
    (folder / f"landing/gc/{DAY} Biology.csv").write_text(CLASSROOM, encoding="utf-8")
    return Maple(folder, run(folder, DAY))


def send_changes(folder: Path) -> None:
    """The vendor's column now says IEP of another student, and no longer of the first, and the other has no address any more; the gradebook has a mark more
    and an excuse less; another class comes, with a line of somebody unknown.
    """
    rows = [r.replace(",,,", f",active,{LATER}T01:02:03.000Z,", 1) for r in (USERS[1].removesuffix("Y") + "N", USERS[4] + "Y")]
    with zipfile.ZipFile(folder / f"landing/roster/{LATER}.zip", "w") as archive:
        for file, lines in {"manifest": packages.manifest("1.2", {"users": "delta"}), "users": [USERS[0], *rows]}.items():
            archive.writestr(f"{file}.csv", "\n".join(lines) + "\n")
    (folder / f"landing/canvas/{LATER}T0900_Grades-Algebra.csv").write_text(CHANGED, encoding="utf-8")
    (folder / f"landing/gc/{LATER} Chemistry.csv").write_text(CHEMISTRY, encoding="utf-8")


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
    due = maple.ask(DUE.format("canvas"))
    assert due == [("lms|canvas|101@Algebra/P1", date(2025, 9, 10), "s1", 20), ("lms|canvas|102@Algebra/P1", DAY, "s1", 10)]
    figures = maple.ask(
        "select student_key, numerator::int, denominator::int from marts_restricted.fct_student_indicators "
        "where indicator_id = 'assignment_completion' and period_type = 'year_to_date' and school_id = 's1'",
        "warehouse/restricted.duckdb",
    )
    # u1: two line items of the roster (one not handed in), the essay, the quiz left empty, and the lab. u4: excused, not applicable, and the lab left empty.
    assert sorted(figures) == [("u1", 3, 5), ("u4", 0, 1)]


def test_a_class_without_assignments_is_named_until_a_gradebook_comes(maple: Maple) -> None:
    # the class's own session goes from August to January, and a quarter of it has passed, though not of the year
    wanted = ("gradebook", "oneroster__results", "s1", "k2", date(2025, 8, 1), DAY, 51, 0, 0, 1, "warning", None)
    found = TestDistrict(maple.folder).published(COVERAGE)
    assert found == [(i, *wanted) for i in sorted(WORK)], "all that stands on results"
    ((status,),) = TestDistrict(maple.folder).published(
        "select distinct quality_status from marts.agg_indicator_values where indicator_id = 'assignment_completion' and school_id = 's1'"
    )
    assert "class k2, 2025-08-01 to 2025-09-20: no assignment is due; 1 student enrolled" in status


def test_a_classroom_file_says_due_dates_and_knows_students_by_their_address(maple: Maple) -> None:
    due = maple.ask(DUE.format("gc"))
    assert [row[1:] for row in due] == [(date(2025, 9, 10), "s1", 10), (date(2025, 10, 1), "s1", 20)]
    found = maple.ask("""select u.student_id, r.is_missing from core.fct_assignment_results r join intermediate.int_lms_users_identified u
                         on r.student_key = u.student_id and u.source_system = 'gc' where r.assignment_key like 'lms|gc|Lab%' order by 1""")
    assert found == [("u1", False), ("u4", True)]
    raw = [pq.read_table(p, partitioning=None) for p in (maple.folder / "data/raw").rglob("lms__*/*/*.parquet")]
    kept = "\n".join(str(t.to_pylist()) for t in raw)
    assert "2025-09-10" in kept
    assert not [said for said in ("@example", "Dora", "Example") if said in kept]


def test_each_line_of_the_gradebook_is_accounted_for(maple: Maple) -> None:
    counts = {d["table_name"]: (d["n_rows"], d["n_accepted"], d["n_duplicate"]) for d in maple.outcome.deliveries if d["name"].startswith("canvas/")}
    assert counts == {
        "lms__users": (3, 3, 0), "lms__sections": (3, 1, 2), "lms__section_associations": (3, 3, 0), "lms__assignments": (1, 1, 0),
        "lms__submissions": (3, 3, 0),
    }  # fmt: skip
    counts = {d["table_name"]: (d["n_rows"], d["n_accepted"], d["n_duplicate"]) for d in maple.outcome.deliveries if d["name"].startswith("gc/")}
    assert counts == {
        "lms__users": (2, 2, 0), "lms__sections": (2, 1, 1), "lms__section_associations": (2, 2, 0), "lms__assignments": (1, 1, 0),
        "lms__submissions": (2, 2, 0),
    }  # fmt: skip


def test_a_night_of_changes_equals_a_build_from_nothing(maple: Maple, tmp_path: Path) -> None:
    night_by_night = shutil.copytree(maple.folder, tmp_path / "nights", symlinks=True)
    send_changes(night_by_night)
    run(night_by_night, LATER)
    anew = shutil.copytree(night_by_night, tmp_path / "anew", ignore=shutil.ignore_patterns("data"))
    run(anew, LATER)
    assert TestDistrict(night_by_night).hashes() == TestDistrict(anew).hashes()
    assert TestDistrict(night_by_night).published(COVERAGE) == [], "the other class has work now"
    changed = Maple(night_by_night, maple.outcome)
    groups = "select student_key, group_value from core.dim_student_groups where group_family = 'disability' order by 1"
    assert changed.ask(groups) == [("u1", "no"), ("u4", "yes")]
    figures = (
        "select student_key, numerator::int, denominator::int from marts_restricted.fct_student_indicators "
        "where indicator_id = 'assignment_completion' and period_type = 'year_to_date' and school_id = 's1' order by 1"
    )
    # u1: a mark for the quiz, and the salts; u4, whose address is nobody's now: the essay, and no lab
    assert changed.ask(figures, "warehouse/restricted.duckdb") == [("u1", 5, 6), ("u4", 1, 1)]
    aside = "select _rule, _line from quarantine.lms__users"
    assert changed.ask(aside) == Maple(anew, maple.outcome).ask(aside) == [("address_is_somebodys", 5)]
    assert changed.ask(figures, "warehouse/restricted.duckdb") == Maple(anew, maple.outcome).ask(figures, "warehouse/restricted.duckdb")
