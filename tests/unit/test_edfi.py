"""Reading Ed-Fi: which resource and kind a path is, records of three data standards and two renderings, deletions, lists, and pages of JSON."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.district import District, Source
from pipelines.intake import jsonlines
from pipelines.lineage.graph import PROJECT
from pipelines.sources import edfi
from pipelines.sources.shape import Reading
from tests.landing import Desk

SETTINGS: dict[str, Any] = {"id": "edfi", "format": "edfi", "path": "edfi/**/*.json*"}
SOURCE = Source.model_validate(SETTINGS)
DESCRIPTOR = "uri://ed-fi.org/{}Descriptor#{}".format


def candidates(path: str, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The candidates that a page at this path gives, by intake's own flattening and the format's projection."""
    (table,) = edfi.FORMAT.tables_of(SOURCE, path)
    assert not isinstance(table, str)
    cells = [jsonlines.cells_of(json.loads(json.dumps(r), parse_int=jsonlines._Number, parse_float=jsonlines._Number)) for r in records]
    columns = list(dict.fromkeys(c for row in cells for c in row))
    kind = edfi.kind_of(SOURCE, path)
    projection = edfi.projection(table, SOURCE, columns, Reading(kind.mode or "bulk", {}, kind=kind.name))
    assert not projection.missing, projection.notes
    with duckdb.connect() as db:
        places = "_delivery_id varchar, _file varchar, _line bigint, _defect varchar, _text varchar"
        db.execute(f"create table raw ({''.join(f'{json.dumps(c)} varchar, ' for c in columns)}{places})")
        for number, row in enumerate(cells, start=1):
            db.execute(f"insert into raw values ({', '.join('?' * (len(columns) + 5))})", [*(row.get(c) for c in columns), "d1", path, number, None, None])
        result = db.execute(projection.sql + " order by _line")
        names = [c[0] for c in result.description or ()]
        assert names[: len(table.columns)] == list(table.columns)
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


@pytest.mark.parametrize(
    ("path", "kind", "mode", "order"),
    [
        ("edfi/students/incremental/upserts/rundate=2022-07-14/data_1.json", "students/upserts", "delta", 2),
        ("edfi/students/incremental/deletes/rundate=2022-07-14/data_1.json", "students/deletes", "delta", 3),
        ("edfi/keyChanges/2022-07-14/studentSchoolAssociations.json", "studentSchoolAssociations/keychanges", "delta", 0),
        ("edfi/full/2022-07-14/localEducationAgency.json", "localEducationAgencies/full", "bulk", 1),
        ("edfi/studentCTEProgramAssociation.jsonl", "studentCTEProgramAssociations/", "bulk", 2),
        ("edfi/survey.jsonl", "surveys/", "bulk", 2),
        ("edfi/staff.jsonl", "staffs/", "bulk", 2),
        ("edfi/studentGradebookEntry.jsonl", "studentGradebookEntries/", "bulk", 2),
    ],
)
def test_what_a_path_is(path: str, kind: str, mode: str, order: int) -> None:
    found = edfi.kind_of(SOURCE, path)
    assert (found.name, found.mode, found.order) == (kind, mode, order)


@pytest.mark.parametrize("path", ["edfi/bellSchedule.jsonl", "edfi/studentInterventionAssociations/upserts/1.json", "edfi/organizationDepartment.jsonl"])
def test_a_resource_that_is_not_read_is_said_in_words(path: str) -> None:
    said = edfi.FORMAT.tables_of(SOURCE, path)
    assert isinstance(said, str)
    assert "Ed-Fi resource" in said


STUDENT = {"studentUniqueId": "900001"}
API_EVENT = {
    "id": "4bd3918e13d84b43b3577bba594142b6",
    "schoolReference": {"schoolId": 255901001, "link": {"rel": "School", "href": "/ed-fi/schools/1"}},
    "sessionReference": {"schoolId": 255901001, "schoolYear": 2022, "sessionName": "Fall"},
    "studentReference": STUDENT,
    "eventDate": "2021-08-31",
    "attendanceEventCategoryDescriptor": DESCRIPTOR("AttendanceEventCategory", "Tardy"),
    "eventDuration": 0.50,
    "_etag": "1",
}
FLAT_EVENT = {
    "eventDate": "2021-08-31T00:00:00",
    "attendanceEventCategoryDescriptor": DESCRIPTOR("AttendanceEventCategory", "Tardy"),
    "eventDuration": "0.5",
    "studentReference": STUDENT,
    "schoolReference": {"schoolId": "255901001"},
    "sessionReference": {"sessionName": "Fall", "schoolYear": 2022, "schoolId": "255901001"},
}
NATURAL = "900001|255901001|2022|Fall|2021-08-31|uri://ed-fi.org/AttendanceEventCategoryDescriptor#Tardy"


def test_an_api_page_and_a_flattened_export_say_the_same() -> None:
    (api,) = candidates("edfi/studentSchoolAttendanceEvents/upserts/1.json", [API_EVENT])
    (flat,) = candidates("edfi/studentSchoolAttendanceEvent.jsonl", [FLAT_EVENT])
    assert (api["record_id"], flat["record_id"]) == (API_EVENT["id"], NATURAL)
    assert api["natural_key"] == flat["natural_key"] == NATURAL
    same = [c for c in api if c not in ("record_id", "_file")]
    assert [api[c] for c in same] == [flat[c] for c in same]


def test_deletions_name_a_record_by_id_or_by_its_key_in_any_case() -> None:
    path = "edfi/studentSchoolAttendanceEvents/deletes/1.json"
    key = {
        "studentUniqueId": "900001", "schoolId": 255901001, "schoolYear": 2022, "sessionName": "Fall", "eventDate": "2021-08-31",
        "attendanceEventCategoryDescriptor": API_EVENT["attendanceEventCategoryDescriptor"],
    }  # fmt: skip
    (oea,) = candidates(path, [{"Id": API_EVENT["id"], "ChangeVersion": "123456"}])
    (api,) = candidates(path, [{"id": API_EVENT["id"], "changeVersion": 123456, "keyValues": key}])
    (keyed,) = candidates(path, [{"changeVersion": 123456, "keyValues": key}])
    assert [r["record_id"] for r in (oea, api, keyed)] == [API_EVENT["id"], API_EVENT["id"], NATURAL]
    assert all(r["_is_deleted"] for r in (oea, api, keyed))


def test_a_key_change_withdraws_the_old_natural_key() -> None:
    old = {"schoolId": 255901001, "studentUniqueId": "900001", "entryDate": "2021-08-23"}
    path = "edfi/studentSchoolAssociations/keyChanges/1.json"
    (found,) = candidates(path, [{"id": "a1", "changeVersion": 1, "oldKeyValues": old, "newKeyValues": {**old, "entryDate": "2021-08-24"}}])
    assert (found["record_id"], found["_is_deleted"]) == ("900001|255901001|2021-08-23", True)


def test_a_record_without_part_of_its_key_is_nobody_elses() -> None:
    link = {"studentReference": STUDENT, "disciplineIncidentReference": {}, "behaviorDescriptor": "b"}
    whole = {**link, "disciplineIncidentReference": {"incidentIdentifier": "1", "schoolId": 2}}
    found = candidates("edfi/studentDisciplineIncidentBehaviorAssociation.jsonl", [link, link, whole])
    assert [r["record_id"] for r in found] == ["?d1:1", "?d1:2", "900001|1|2|b"]
    assert [r["natural_key"] for r in found] == [None, None, "900001|1|2|b"]


def test_programs_are_one_table_and_keep_their_resource() -> None:
    record = {
        "studentReference": STUDENT, "educationOrganizationReference": {"educationOrganizationId": 255901}, "beginDate": "2021-08-30",
        "programReference": {"educationOrganizationId": 255901, "programName": "Homeless", "programTypeDescriptor": DESCRIPTOR("ProgramType", "Homeless")},
    }  # fmt: skip
    (homeless,) = candidates("edfi/studentHomelessProgramAssociations/upserts/1.json", [record])
    (general,) = candidates("edfi/studentProgramAssociations/upserts/1.json", [record])
    assert (homeless["program_resource"], general["program_resource"]) == ("studentHomelessProgramAssociations", "studentProgramAssociations")
    assert homeless["record_id"] != general["record_id"]


@pytest.mark.parametrize(
    "races",
    [
        {"races": [{"raceDescriptor": "a"}, {"raceDescriptor": "b"}]},
        {"race": [{"raceDescriptor": "a"}, {"raceDescriptor": "b"}]},
        {"raceDescriptor": ["a", "b"]},
    ],
)
def test_a_list_is_the_same_in_every_rendering(races: dict[str, Any]) -> None:
    base = {"studentReference": STUDENT, "educationOrganizationReference": {"educationOrganizationId": 255901}}
    (found,) = candidates("edfi/studentEducationOrganizationAssociation.jsonl", [{**base, **races}])
    assert json.loads(found["races"]) == [{"raceDescriptor": "a"}, {"raceDescriptor": "b"}]


def test_one_item_may_be_an_object_or_a_value_and_an_empty_list_is_nothing() -> None:
    base = {"educationOrganizationReference": {"educationOrganizationId": 255901}}
    renderings: list[dict[str, Any]] = [{"races": [{"raceDescriptor": "a"}]}, {"race": {"raceDescriptor": "a"}}, {"raceDescriptor": "a"}, {"races": []}, {}]
    records = [{**base, "studentReference": {"studentUniqueId": str(n)}, **r} for n, r in enumerate(renderings)]
    found = candidates("edfi/studentDemographics/upserts/1.json", records)
    assert [json.loads(r["races"]) if r["races"] else None for r in found] == [[{"raceDescriptor": "a"}]] * 3 + [None] * 2


def test_a_page_of_another_resource_says_what_it_lacks() -> None:
    (table,) = edfi.FORMAT.tables_of(SOURCE, "edfi/students/upserts/1.json")
    assert not isinstance(table, str)
    found = edfi.projection(table, SOURCE, ["id", "schoolId"], Reading("delta", {}, kind="students/upserts"))
    assert found.missing == ("studentUniqueId",)
    assert "students" in found.notes[0]
    assert edfi.projection(table, SOURCE, [], Reading("delta", {}, kind="students/upserts")).missing == ()


def test_settings_know_that_edfi_is_json() -> None:
    assert SOURCE.file_type == "json"
    with pytest.raises(ValueError, match="Ed-Fi resources are JSON"):
        Source.model_validate({**SETTINGS, "file_type": "csv"})


def test_common_descriptors_are_whole_uris_and_say_where_they_are_from() -> None:
    with (PROJECT / "seeds/edfi_descriptors.csv").open(encoding="utf-8", newline="") as f:
        rows = list(csv.DictReader(f))
    assert all(r["descriptor"].startswith("uri://") and "#" in r["descriptor"] and r["code"] and r["source"] for r in rows)
    assert len({(r["field"], r["descriptor"]) for r in rows}) == len(rows)


json_values = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda v: st.lists(v) | st.dictionaries(st.text(), v), max_leaves=8)


@given(st.lists(st.dictionaries(st.text(min_size=1), json_values, max_size=4)), st.sampled_from([None, 1]), st.integers(1, 40))
def test_a_list_reads_as_its_lines_do_whatever_the_chunks(records: list[dict[str, Any]], indent: int | None, chunk: int) -> None:
    lines = "\n".join(json.dumps(r) for r in records)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jsonlines, "_CHUNK", chunk)
        listed, by_line = ([*jsonlines.items_of(io.StringIO(text))] for text in (json.dumps(records, indent=indent), lines))
    assert [item[:3] for item in listed] == [item[:3] for item in by_line]
    assert [json.loads(item[3] or "null") for item in listed] == [json.loads(item[3] or "null") for item in by_line], "the text of what is not fit"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('[{"a":1},{"a"', "after 1 records: it ends in the middle"),
        ('[{"a":1} {"b":2}]', "after 1 records: , or ] is expected there"),
        ('[{"a":1}] [', "after 1 records: the end of the file is expected there"),
        ('[{"a":1},{"b":nope},{"c":"' + "d" * 40 + '"}]', "after 1 records: not readable as JSON (Expecting value)"),
    ],
)
def test_a_broken_list_is_stopped_whole_and_says_where(tmp_path: Path, text: str, why: str) -> None:
    desk = Desk(tmp_path, sources=[SETTINGS])
    desk.put("edfi/students/upserts/2025-09-01/1.json", text)
    delivery = desk.one()
    assert (delivery.status, delivery.raw_path) == ("blocked", "")
    assert why in delivery.why


@pytest.mark.parametrize("empty", [b"\xef\xbb\xbf", b"\xef\xbb\xbf\r\n", b"[]", b"\xef\xbb\xbf [ ]\n"])
def test_an_empty_page_is_a_delivery_of_no_rows(tmp_path: Path, empty: bytes) -> None:
    desk = Desk(tmp_path, sources=[SETTINGS])
    desk.put("edfi/students/upserts/2025-09-01/1.json", empty)
    delivery = desk.one()
    assert (delivery.status, delivery.n_rows, delivery.why) == ("raw", 0, "")
    assert desk.raw(delivery) == []


def test_a_file_of_no_bytes_says_nothing(tmp_path: Path) -> None:
    desk = Desk(tmp_path, sources=[SETTINGS])
    desk.put("edfi/students/upserts/2025-09-01/1.json", b"")
    assert desk.one().status == "blocked"


def test_lines_and_places_in_a_list_are_counted_from_one(tmp_path: Path) -> None:
    desk = Desk(tmp_path, sources=[SETTINGS])
    desk.put("edfi/students/upserts/2025-09-01/1.json", b'\xef\xbb\xbf{"studentUniqueId":"1"}\n\n{"studentUniqueId":"3"}\n')
    desk.put("edfi/students/upserts/2025-09-01/2.json", '[{"studentUniqueId":"1"},\n\n{"studentUniqueId":"2"}]')
    found = [[(r["studentUniqueId"], r["_line"]) for r in desk.raw(d)] for d in desk.take().taken]
    assert sorted(found) == [[("1", 1), ("2", 2)], [("1", 1), ("3", 3)]]


def test_deletions_of_a_date_come_after_its_upserts_however_often_either_is_sent(tmp_path: Path) -> None:
    desk = Desk(tmp_path, sources=[SETTINGS])
    record = '{"id":"a","studentUniqueId":"1"}'
    desk.put("edfi/students/deletes/2025-09-01/1.json", '[{"id":"a"}]')
    desk.put("edfi/students/keyChanges/2025-09-01/1.json", "[]")
    first = desk.take().taken
    desk.put("edfi/students/upserts/2025-09-01/1.json", record)
    desk.put("edfi/students/upserts/2025-09-01/2.json", record.replace('"a"', '"b"'))
    second = desk.take().taken
    desk.put("edfi/students/upserts/2025-09-01/1.json", record.replace('"1"', '"2"'))
    (again,) = desk.take().taken
    desk.put("edfi/students/upserts/2025-09-02/1.json", record)
    (later,) = desk.take(date(2025, 9, 2)).taken
    by_kind = {d.name.split("/")[2]: d.precedence for d in first}
    pages = [d.precedence for d in second]
    assert by_kind["keyChanges"] < pages[0] == pages[1] < again.precedence < by_kind["deletes"] < later.precedence


def test_a_record_that_cannot_be_read_leaves_no_words_in_raw(tmp_path: Path) -> None:
    """No record that can be read has the address: that it is redacted is known from the format alone."""
    desk = Desk(tmp_path, sources=[SETTINGS])
    lines = '{"id":"a1","surveyResponseIdentifier":"R1"}\n{"id":"a2","electronicMailAddress":"ann.lee@school.example","responseDate":"2021-10-\n'
    desk.put("edfi/surveyResponses/upserts/2025-09-01/1.json", lines)
    good, cut = desk.raw(desk.one())
    assert good["_defect"] is None
    assert cut["_defect"].startswith("not readable as JSON")
    assert not any("ann.lee" in str(cell) for cell in cut.values())


@pytest.mark.parametrize("depth", [600, 900, 5000])
def test_a_record_nested_too_deeply_is_set_aside_alone(tmp_path: Path, depth: int) -> None:
    desk = Desk(tmp_path, sources=[SETTINGS])
    desk.put("edfi/students/upserts/2025-09-01/1.json", '{"id":"1","studentUniqueId":"1"}\n{"id":"2","a":' + "[" * depth + "]" * depth + "}\n")
    delivery = desk.one()
    assert (delivery.status, delivery.n_rows) == ("raw", 2)
    assert [r["_defect"] for r in desk.raw(delivery)] == [
        None,
        "JSON nested too deeply; its text and some cells are left out, as they may hold a redacted column",
    ]


def test_what_an_extract_brings_ed_fi_must_leave_unread() -> None:
    extract = {"id": "discipline", "format": "extract", "table": "discipline", "path": "discipline/*.csv"}
    years = [{"year": 2026, "start": "2025-08-18", "end": "2026-06-12"}]
    settings = {"folder": "d", "district": {"id": "d", "name": "D"}, "school_years": years}
    with pytest.raises(ValueError, match=r"it would count twice. Give the edfi source without = \['disciplineActions', 'student"):
        District.model_validate(settings | {"sources": [SETTINGS, extract]})
    with pytest.raises(ValueError, match=r"without = \['studentDisciplineIncidentBehaviorAssociations'\]"):
        District.model_validate(settings | {"sources": [SETTINGS | {"without": ["disciplineActions"]}, extract]})
    apart = SETTINGS | {"without": ["disciplineActions", "studentDisciplineIncidentBehaviorAssociations"]}
    District.model_validate(settings | {"sources": [apart, extract]})
    unread = edfi.FORMAT.tables_of(Source.model_validate(apart), "edfi/disciplineAction.jsonl")
    assert unread == "source edfi: disciplineActions is not read, as `without` says"
