"""A Canvas gradebook export as the tables of a learning-management system."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from pipelines.district import Source
from pipelines.sources import canvas
from pipelines.sources.shape import Reading, quoted

FILE = "canvas/2025-09-20T0900_Grades-Algebra_1.csv"
HEADER = ["ID", "SIS User ID", "Section", "Essay, part 1 (101)", "Quiz (102)", "Project (103)", "Assignments Current Points", "Final Score", "Late policy"]
LINES = [
    ["", "", "", "Manual Posting", "", "", "(read only)", "(read only)", ""],
    ["", "", "", "20.00", "10", "5", "(read only)", "(read only)", ""],
    ["7", "u1", "P1", "18.5", "", "complete", "18.5", "90", ""],
    ["8", "u4", "P1", "EX", "N/A", "incomplete", "", "", ""],
    ["9", "", "P2", "B+", "0", "-", "", "", ""],
    ["10", "u6", "P2", "later", "95%", "EX", "", "", ""],
]


def read(table: str, lines: list[list[str]] = LINES, **settings: Any) -> tuple[list[dict[str, Any]], set[int]]:
    """The candidates of one table, and the lines (from 2) that describe columns."""
    source = Source.model_validate({"id": "canvas", "format": "canvas", "path": "canvas/*.csv", **settings})
    found = canvas.projection(canvas.TABLES[table], source, [*HEADER, "_delivery_id", "_file", "_line", "_defect", "_text"], Reading())
    assert (found.missing, found.notes) == ((), ())
    assert found.unknown == ("Late policy",)
    with duckdb.connect() as db:
        columns = ", ".join(f"{quoted(n)} varchar" for n in HEADER)
        db.execute(f"create table raw ({columns}, _delivery_id varchar, _file varchar, _line bigint, _defect varchar, _text varchar)")
        for number, line in enumerate(lines, start=2):
            defect = None if len(line) == len(HEADER) else "too few"
            db.execute(f"insert into raw values ({', '.join('?' * (len(HEADER) + 5))})", [*(line + [None] * 9)[:9], "d1", FILE, number, defect, None])  # type: ignore[list-item]
        result = db.execute(f"select * from ({found.sql}) order by all")
        names = [c[0] for c in result.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
        context = {n for (n,) in db.execute(f"select _line from raw where {found.context}").fetchall()}
    assert context.isdisjoint({r["_line"] for r in rows}), "a line that describes columns is no row"
    assert context | {r["_line"] for r in rows} == set(range(2, len(lines) + 2)), "each line is accounted for"
    return rows, context


def test_users_sections_and_enrollments_are_the_students_lines() -> None:
    users, context = read("users")
    assert context == {2, 3}
    assert [(u["source_system"], u["source_system_identifier"], u["sis_user_identifier"], u["user_role"], u["name"]) for u in users] == [
        ("canvas", "10", "u6", "student", None), ("canvas", "7", "u1", "student", None), ("canvas", "8", "u4", "student", None),
        ("canvas", "9", None, "student", None),
    ]  # fmt: skip
    sections, _ = read("sections")
    assert [(s["source_system_identifier"], s["sis_section_identifier"], s["_line"]) for s in sections] == [
        ("Algebra_1/P1", "P1", 4), ("Algebra_1/P1", "P1", 5), ("Algebra_1/P2", "P2", 6), ("Algebra_1/P2", "P2", 7),
    ]  # fmt: skip
    associations, _ = read("section-associations")
    assert {(a["lms_user_source_system_identifier"], a["lms_section_source_system_identifier"], a["enrollment_status"]) for a in associations} == {
        ("7", "Algebra_1/P1", "Active"), ("8", "Algebra_1/P1", "Active"), ("9", "Algebra_1/P2", "Active"), ("10", "Algebra_1/P2", "Active"),
    }  # fmt: skip


def test_assignments_come_from_the_line_of_points_possible_one_for_each_section() -> None:
    rows, context = read("assignments")
    assert context == {2, 4, 5, 6, 7}
    assert [(a["source_system_identifier"], a["title"], a["max_points"], a["due_date_time"]) for a in rows] == [
        ("101@Algebra_1/P1", "Essay, part 1", "20.00", None), ("101@Algebra_1/P2", "Essay, part 1", "20.00", None),
        ("102@Algebra_1/P1", "Quiz", "10", None), ("102@Algebra_1/P2", "Quiz", "10", None),
        ("103@Algebra_1/P1", "Project", "5", None), ("103@Algebra_1/P2", "Project", "5", None),
    ]  # fmt: skip


@pytest.mark.parametrize(("blank_is", "blank"), [("unknown", "Unknown"), ("missing", "Missing")])
def test_every_cell_of_a_student_is_a_submission(blank_is: str, blank: str) -> None:
    rows, context = read("submissions", blank_is=blank_is)
    assert context == {2, 3}
    said = {(r["lms_user_source_system_identifier"], r["assignment_source_system_identifier"]): r for r in rows}
    assert len(said) == len(rows) == 12
    assert {(u, a[:3]): (r["submission_status"], r["earned_points"], r["grade"]) for (u, a), r in said.items()} == {
        ("7", "101"): ("Graded", "18.5", "18.5"), ("7", "102"): (blank, None, None), ("7", "103"): ("Complete", None, None),
        ("8", "101"): ("Exempt", None, None), ("8", "102"): ("Unknown", None, None), ("8", "103"): ("Incomplete", None, None),
        ("9", "101"): ("Graded", None, "B+"), ("9", "102"): ("Graded", "0", "0"), ("9", "103"): (blank, None, None),
        ("10", "101"): ("later", None, None), ("10", "102"): ("Graded", None, "95%"), ("10", "103"): ("Exempt", None, None),
    }  # fmt: skip


def test_a_cut_line_is_a_row_and_no_second_header() -> None:
    rows, _ = read("users", [*LINES, ["", "u9"]])
    assert [r["_defect"] for r in rows if r["_line"] == 8] == ["too few"]


def test_a_file_without_ids_or_assignments_says_what_to_export() -> None:
    source = Source.model_validate({"id": "canvas", "format": "canvas", "path": "canvas/*.csv"})
    found = canvas.projection(canvas.TABLES["submissions"], source, ["ID", "SIS User", "Section", "Essay"], Reading())
    assert found.missing == ("SIS User ID", "Title (number)")
    assert "did you mean 'SIS User'?" in found.notes[0]


@pytest.mark.parametrize(
    ("name", "course"),
    [("x/2025-09-20T0900_Grades-Algebra_1 (2).csv", "Algebra_1"), ("2025-09-20_Biology B.csv", "Biology B"), ("Chemistry.csv", "Chemistry")],
)
def test_the_course_is_told_by_the_files_name(name: str, course: str) -> None:
    with duckdb.connect() as db:
        assert db.execute(f"select {canvas._COURSE} from (select '{name}' as _file)").fetchall() == [(course,)]
