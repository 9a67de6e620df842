"""Ed-Fi API pages as somebody else's landing zone keeps them: what is true after upserts and deletes by run date, in any order of arrival.

The oracle reads the pages with json alone: of each id, the last upsert by run date counts, unless a deletion of the same date or a later one is known.
"""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.district import load_district
from pipelines.intake.take import take
from pipelines.lineage.ledger import Ledger
from pipelines.quality.arrival import arrive
from tests.districts import run

LAST_DAY = date(2022, 8, 11)
SETTINGS = """
[district]
id = "oea"
name = "Open Education Analytics"

[[school_years]]
year = 2017
start = 2016-08-22
end = 2017-06-30

[[school_years]]
year = 2023
start = 2022-07-01
end = 2023-06-30

[[sources]]
id = "edfi"
format = "edfi"
path = "edfi-api/**/*.json"

[intake]
settle_seconds = 0
"""
TABLES = {
    "students": "edfi__students",
    "schools": "edfi__schools",
    "courses": "edfi__courses",
    "courseOfferings": "edfi__course_offerings",
    "studentSchoolAssociations": "edfi__student_school_associations",
}


def records(page: Path) -> list[dict[str, Any]]:
    text = page.read_text(encoding="utf-8-sig").strip()
    return json.loads(text) if text.startswith("[") else [json.loads(line) for line in text.splitlines() if line.strip()]


def truth(pages: Path, resource: str) -> dict[str, dict[str, Any]]:
    """Every record that is true at the end, by id."""
    upserted: dict[str, tuple[str, dict[str, Any]]] = {}
    deleted: dict[str, str] = {}
    for page in sorted((pages / resource / "incremental").rglob("*.json")):
        day = page.parent.name.removeprefix("rundate=")
        for record in records(page):
            if page.parent.parent.name == "deletes":
                deleted[record["Id"]] = max(day, deleted.get(record["Id"], ""))
            elif day >= upserted.get(record["id"], ("", {}))[0]:
                upserted[record["id"]] = (day, record)
    return {i: record for i, (day, record) in upserted.items() if day > deleted.get(i, "")}


def make(folder: Path) -> None:
    folder.mkdir()
    (folder / "landing").mkdir()
    (folder / "district.toml").write_text(SETTINGS, encoding="utf-8")


def held(folder: Path) -> dict[str, list[tuple[Any, ...]]]:
    """What is accepted and open of every table, without the provenance that tells one arrival from another."""
    with duckdb.connect(str(folder / "data/build/build.duckdb"), read_only=True) as db:
        return {
            t: db.execute(f"select columns(lambda c: not starts_with(c, '_')) from held.{t} where _is_open order by record_id").fetchall()
            for t in TABLES.values()
        }


@pytest.fixture(scope="module")
def pages(shared_data: Path) -> Path:
    return shared_data / "oea/edfi-api"


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory, pages: Path) -> Path:
    folder = tmp_path_factory.mktemp("oea") / "district"
    make(folder)
    shutil.copytree(pages, folder / "landing/edfi-api")
    outcome = run(folder, LAST_DAY)
    for d in outcome.deliveries:
        assert d["status"] == "accepted", d["why"]
        assert d["n_rows"] == len(records(folder / "landing" / d["name"])), d["name"]
        assert d["n_accepted"] + d["n_superseded"] + d["n_duplicate"] == d["n_rows"], d["name"]
    read = {d["name"] for d in outcome.deliveries}
    everything = {p.relative_to(folder / "landing").as_posix() for p in (folder / "landing").rglob("*.json")}
    assert {n.split("/")[1] for n in everything - read} == {"schoolTypeDescriptors"}, "empty pages are deliveries too"
    return folder


def test_the_truth_is_what_it_was(pages: Path) -> None:
    counted = {resource: len(truth(pages, resource)) for resource in TABLES}
    assert counted == {"students": 6501, "schools": 5, "courses": 184, "courseOfferings": 368, "studentSchoolAssociations": 6503}


def test_what_is_held_is_what_is_true(district: Path, pages: Path) -> None:
    found = held(district)
    for resource, table in TABLES.items():
        assert {row[0] for row in found[table]} == set(truth(pages, resource)), resource


def test_students_and_stints_in_core(district: Path, pages: Path) -> None:
    with duckdb.connect(str(district / "data/build/build.duckdb"), read_only=True) as db:
        students = {s for (s,) in db.execute("select student_key from core.dim_students").fetchall()}
        schools = dict(db.execute("select school_key, school_name from core.dim_schools").fetchall())
        stints = set(db.execute("select student_key, school_key, entry_date::varchar, exit_date::varchar from core.dim_stints").fetchall())
        grades = dict(db.execute("select grade_level, count(*) from core.dim_students group by 1").fetchall())
    assert students == {s["studentUniqueId"] for s in truth(pages, "students").values()}
    assert len(students) == 6501
    assert schools == {str(s["schoolId"]): s["nameOfInstitution"] for s in truth(pages, "schools").values()}
    associations = truth(pages, "studentSchoolAssociations").values()
    expected = {
        (a["studentReference"]["studentUniqueId"], str(a["schoolReference"]["schoolId"]), a["entryDate"], a.get("exitWithdrawDate") or "9999-12-31")
        for a in associations
    }
    assert stints == expected
    latest: dict[str, tuple[str, str, str]] = {}
    for a in associations:
        student = a["studentReference"]["studentUniqueId"]
        latest[student] = max(latest.get(student, ("", "", "")), (a["entryDate"], a["id"], a["entryGradeLevelDescriptor"].rpartition("#")[2]))
    words = ["Fourth", "Fifth", "Sixth", "Seventh", "Eighth", "Ninth", "Tenth", "Eleventh", "Twelfth"]
    codes = {f"{word} grade": f"{number:02d}" for number, word in enumerate(words, start=4)}
    expected_grades: dict[str, int] = {}
    for _, _, words_of in latest.values():
        expected_grades[codes[words_of]] = expected_grades.get(codes[words_of], 0) + 1
    assert grades == expected_grades


@pytest.mark.parametrize("newest_first", [True, pytest.param(False, marks=pytest.mark.prove)])
def test_the_order_of_arrival_changes_nothing(tmp_path: Path, pages: Path, district: Path, newest_first: bool) -> None:
    """One run date a night, in either order; and within the earliest date the deletions before or after the upserts."""
    folder = tmp_path / "district"
    make(folder)
    settings = load_district(folder)
    names = [p.relative_to(pages) for p in pages.rglob("*.json") if "schoolTypeDescriptors" not in p.parts]
    nights = sorted({(p.parent.name, p.parent.parent.name == "deletes") for p in names}, reverse=newest_first)
    for number, (run_date, is_deletes) in enumerate(nights):
        for name in names:
            if (name.parent.name, name.parent.parent.name == "deletes") == (run_date, is_deletes):
                target = folder / "landing/edfi-api" / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(pages / name, target)
        ledger = Ledger(settings.data / "ledger.sqlite")
        try:
            take(settings, ledger, f"night-{number}", LAST_DAY, lambda text: None)
            arrive(settings, ledger, f"night-{number}", LAST_DAY, lambda text: None)
        finally:
            ledger.close()
    assert held(folder) == held(district)
