"""Grade levels by school year: of each year the newest file's word, whenever the files come; what changed is noted, and nothing else. And the warning of
grades that nobody translates.
"""

from __future__ import annotations

import csv
from datetime import date, timedelta

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.publication.grades import grade_issues
from pipelines.quality import grades
from pipelines.quality.build import SEEDS

FIRST = date(2025, 6, 26)  # the year turns on July 1; the days below lie on both sides of it
TURN = date(2025, 7, 1)


def _database() -> duckdb.DuckDBPyConnection:
    db = duckdb.connect()
    for schema in ("held", "changes", "judged", "settings"):
        db.execute(f"create schema {schema}")
    db.execute("create table settings.school_years as select 2025 as school_year, date '2024-07-01' as start_date, date '2025-06-30' as end_date "
               "union all select 2026, date '2025-07-01', date '2026-06-30'")  # fmt: skip
    grades.ensure_table(db)
    return db


def _take(db: duckdb.DuckDBPyConnection, files: list[tuple[int, dict[str, str | None]]]) -> None:
    """One night of files: (precedence, which is the day too, and each student's grade)."""
    db.execute("create or replace table judged.oneroster__users (sourced_id varchar, grades varchar, _is_deleted boolean, _delivery_id varchar, "
               "_line bigint, _precedence bigint, _business_date date, _outcome varchar)")  # fmt: skip
    for precedence, said in files:
        for line, (student, grade) in enumerate(said.items()):
            db.execute("insert into judged.oneroster__users values (?, ?, false, ?, ?, ?, ?, 'accepted')",
                       [student, grade, f"d{precedence}", line, precedence, FIRST + timedelta(days=precedence)])  # fmt: skip
    grades.note(db, "oneroster__users")


def _held(db: duckdb.DuckDBPyConnection) -> dict[tuple[str, int], str]:
    return {(s, y): g for s, y, g in db.execute("select student_id, school_year, grade_level from held.student_grades").fetchall()}


said = st.dictionaries(st.sampled_from("ab"), st.sampled_from(["05", "06", None]), min_size=1, max_size=2)


@settings(max_examples=60, deadline=None)
@given(contents=st.lists(said, min_size=1, max_size=8), data=st.data())
def test_each_years_newest_word_is_kept_whenever_it_came(contents: list[dict[str, str | None]], data: st.DataObject) -> None:
    files = list(enumerate(contents, start=1))
    expected: dict[tuple[str, int], str] = {}
    for precedence, each in files:  # oldest first: the last word of a year stands
        year = 2025 if FIRST + timedelta(days=precedence) < TURN else 2026
        expected |= {(student, year): grade for student, grade in each.items() if grade}
    in_one_go, night_by_night = _database(), _database()
    _take(in_one_go, files)
    for file in data.draw(st.permutations(files)):
        before = _held(night_by_night)
        night_by_night.execute("delete from changes.student_grades")
        _take(night_by_night, [file])
        after = _held(night_by_night)
        changed = set(night_by_night.execute("select student_id, school_year from changes.student_grades").fetchall())
        assert changed == {k for k in after if after[k] != before.get(k)}
    assert _held(in_one_go) == _held(night_by_night) == expected


def test_made_beside_what_is_held_it_begins_with_the_last_word() -> None:
    db = _database()
    db.execute("drop table held.student_grades")
    db.execute(
        "create table held.oneroster__users (sourced_id varchar, grades varchar, _precedence bigint, _delivery_id varchar, _line bigint, _known_on date)"
    )
    for row in (("a", "05", 3, "2025-06-30"), ("b", "06", 4, "2025-07-01"), ("c", "07", 0, None), ("d", None, 4, "2025-07-01"), ("e", "08", 9, "2026-08-01")):
        db.execute("insert into held.oneroster__users values (?, ?, ?, 'd', 1, ?)", row)
    grades.ensure_table(db)
    expected = {("a", 2025): "05", ("b", 2026): "06", ("e", 2027): "08"}
    assert _held(db) == expected
    grades.ensure_table(db)
    assert _held(db) == expected


def test_grades_that_nobody_translates_are_named_with_the_remedy() -> None:
    with _database() as db:
        db.execute("create schema core")
        db.execute("create table settings.vocabularies as select 'grade' as vocabulary, token from (values ('KG'), ('09')) t (token)")
        db.execute("""create table core.dim_student_grades as select * from (values
            ('a', 2025, 'KG'), ('b', 2026, '09'), ('c', 2026, 'Gr 9'), ('d', 2026, 'Gr 9'), ('e', 2026, 'K')) t (student_key, school_year, grade_level)""")
        db.execute("""create table core.dim_stints as
            select student_key, date '2025-08-18' as entry_date, date '2026-06-12' as exit_date from core.dim_student_grades where school_year = 2026
            union all select 'left', date '2023-08-18', date '2024-06-12'""")
        db.execute("insert into core.dim_student_grades values ('left', 2026, 'Gr 9')")
        (issue,) = grade_issues(db, 2)
        with (SEEDS / "indicator_profiles.csv").open(encoding="utf-8") as f:
            by_grade = [row for row in csv.DictReader(f) if row["grades"]]
        judged_by_grade, profiles = {row["indicator_id"] for row in by_grade}, ", ".join(sorted({row["profile_id"] for row in by_grade}))
        assert {"chronic_absence", "freshman_on_track"} < judged_by_grade
        assert (issue.severity, issue.school_year, issue.school_id, issue.indicators) == ("warning", 2026, "", frozenset(judged_by_grade))
        assert issue.why.startswith("grade levels that no code map translates: 'Gr 9' (2 students), 1 of fewer than 2 students each (")
        assert f"({profiles}): add them to codes/grade_levels.csv" in issue.why
        db.execute("delete from core.dim_student_grades where length(grade_level) <> 2")
        assert grade_issues(db, 2) == []
