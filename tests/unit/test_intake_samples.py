"""Other people's files, read as they stand."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.intake.take import IntakeReport
from pipelines.sources import ALL_TABLES, format_of
from pipelines.sources.answers import items_by_survey
from pipelines.sources.shape import Reading
from tests.landing import Desk

WHO = ("StudentUniqueId", "FirstName", "LastSurname", "ElectronicMailAddress")
ASKED = ("Internet Access Type", "Has school email account", "Has computer at home", "Has school student account")
ITEM_MAP = "survey_id,item_title,item_id,construct,scale_id,is_reversed\n" + "".join(f"internet,{title},i{n},c,s,false\n" for n, title in enumerate(ASKED))
GRAND_BEND: list[dict[str, Any]] = [
    {"id": "roster", "format": "oneroster", "path": "oneroster-1.1/manifest.csv", "business_date": "2021-08-20"},
    {"id": "lms", "format": "lms", "path": "lms/**/*.csv"},
    {
        "id": "internet", "format": "google_forms", "path": "surveys/InternetAccessSurvey-Small.csv", "business_date": "2020-05-01", "redact": WHO,
        "date_formats": {"answered_on": "%m/%d/%Y %H:%M:%S"}, "survey": {"survey_id": "internet", "wave_id": "w1"},
    },
    {
        "id": "events", "format": "extract", "table": "attendance", "path": "edfi/studentSchoolAttendanceEvent.jsonl", "file_type": "jsonl",
        "business_date": "2022-06-01", "mode": "delta",
        "columns": {
            "student_id": "studentReference.studentUniqueId", "school_id": "schoolReference.schoolId",
            "attendance_date": "eventDate", "attendance_code": "attendanceEventCategoryDescriptor",
        },
    },
]  # fmt: skip


def _candidates(desk: Desk, report: IntakeReport) -> dict[str, list[dict[str, Any]]]:
    """All candidates of a take by table."""
    out: dict[str, list[dict[str, Any]]] = {}
    with duckdb.connect() as db:
        for d in report.taken:
            db.execute(f"create or replace view raw as select * from read_parquet('{desk.district.data / d.raw_path}', hive_partitioning = false)")
            columns = [str(c[0]) for c in db.execute("describe raw").fetchall()]
            source = desk.district.source(d.source_id)
            found = format_of(source).projection(ALL_TABLES[d.table_name], source, columns, Reading(items=items_by_survey(desk.district)))
            assert found.missing == ()
            result = db.execute(found.sql)
            names = [c[0] for c in result.description or ()]
            out.setdefault(d.table_name, []).extend(dict(zip(names, row, strict=True)) for row in result.fetchall())
    return out


@pytest.fixture(scope="module")
def grand_bend(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> tuple[Desk, IntakeReport]:
    desk = Desk(tmp_path_factory.mktemp("grand-bend"), GRAND_BEND, landing=str(shared_data / "grand-bend"))
    (desk.folder / "codes").mkdir()
    (desk.folder / "codes/survey_items.csv").write_text(ITEM_MAP, encoding="utf-8")
    return desk, desk.take()


def test_grand_bend(grand_bend: tuple[Desk, IntakeReport], shared_data: Path) -> None:
    desk, report = grand_bend
    assert {d.status for d in report.taken} == {"raw"}
    assert report.waiting == ()
    candidates = _candidates(desk, report)

    statuses: Counter[str] = Counter()
    for path in shared_data.glob("grand-bend/lms/*/*/submissions/*.csv"):
        with path.open(newline="", encoding="utf-8-sig") as f:
            statuses.update(row["SubmissionStatus"] for row in csv.DictReader(f))
    assert statuses == {"Graded": 714, "Late": 146, "Missing": 41}
    assert Counter(r["submission_status"] for r in candidates["lms__submissions"]) == statuses
    assert len([d for d in report.taken if d.table_name == "lms__submissions"]) == 24

    attended = candidates["extract__attendance"]
    assert len(attended) == 1917
    assert all(r["student_id"] and r["school_id"] and r["attendance_code"] for r in attended)
    assert [r["_line"] for r in attended] == list(range(1, 1918))

    counts = {name.removeprefix("oneroster__"): len(rows) for name, rows in candidates.items() if name.startswith("oneroster__")}
    assert counts == {"academic_sessions": 3, "classes": 2, "courses": 2, "demographics": 8, "enrollments": 24, "orgs": 2, "users": 10}


def test_the_faults_of_grand_bend_are_reported(grand_bend: tuple[Desk, IntakeReport]) -> None:
    desk, report = grand_bend
    roster = [d for d in report.taken if d.source_id == "roster"]
    assert all("manifest_version_wrong: manifest.version is '1', should be '1.0'" in d.warnings for d in roster)
    (users,) = [d for d in roster if d.table_name == "oneroster__users"]
    assert "defects: 2 of 10 lines are not well formed" in users.warnings
    ragged = [(r["_line"], r["_defect"], r["sourcedId"]) for r in desk.raw(users) if r["_defect"]]
    assert [(line, defect.partition(";")[0], key) for line, defect, key in ragged] == [
        (10, "19 cells where the header has 18", "207270"),
        (11, "19 cells where the header has 18", "207268"),
    ]


def test_an_anonymous_wave_says_nothing_of_who_answered(grand_bend: tuple[Desk, IntakeReport], shared_data: Path) -> None:
    desk, report = grand_bend
    (wave,) = [d for d in report.taken if d.source_id == "internet"]
    assert wave.n_rows == 77
    answers = _candidates(desk, report)["survey__answers"]
    assert len(answers) == 77 * len(ASKED)
    assert {r["answered_on"][:7] for r in answers} <= {"2020-04", "2020-05"}
    kept = str(desk.raw(wave)) + str(answers)
    with (shared_data / "grand-bend/surveys/InternetAccessSurvey-Small.csv").open(newline="") as f:
        for row in csv.DictReader(f):
            assert row["ElectronicMailAddress"] not in kept
            assert f"'{row['StudentUniqueId']}'" not in kept


def test_contoso_twice(tmp_path: Path, shared_data: Path) -> None:
    """The same extract on two days: day-first dates, a plain-text password, and the second day holding the first day's rows again."""
    folders = {"day1": "2019-09-02", "day2": "2019-09-03"}
    mapped = {"attendance_code": "AttendanceCode", "student_id": "student_id", "school_id": "school_id"}
    students = {"student_id": "SIS ID", "program_code": "LowIncome"}
    sources: list[dict[str, Any]] = []
    for day, business_date in folders.items():
        common = {"format": "extract", "business_date": business_date}
        attendance = {"table": "attendance", "columns": mapped, "date_formats": {"attendance_date": "%d/%m/%Y"}}
        sources.append({"id": f"attendance_{day}", "path": f"{day}/studentattendance/*.csv", **common, **attendance})
        programs = {"table": "programs", "columns": students, "redact": ["Password"]}
        sources.append({"id": f"students_{day}", "path": f"{day}/students/*.csv", **common, **programs})
    desk = Desk(tmp_path, sources, landing=str(shared_data / "oea" / "contoso_sis"))
    report = desk.take()
    # every last line but the students' ends with a line break; a header is no row
    assert [(d.source_id, d.n_rows) for d in report.taken if "attendance" in d.source_id] == [("attendance_day1", 1464), ("attendance_day2", 2928)]
    dates = [r["attendance_date"] for r in _candidates(desk, report)["extract__attendance"]]
    assert min(dates) == "2019-09-01"
    assert all(d[:4].isdigit() for d in dates)
    for d in report.taken:
        if d.table_name == "extract__programs":
            assert "redacted: Password not kept" in d.warnings
            assert all("NOx54M" not in str(row) for row in desk.raw(d))
