"""What the arrival gate says of Ed-Fi assessments and results: which are in the district's maps, and which say nothing that is read."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.district import District, load_district
from pipelines.quality.build import write_settings
from pipelines.quality.expectations import load_suites

URI = "uri://ed-fi.org/AssessmentReportingMethodDescriptor#"
MAPS = {
    "edfi_descriptors": f"field,descriptor,code\nscore_method,uri://state.example#SGP,growth_percentile\nscore_method,{URI}RIT scale score,none\n",
    "performance_levels": "assessment_id,performance_level,level_number,is_proficient\nT|uri://t,Good,3,true\n",
    "assessment_kinds": "assessment_id,subject,learning_area,kind\nT|uri://t,Mathematics,mathematics,summative\nT|uri://t,Reading; Writing,reading,summative\n"
    "odd^|id|uri://t,,,interim\n",
}


def failing(tmp_path: Path, table: str, rule_id: str, rows: list[dict[str, Any]], maps: dict[str, str] = MAPS) -> list[bool]:
    """Of each row whether it breaks the rule."""
    (tmp_path / "codes").mkdir()
    for name, text in maps.items():
        (tmp_path / "codes" / f"{name}.csv").write_text(text, encoding="utf-8")
    settings = '[district]\nid = "d"\nname = "D"\n[[school_years]]\nyear = 2026\nstart = 2025-08-18\nend = 2026-06-12\n[[sources]]\n'
    (tmp_path / "district.toml").write_text(settings + 'id = "edfi"\nformat = "edfi"\npath = "edfi/*.json"\n', encoding="utf-8")
    (rule,) = [r for r in load_suites("arrival")[table].rules if r.id == rule_id]
    columns = list(dict.fromkeys(c for row in rows for c in row))
    with duckdb.connect() as db:
        write_settings(db, load_district(tmp_path))
        db.execute("create schema known")
        db.execute("create view known.students as select 'here' as student_id")
        db.execute(f"create table r (n integer, _is_deleted boolean, {', '.join(f'{c} varchar' for c in columns)})")
        for n, row in enumerate(rows):
            cells = [json.dumps(v) if isinstance(v, list) else v for v in (row.get(c) for c in columns)]
            db.execute(f"insert into r values ({', '.join('?' * (len(columns) + 2))})", [n, False, *cells])
        bad = {n for (n,) in db.execute(f"select n from r where {rule.bad_when}").fetchall()}
    return [n in bad for n in range(len(rows))]


def score(method: str, result: str) -> dict[str, Any]:
    return {"assessmentReportingMethodDescriptor": method, "result": result}


def level(name: str, method: str | None = f"{URI}Proficiency level", met: bool | None = True) -> dict[str, Any]:
    said = {"assessmentReportingMethodDescriptor": method, "performanceLevelDescriptor": name, "performanceLevelMet": met}
    return {k: v for k, v in said.items() if v is not None}


def result(**more: Any) -> dict[str, Any]:
    return {"assessment_identifier": "T", "namespace": "uri://t", "score_results": None, "performance_levels": None, **more}


def test_a_result_says_something_that_is_read(tmp_path: Path) -> None:
    """By the common methods or the district's own; what the district maps to nothing, is no number or was not met is nothing. It is a warning."""
    read: list[tuple[dict[str, Any], bool]] = [
        ({"score_results": [score(f"{URI}Scale score", "512")]}, True),
        ({"score_results": [score(f"{URI}Raw score", "8"), score("uri://state.example#SGP", "61")]}, True),
        ({"performance_levels": [level("Good")]}, True),
        ({"performance_levels": [level("Good", met=None)]}, True),
        ({"performance_levels": [level("Good", method=None)]}, True),
        ({"score_results": [score(f"{URI}Raw score", "8")]}, False),
        ({"score_results": [score(f"{URI}RIT scale score", "208")]}, False),
        ({"score_results": [score(f"{URI}Scale score", "<200")]}, False),
        ({"score_results": [score("uri://state.example#SGP", "100"), score("uri://state.example#SGP", "0")]}, False),
        ({"performance_levels": [level("Good", met=False), level("Good", method=f"{URI}Growth/value-added/indexing")]}, False),
        ({}, False),
    ]
    found = failing(tmp_path, "edfi__student_assessments", "a_result_is_there", [result(**row) for row, _ in read])
    assert [not bad for bad in found] == [is_read for _, is_read in read]


def test_a_level_is_one_that_the_map_names_of_its_assessment(tmp_path: Path) -> None:
    """Only of an assessment that the map knows, and only of levels that would count."""
    rows = [
        (result(performance_levels=[level("Good")]), False),
        (result(performance_levels=[level("Good"), level("Better")]), True),
        (result(performance_levels=[level("Better", method=None)]), True),
        (result(performance_levels=[level("Good"), level("Better", met=False)]), False),
        (result(performance_levels=[level("Better", method="uri://state.example#Projected")]), False),
        (result(performance_levels=[level("Better")], namespace="uri://other"), False),
        (result(), False),
    ]
    assert failing(tmp_path, "edfi__student_assessments", "level_is_mapped", [row for row, _ in rows]) == [bad for _, bad in rows]


@pytest.mark.parametrize("with_map", [True, False])
def test_an_assessment_that_the_map_lacks_is_named_where_there_is_a_map(tmp_path: Path, with_map: bool) -> None:
    """By its id and all of its subjects, in the order of the alphabet and each once."""

    def assessment(identifier: str, *subjects: str) -> dict[str, Any]:
        said = [{"academicSubjectDescriptor": s} for s in subjects]
        return {"assessment_identifier": identifier, "namespace": "uri://t", "academic_subjects": said or None}

    rows = [
        (assessment("T", "Mathematics"), False),
        (assessment("T", "Writing", "Reading", "Writing"), False),
        (assessment("T", "Reading"), True),
        (assessment("T"), True),
        (assessment("odd|id"), False),
        (assessment("U", "Mathematics"), True),
    ]
    maps = {k: v for k, v in MAPS.items() if with_map or k != "assessment_kinds"}
    found = failing(tmp_path, "edfi__assessments", "assessment_is_mapped", [row for row, _ in rows], maps)
    assert found == [bad and with_map for _, bad in rows]


def test_a_day_may_have_a_time_and_a_student_may_be_of_a_file(tmp_path: Path) -> None:
    days = {"2025-09-09": False, "2025-09-09T14:05:00Z": False, "2025-09-09T23:59:00.5-05:00": False, "2025-02-30T08:00:00Z": True, "9/9/2025": True,
            "2025-09-09 14:05": True}  # fmt: skip
    assert failing(tmp_path, "edfi__student_assessments", "dates_are_dates", [result(administration_date=d) for d in days]) == list(days.values())
    (tmp_path / "other").mkdir()
    rows = [result(student_unique_id=s) for s in ("here", "elsewhere")]
    assert failing(tmp_path / "other", "edfi__student_assessments", "student_is_known", rows) == [False, True]


def test_results_come_from_an_extract_or_from_ed_fi() -> None:
    sources = [{"id": "edfi", "format": "edfi", "path": "edfi/*"}, {"id": "tests", "format": "extract", "table": "assessments", "path": "tests/*"}]
    years = [{"year": 2026, "start": date(2025, 8, 18), "end": date(2026, 6, 12)}]
    settings: dict[str, Any] = {"folder": "d", "district": {"id": "d", "name": "D"}, "school_years": years, "sources": sources}
    with pytest.raises(ValueError, match=r"brings assessments, and Ed-Fi too: it would count twice. Give the edfi source without = \['studentAssessments'\]"):
        District.model_validate(settings)
    District.model_validate(settings | {"sources": [sources[0] | {"without": ["studentAssessments"]}, sources[1]]})
