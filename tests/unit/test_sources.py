from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import duckdb
import pytest

from pipelines.district import Source
from pipelines.sources import extract, google_forms, lms, oneroster
from pipelines.sources.shape import Item, Projection, Reading, Table, iso_date, quoted, select, snake, suggestion

PLACES = {"_delivery_id": "d1", "_file": "f.csv", "_line": 2, "_defect": None, "_text": None}


def _project(projection: Projection, table: Table, raw: Sequence[Mapping[str, str | None]]) -> list[dict[str, Any]]:
    """The candidates of some raw rows; the shape that every projection promises is checked on the way."""
    names = list(dict.fromkeys(n for row in raw for n in row))
    with duckdb.connect() as db:
        columns = ", ".join(f"{quoted(n)} varchar" for n in names)
        places = "_delivery_id varchar, _file varchar, _line bigint, _defect varchar, _text varchar"
        db.execute(f"create table raw ({', '.join(filter(None, [columns, places]))})")
        for number, row in enumerate(raw, start=2):
            values = [*(row.get(n) for n in names), *({**PLACES, "_line": number}).values()]
            db.execute(f"insert into raw values ({', '.join('?' * len(values))})", values)
        result = db.execute(projection.sql)
        described = {c[0]: str(c[1]) for c in result.description or ()}
        assert list(described) == [*table.columns, "_is_deleted", "_delivery_id", "_file", "_line", "_defect"]
        assert described["_is_deleted"] == "BOOLEAN"
        assert described["_line"] == "BIGINT"
        assert {described[c] for c in (*table.columns, "_delivery_id", "_file", "_defect")} == {"VARCHAR"}
        return [dict(zip(described, row, strict=True)) for row in result.fetchall()]


def _source(**settings: Any) -> Source:
    return Source.model_validate({"id": "s", "format": "extract", "table": "attendance", "path": "x", **settings})


def test_names() -> None:
    assert [snake(n) for n in ("classSourcedId", "SISUserIdentifier", "a.b")] == ["class_sourced_id", "sis_user_identifier", "a_b"]
    assert suggestion("AttCode", ["Att Code", "Day"]) == "; did you mean 'Att Code'?"
    assert suggestion("AttCode", ["Day"]) == "."


def test_blank_is_null_but_in_a_key_empty() -> None:
    table = Table("t", ("a", "b"), ("a",), ("a",))
    raw: list[dict[str, str | None]] = [{"x": " 1\u00a0", "y": "\t2 "}, {"x": None, "y": ""}, {"x": "  ", "y": None}]
    rows = _project(Projection(select(table, {"a": '"x"', "b": '"y"'})), table, raw)
    assert [(r["a"], r["b"]) for r in rows] == [("1", "2"), ("", None), ("", None)]


@pytest.mark.parametrize(
    ("text", "date_format", "expected"),
    [
        ("01/09/2019", "%d/%m/%Y", "2019-09-01"),
        ("8/5/2020", "%m/%d/%Y", "2020-08-05"),
        ("2020-08-05", "%m/%d/%Y", "2020-08-05"),
        ("13/13/2020", "%d/%m/%Y", "13/13/2020"),
        ("8/5/2020", None, "8/5/2020"),
    ],
)
def test_dates_become_iso_or_stay_as_they_stood(text: str, date_format: str | None, expected: str) -> None:
    with duckdb.connect() as db:
        assert db.execute(f"select {iso_date('x', date_format)} from (select '{text}' as x)").fetchall() == [(expected,)]


def test_extract_reads_through_the_column_map() -> None:
    source = _source(
        columns={"student_id": "ref.id", "attendance_date": 'The "day"', "school_id": "school"},
        constants={"modality": "in_person"},
        date_formats={"attendance_date": "%d/%m/%Y"},
    )
    raw = {"ref.id": " s1 ", 'The "day"': " 18/08/2025", "school": "k1", "attendance_code": "P", "teacher": "x"}
    table = extract.TABLES["attendance"]
    found = extract.projection(table, source, [*raw, *PLACES], Reading())
    assert (found.missing, found.unknown, found.notes) == ((), ("teacher",), ())
    (row,) = _project(found, table, [raw])
    assert [row[c] for c in table.columns] == ["s1", "k1", "2025-08-18", "P", "in_person", None, None]
    assert row["_is_deleted"] is False


def test_extract_names_what_is_missing_and_what_was_perhaps_meant() -> None:
    source = _source(columns={"attendance_code": "AttCode", "modality": "Mode"})
    found = extract.projection(extract.TABLES["attendance"], source, ["student_id", "school_id", "attendance_date", "attcode", *PLACES], Reading())
    assert found.missing == ("AttCode",)
    assert found.unknown == ("attcode",)
    assert found.notes == (
        "the file has no column 'AttCode'; did you mean 'attcode'? It is needed as attendance_code: set columns.attendance_code of source s in district.toml",
        "the file has no column 'Mode'. modality stays blank",
    )


def test_lms_goes_straight_through() -> None:
    table = lms.TABLES["submissions"]
    columns = [*lms.HEADERS["submissions"], "Extra"]
    found = lms.projection(table, _source(format="lms"), [*columns, *PLACES], Reading())
    assert (found.missing, found.unknown) == ((), ("Extra",))
    (row,) = _project(found, table, [{c: c for c in columns}])
    assert row["submission_status"] == "SubmissionStatus"
    assert row["create_date"] == "CreateDate"
    found = lms.projection(table, _source(format="lms"), ["submissionstatus", *(c for c in columns if c != "SubmissionStatus")], Reading())
    assert found.missing == ("SubmissionStatus",)
    assert found.notes == ("the file has no column 'SubmissionStatus'; did you mean 'submissionstatus'?",)


def _roster(file: str, columns: Sequence[str], mode: Literal["bulk", "delta"] = "delta") -> Projection:
    return oneroster.projection(oneroster.TABLES[file], _source(format="oneroster"), [*columns, *PLACES], Reading(mode))


SINCE_1_2 = {
    "roles", "userProfiles", "userResources", "scoreScales", "lineItemScoreScales", "resultScoreScales",
    "lineItemLearningObjectiveIds", "resultLearningObjectiveIds",
}  # fmt: skip


def test_both_versions_have_all_their_files() -> None:
    files = {v: {f for f in oneroster.FILES if oneroster.header(f, v)} for v in oneroster.VERSIONS}
    assert {v: len(f) for v, f in files.items()} == {"1.1": 13, "1.2": 21}
    assert files["1.2"] - files["1.1"] == SINCE_1_2


@pytest.mark.parametrize("version", oneroster.VERSIONS)
@pytest.mark.parametrize("file", oneroster.FILES)
def test_every_standard_header_is_read_whole(file: str, version: str) -> None:
    header = oneroster.header(file, version)
    if header is None:
        assert version == "1.1"
        assert file in SINCE_1_2
        return
    kept = [h for h in header if h not in oneroster.REDACTED]
    assert oneroster.header_warnings(file, version, header) == ()
    found = _roster(file, kept)
    assert (found.missing, found.unknown, found.notes) == ((), (), ())
    (row,) = _project(found, oneroster.TABLES[file], [{c: c for c in kept}])
    assert {row[snake(c)] for c in kept if c not in ("status", "dateLastModified")} == {c for c in kept if c not in ("status", "dateLastModified")}


def test_deletions_of_a_delta() -> None:
    columns = ["sourcedId", "status", "dateLastModified", "title"]
    raw = [{"sourcedId": str(n), "status": s} for n, s in enumerate(["active", "tobedeleted", " ToBeDeleted ", "inactive", "", None])]
    table = oneroster.TABLES["categories"]
    rows = _project(_roster("categories", columns, mode="delta"), table, [{"title": "t", **r} for r in raw])
    assert [r["_is_deleted"] for r in rows] == [False, True, True, True, False, False]
    rows = _project(_roster("categories", columns, mode="bulk"), table, [{"title": "t", **r} for r in raw])
    assert not any(r["_is_deleted"] for r in rows)


def test_older_names_are_read_with_a_warning() -> None:
    columns = ["userSourcedId", "status", "dateLastModified", "birthdate", "Sex", "metadata.iep"]
    found = _roster("demographics", columns)
    assert (found.missing, found.unknown) == ((), ())
    raw = dict.fromkeys(columns) | {"userSourcedId": "u1", "birthdate": "2010-01-02", "Sex": "female"}
    (row,) = _project(found, oneroster.TABLES["demographics"], [raw])
    assert (row["sourced_id"], row["birth_date"], row["sex"]) == ("u1", "2010-01-02", "female")
    warnings = oneroster.header_warnings("demographics", "1.1", columns)
    assert [w.partition(":")[0] for w in warnings] == ["legacy_column", "legacy_column", "header_case", "missing_column"]
    assert "legacy_column: 'birthdate' is read as 'birthDate'" in warnings


def test_a_column_of_its_right_name_wins_over_an_older_one() -> None:
    raw = {"sourcedId": "u1", "userSourcedId": "no", "birthDate": "2010-01-02"}
    found = _roster("demographics", list(raw))
    (row,) = _project(found, oneroster.TABLES["demographics"], [raw])
    assert row["sourced_id"] == "u1"
    assert found.unknown == ("userSourcedId",)


def test_header_warnings_name_order_and_strangers() -> None:
    header = ["sourcedId", "status", "dateLastModified", "type", "name", "identifier", "parentSourcedId", "phone"]
    assert [w.partition(":")[0] for w in oneroster.header_warnings("orgs", "1.2", header)] == ["unknown_column", "header_order"]
    found = _roster("orgs", [h for h in header if h != "name"])
    assert (found.missing, found.unknown) == (("name",), ("phone",))
    assert found.notes[0].startswith("orgs.csv has no column 'name'")
    older = oneroster.header_warnings("users", "1.2", [*(oneroster.header("users", "1.2") or ()), "resourceSourcedIds"])
    assert older == ("legacy_column: 'resourceSourcedIds' is of OneRoster 1.2.0 and is not read",)


def test_extension_columns_are_carried_as_one_json_object() -> None:
    raw: list[dict[str, str | None]] = [
        {"sourcedId": "u1", "metadata.meals": " free ", "metadata.a.b": 'say "x"', "Metadata.iepStatus": "Y"},
        {"sourcedId": "u2", "metadata.meals": "", "metadata.a.b": None, "Metadata.iepStatus": " "},
    ]
    columns = ["sourcedId", "enabledUser", "username", "givenName", "familyName", "metadata.meals", "metadata.a.b", "Metadata.iepStatus"]
    found = _roster("users", columns)
    first, second = _project(found, oneroster.TABLES["users"], [dict.fromkeys(columns) | r for r in raw])
    assert json.loads(first["metadata"]) == {"a.b": 'say "x"', "iepStatus": "Y", "meals": "free"}
    assert second["metadata"] is None
    assert found.unknown == ()
    assert list(json.loads(_project(_roster("users", columns[::-1]), oneroster.TABLES["users"], [dict.fromkeys(columns[::-1]) | raw[0]])[0]["metadata"])) == [
        "a.b", "iepStatus", "meals",
    ]  # fmt: skip


SURVEY = {"survey_id": "pulse", "wave_id": "w1", "school_column": "School", "grade_column": "Grade"}
ITEMS = Reading(items={"pulse": tuple(Item(title) for title in ("I feel safe", "Adults care", "Email Address", "Student"))})


def _survey(**settings: Any) -> Source:
    return _source(id="pulse", format="google_forms", survey=SURVEY, **settings)


def test_a_survey_becomes_one_row_for_each_answer() -> None:
    raw = [
        {"Timestamp": "2025/09/12 8:00:00 AM EST", "School": "k1", "Grade": "07", "I feel safe": " Agree", "Adults \n care": "", "Else": "x"},
        {"Timestamp": "2025-09-13 08:00:00", "School": "k2", "Grade": "08", "I feel safe": "Not sure", "Adults \n care": "Disagree", "Else": "y"},
    ]
    table = google_forms.TABLES["answers"]
    found = google_forms.projection(table, _survey(), [*raw[0], *PLACES], ITEMS)
    assert (found.missing, found.unknown) == ((), ("Else",))
    rows = sorted(_project(found, table, raw), key=lambda r: (r["_line"], r["item_title"]))
    assert [[r[c] for c in table.columns] for r in rows] == [
        ["pulse", "w1", "w1:2", None, "2025-09-12", "student", "k1", "07", "Adults care", "1", "", None],
        ["pulse", "w1", "w1:2", None, "2025-09-12", "student", "k1", "07", "I feel safe", "1", "", "Agree"],
        ["pulse", "w1", "w1:3", None, "2025-09-13", "student", "k2", "08", "Adults care", "1", "", "Disagree"],
        ["pulse", "w1", "w1:3", None, "2025-09-13", "student", "k2", "08", "I feel safe", "1", "", "Not sure"],
    ]


def test_a_time_stamp_in_a_configured_form() -> None:
    raw = {"Timestamp": "4/5/2020 16:04:48", "School": "", "Grade": "", "I feel safe": "x"}
    source = _survey(date_formats={"answered_on": "%m/%d/%Y %H:%M:%S"})
    table = google_forms.TABLES["answers"]
    (row,) = _project(google_forms.projection(table, source, list(raw), ITEMS), table, [raw])
    assert row["answered_on"] == "2020-04-05"
    (row,) = _project(google_forms.projection(table, _survey(), list(raw), ITEMS), table, [raw])
    assert row["answered_on"] == "4/5/2020 16:04:48"


def test_who_answered_is_never_a_candidate_even_where_the_code_map_says_so() -> None:
    raw = {
        "Timestamp": "2025-09-12",
        "School": "k1",
        "Grade": "07",
        "I feel safe": "Agree",
        "Student": "Ada Example",
        "Email Address": "ada@example.org",
    }
    table = google_forms.TABLES["answers"]
    found = google_forms.projection(table, _survey(redact=["student"]), [*raw, *PLACES], ITEMS)
    assert "ada" not in str(_project(found, table, [raw])).lower()
    assert found.unknown == ("Student", "Email Address")


def test_a_survey_without_its_columns_says_so_and_gives_no_rows() -> None:
    table = google_forms.TABLES["answers"]
    found = google_forms.projection(table, _survey(), ["Time stamp", "Question", *PLACES], ITEMS)
    assert found.missing == ("Timestamp", "School", "Grade", "item_title")
    assert found.notes[0] == (
        "the file has no column 'Timestamp'; did you mean 'Time stamp'? It is needed as answered_on: set it in the survey block of source pulse"
    )
    assert "codes/survey_items.csv" in found.notes[-1]
    assert _project(found, table, [{"Time stamp": "x", "Question": "y"}]) == []
