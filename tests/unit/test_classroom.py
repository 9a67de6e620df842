"""A Google Classroom grade export: what of it reaches raw, and what the gate gets of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.district import District, SettingsError, Source, load_district
from pipelines.intake.take import IntakeReport
from pipelines.lineage.ledger import Delivery
from pipelines.quality import hold, judge, known
from pipelines.quality.build import write_settings
from pipelines.quality.expectations import failing_sql, load_suites
from pipelines.sources import ALL_TABLES, classroom
from tests.landing import Desk
from tests.surveys import Judged, as_csv, judged

SOURCE: dict[str, Any] = {"id": "gc", "format": "classroom", "path": "gc/*.csv"}
FILE = "gc/2025-09-20_Biology B (2).csv"
ADA, DOT = (hashlib.sha256(a).hexdigest() for a in (b"ada@example.org", b"dot@example.org"))
LINES = [
    ["Last Name", "First Name", "Email Address", "Essay, part 1", "Quiz", "Quiz", "Overall Grade"],
    ["Date", "", "", "2025-09-10", "2025-09-12", "", ""],
    ["Points", "", "", "20", "10", "5", ""],
    ["Class average", "", "", "15.5", "9", "5", "88"],
    ["Example", "Ada", " Ada@Example.org ", "18.5", "", "Missing", "92"],
    ["Sample", "Dot", "dot@example.org", "0", "see me", "5", "80"],
]


@dataclass
class Found:
    """The candidates that the gate would get of one file, by table, loaded when they are asked for."""

    desk: Desk
    report: IntakeReport

    def __getitem__(self, table: str) -> Judged:
        return judged(self.desk, self.report, f"lms__{table}")


def read(folder: Path, lines: list[list[str]] = LINES, **settings: Any) -> tuple[Desk, dict[str, Delivery], Found]:
    """The deliveries of one file by table, and the candidates that the gate would get."""
    desk = Desk(folder, [SOURCE | settings])
    desk.put(FILE, as_csv(lines))
    report = desk.take()
    by_table = {d.table_name.removeprefix("lms__"): d for d in report.taken}
    assert set(by_table) == {"users", "sections", "section_associations", "assignments", "submissions"}
    return desk, by_table, Found(desk, report)


def column(found: Judged, *names: str) -> list[tuple[Any, ...]]:
    return sorted(tuple(r[n] for n in names) for r in found.rows)


def everything(folder: Path, desk: Desk, deliveries: dict[str, Delivery]) -> str:
    """All that is kept outside the landing folder."""
    kept = [p.read_bytes().decode("latin-1") for p in folder.rglob("*") if p.is_file() and "landing" not in p.parts and p.suffix != ".parquet"]
    return "\n".join([*kept, *(str(desk.raw(d)) for d in deliveries.values())])


def test_neither_a_name_nor_an_address_reaches_raw(tmp_path: Path) -> None:
    lines = [
        [*LINES[0], "Comments"],
        *([*row, "kind words"] for row in LINES[1:]),
        ["Toomany", "Evelina", "evelina@example.org", *"12345", "6"],
        ["Tooshort", "Fayola"],
    ]
    desk, deliveries, _ = read(tmp_path, lines)
    kept = everything(tmp_path, desk, deliveries).lower()
    for said in ("@example", "example.org", "sample", "toomany", "tooshort", "evelina", "fayola", "kind words"):
        assert said not in kept.replace(FILE.lower(), ""), said
    raw = desk.raw(deliveries["users"])
    assert [(r["Last Name"], r["Email Address"]) for r in raw] == [
        ("Date", ""), ("Points", ""), ("Class average", ""), ("", ADA), ("", DOT), (None, None), (None, None),
    ]  # fmt: skip
    assert "18.5" in kept, "the marks are kept, so that this test sees something"
    assert deliveries["users"].warnings[:2] == (
        "redacted: First Name, Comments not kept",
        "names: Last Name and First Name not kept, Email Address kept as its SHA-256",
    )


def test_users_section_and_enrollments(tmp_path: Path) -> None:
    _, _, found = read(tmp_path)
    assert column(found["users"], "_line", "source_system", "source_system_identifier", "user_role", "sis_user_identifier", "email_address", "name") == [
        (5, "gc", ADA, "student", None, None, None), (6, "gc", DOT, "student", None, None, None),
    ]  # fmt: skip
    assert column(found["sections"], "source_system_identifier", "sis_section_identifier", "title") == [("Biology B",) * 3] * 2
    assert column(found["section_associations"], "lms_user_source_system_identifier", "lms_section_source_system_identifier", "enrollment_status") == sorted(
        [(ADA, "Biology B", "Active"), (DOT, "Biology B", "Active")]
    )


def test_an_assignment_is_its_title_and_date_with_its_points(tmp_path: Path) -> None:
    _, _, found = read(tmp_path)
    assert column(found["assignments"], "source_system_identifier", "title", "due_date_time", "max_points", "_line") == [
        ("Essay, part 1|2025-09-10@Biology B", "Essay, part 1", "2025-09-10", "20", 3),
        ("Quiz@Biology B", "Quiz", None, "5", 3),
        ("Quiz|2025-09-12@Biology B", "Quiz", "2025-09-12", "10", 3),
    ]
    assert set(found["assignments"].found.n_rows.values()) == {1}


@pytest.mark.parametrize(("blank_is", "blank"), [("unknown", "Unknown"), ("missing", "Missing")])
def test_every_cell_of_a_student_is_a_submission(tmp_path: Path, blank_is: str, blank: str) -> None:
    _, _, found = read(tmp_path, blank_is=blank_is)
    said = {
        (r["lms_user_source_system_identifier"], r["assignment_source_system_identifier"].partition("@")[0]): (r["submission_status"], r["earned_points"])
        for r in found["submissions"].rows
    }
    assert said == {
        (ADA, "Essay, part 1|2025-09-10"): ("Graded", "18.5"), (ADA, "Quiz|2025-09-12"): (blank, None), (ADA, "Quiz"): ("Missing", None),
        (DOT, "Essay, part 1|2025-09-10"): ("Graded", "0"), (DOT, "Quiz|2025-09-12"): ("see me", None), (DOT, "Quiz"): ("Graded", "5"),
    }  # fmt: skip


def test_dates_as_a_file_writes_them(tmp_path: Path) -> None:
    lines = [LINES[0], ["Date", "", "", "9/10/2025", "9/25/2025", "", ""], *LINES[2:]]
    _, _, found = read(tmp_path, lines)
    assert {r["due_date_time"] for r in found["assignments"].rows} == {"2025-09-10", "2025-09-25", None}


def test_a_line_without_an_address_is_a_row_that_says_so(tmp_path: Path) -> None:
    desk, deliveries, found = read(tmp_path, [*LINES, ["Nobody", "Known", "", "1", "2", "3", "4"], ["Nobody", "Known", "none", "1", "2", "3", "4"]])
    for table in ("users", "submissions", "section_associations"):
        bad = [r for r in found[table].rows if r["_line"] in (7, 8)]
        assert len(bad) == (6 if table == "submissions" else 2)
        assert {r["_defect"] for r in bad} == {"the line has no e-mail address, which alone says whose it is"}
        assert not any(r["_is_conflict"] for r in bad)
    assert "nobody" not in everything(tmp_path, desk, deliveries).lower()


@pytest.mark.parametrize(
    ("lines", "missing", "said"),
    [
        ([["Biology B", "", "Essay"], ["Example", "Ada", "5"]], ("Last Name", "Email Address"), "Download all grades"),
        ([LINES[0][:3], *([r[0], r[1], r[2]] for r in LINES[1:])], ("Title",), "no column of an assignment"),
        (
            [["Last Name", "First Name", "Email Address", "Grade", "Assignment State"], ["Example", "Ada", "ada@example.org", "5", "Returned"]],
            ("Points",),
            "no line",
        ),
    ],
)
def test_another_file_stops_and_nothing_of_its_people_is_kept(tmp_path: Path, lines: list[list[str]], missing: tuple[str, ...], said: str) -> None:
    desk, deliveries, found = read(tmp_path, lines)
    of_file = found["users"].found
    assert set(of_file.missing.values()) == {missing}
    assert all(said in note for notes in of_file.notes.values() for note in notes)
    kept = everything(tmp_path, desk, deliveries)
    assert "Ada" not in kept
    assert "ada@" not in kept


@pytest.mark.parametrize(
    ("name", "section"), [("gc/Art 7.csv", "Art 7"), ("gc/2025-09-20_Biology B (2).csv", "Biology B"), ("Chem_1_2025-09-20.csv", "Chem_1")]
)
def test_the_class_is_told_by_the_files_name(name: str, section: str) -> None:
    with duckdb.connect() as db:
        assert db.execute(f"select {classroom._CLASS} from (select '{name}' as _file)").fetchall() == [(section,)]


def test_an_address_is_one_whatever_its_case_and_blanks() -> None:
    assert classroom.address_digest(" ADA@example.org ") == ADA
    assert classroom.address_digest("ada") == classroom.address_digest("") == ""


def test_it_is_csv_alone() -> None:
    with pytest.raises(ValueError, match="a grade export of Google Classroom is CSV"):
        Source.model_validate({**SOURCE, "file_type": "excel"})


def failing(folder: Path, lines: list[list[str]], table: str, rule_id: str, codes: str = "email,student_id\n") -> set[int]:
    """The lines of one file that break a rule, where the roster has Ada (u1) and Dot (u4), who shares her address with u5."""
    desk, deliveries, _ = read(folder, lines)
    (folder / "codes").mkdir(exist_ok=True)
    (folder / "codes/classroom_students.csv").write_text(codes, encoding="utf-8")
    district: District = desk.district
    suite = load_suites("arrival")[table]
    rule = next(r for r in suite.rules if r.id == rule_id)
    with duckdb.connect() as db:
        hold.ensure_tables(db, list(ALL_TABLES.values()))
        write_settings(db, district)
        for user, address in (("u1", "ADA@example.org"), ("u4", "dot@example.org"), ("u5", "dot@example.org")):
            db.execute("insert into held.oneroster__users (sourced_id, email, _is_open) values (?, ?, true)", [user, address])
        some = [deliveries[table.removeprefix("lms__")]]
        judge.load_deliveries(db, some, frozenset())
        judge.load_candidates(db, district, ALL_TABLES[table], {}, some, district.data)
        for name, each in ALL_TABLES.items():
            judge.present_view(db, each, name == table)
        known.write_views(db)
        return {line for _, line in db.execute(failing_sql(rule, table)).fetchall()}


NOBODYS = [*LINES, ["Else", "Somebody", "else@example.org", "1", "2", "3", "4"]]


def test_an_address_that_is_nobodys_is_set_aside_until_the_map_names_a_student(tmp_path: Path) -> None:
    assert failing(tmp_path / "a", NOBODYS, "lms__users", "address_is_somebodys") == {7}
    named = failing(tmp_path / "b", NOBODYS, "lms__users", "address_is_somebodys", "email,student_id\n Else@example.org ,u7\n")
    assert named == set()


def test_an_address_of_two_people_is_reported_until_the_map_names_one(tmp_path: Path) -> None:
    assert failing(tmp_path / "a", LINES, "lms__users", "address_is_one_persons") == {6}
    assert failing(tmp_path / "b", LINES, "lms__users", "address_is_one_persons", "email,student_id\ndot@example.org,u4\n") == set()


def test_two_assignments_of_one_title_and_date_are_set_aside(tmp_path: Path) -> None:
    twins = [LINES[0], ["Date", "", "", "2025-09-10", "2025-09-12", "2025-09-12", ""], *LINES[2:]]
    _, _, found = read(tmp_path / "a", twins)
    keys = {r["source_system_identifier"] for r in found["assignments"].rows}
    assert keys == {"Essay, part 1|2025-09-10@Biology B", "Quiz|2025-09-12@Biology B", "Quiz|2025-09-12#2@Biology B"}
    assert failing(tmp_path / "b", twins, "lms__assignments", "title_and_date_are_unique") == {3}
    assert failing(tmp_path / "c", LINES, "lms__assignments", "title_and_date_are_unique") == set()


def test_a_cell_that_is_no_number_is_set_aside(tmp_path: Path) -> None:
    assert failing(tmp_path, LINES, "lms__submissions", "status_is_known") == {6}


def test_the_map_names_its_columns(tmp_path: Path) -> None:
    (tmp_path / "codes").mkdir()
    (tmp_path / "codes/classroom_students.csv").write_text("mail,student\n", encoding="utf-8")
    (tmp_path / "district.toml").write_text('school_years = []\nsources = []\n[district]\nid = "d"\nname = "D"\n', encoding="utf-8")
    with pytest.raises(SettingsError, match="email,student_id"):
        load_district(tmp_path).code_map("classroom_students")
