"""One district's Ed-Fi resources, read as they stand by the nightly job: every record is in core or set aside for its true reason, counted from the files."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from pipelines.nightly import Outcome
from tests.districts import pointed_at, run

LAST_DAY = date(2022, 5, 27)
URI = "uri://ed-fi.org/"


@dataclass(frozen=True)
class GrandBend:
    folder: Path
    files: Path
    outcome: Outcome

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.folder / "data/build/build.duckdb"), read_only=True) as db:
            return db.execute(sql).fetchall()

    def records(self, resource: str) -> list[dict[str, Any]]:
        lines = (self.files / f"edfi/{resource}.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    def delivered(self, resource: str) -> dict[str, Any]:
        (found,) = (d for d in self.outcome.deliveries if d["name"] == f"edfi/{resource}.jsonl")
        return found


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> GrandBend:
    files = shared_data / "grand-bend"
    folder = pointed_at(files, Path(__file__).parent / "grand_bend_edfi", tmp_path_factory.mktemp("conformance"))
    return GrandBend(folder, files, run(folder, LAST_DAY))


def section_of(reference: dict[str, Any]) -> str:
    parts = ("schoolId", "schoolYear", "sessionName", "localCourseCode", "sectionIdentifier")
    return "|".join(["edfi", *(str(reference[p]) for p in parts)])


def test_every_model_was_built(district: GrandBend) -> None:
    results = json.loads((district.folder / "data/build/dbt/run_results.json").read_text(encoding="utf-8"))["results"]
    assert [r["unique_id"] for r in results if r["status"] in ("error", "skipped", "fail")] == []


def test_every_record_of_every_file_is_accounted_for(district: GrandBend) -> None:
    for d in district.outcome.deliveries:
        resource = Path(d["name"]).stem
        assert d["n_rows"] == len(district.records(resource)), resource
        assert d["n_accepted"] + d["n_quarantined"] + d["n_superseded"] + d["n_duplicate"] == d["n_rows"], resource
    read = {Path(d["name"]).stem for d in district.outcome.deliveries}
    assert len(read) == 33
    unread = {p.stem for p in (district.files / "edfi").glob("*.jsonl")} - read
    assert {"bellSchedule", "studentInterventionAssociation", "surveySection"} < unread, "resources that are not read"
    assert not {r for r in unread if r.endswith("ProgramAssociation") and r.startswith("student")}


def test_attendance_without_enrollment_is_set_aside_and_says_so(district: GrandBend) -> None:
    events = district.records("studentSchoolAttendanceEvent")
    assert len(events) == 1917
    assert not list((district.files / "edfi").glob("studentSchoolAssociation*")), "the files are not those that this test was written for"
    assert district.ask("select _rule, count(*) from quarantine.edfi__student_school_attendance_events group by 1") == [("inside_enrollment", 1917)]
    lines = {line for (line,) in district.ask("select _line from quarantine.edfi__student_school_attendance_events")}
    assert lines == set(range(1, 1918))
    assert district.ask("select count(*) from core.fct_attendance_days") == [(0,)]


def test_section_tardies(district: GrandBend) -> None:
    expected = Counter(
        (e["studentReference"]["studentUniqueId"], section_of(e["sectionReference"]), e["eventDate"], int(e["sectionAttendanceDuration"]))
        for e in district.records("studentSectionAttendanceEvent")
    )
    found = district.ask("select student_key, section_key, event_date::varchar, attendance_minutes from core.fct_section_attendance_events where is_tardy")
    assert Counter(found) == expected
    assert sum(expected.values()) == 66


def test_discipline_actions(district: GrandBend) -> None:
    actions = district.records("disciplineAction")
    expected = Counter(
        (
            a["disciplineActionIdentifier"],
            a["studentReference"]["studentUniqueId"],
            a["responsibilitySchoolReference"]["schoolId"],
            a["disciplineDate"],
            a["disciplineDescriptor"] == f"{URI}DisciplineDescriptor#In School Suspension",
            a["disciplineDescriptor"] == f"{URI}DisciplineDescriptor#In School Suspension",
            a["disciplineDescriptor"] == f"{URI}DisciplineDescriptor#Expulsion",
            Decimal(a["actualDisciplineActionLength"]),
        )
        for a in actions
    )
    columns = "split_part(action_id, '|', 1), student_key, school_key, incident_date::varchar, is_suspension, is_in_school, is_expulsion, action_days"
    assert Counter(district.ask(f"select {columns} from core.fct_discipline_actions")) == expected
    assert (len(actions), sum(k[6] for k in expected)) == (25, 1)


def test_staff_and_their_sections(district: GrandBend) -> None:
    assert {s for (s,) in district.ask("select staff_key from core.dim_staff")} == {s["staffUniqueId"] for s in district.records("staff")}
    expected = Counter(
        (a["staffReference"]["staffUniqueId"], section_of(a["sectionReference"]), a["beginDate"]) for a in district.records("staffSectionAssociation")
    )
    assert Counter(district.ask("select staff_key, section_key, begin_date::varchar from core.fct_staff_assignments where section_key is not null")) == expected
    assert sum(expected.values()) == 528


def test_gradebook_results(district: GrandBend) -> None:
    entries = {e["gradebookEntryIdentifier"]: e for e in district.records("gradebookEntry")}
    expected = Counter()
    for result in district.records("studentGradebookEntry"):
        entry = entries[result["gradebookEntryReference"]["gradebookEntryIdentifier"]]
        due = entry.get("dueDate", entry["dateAssigned"])
        late = result["assignmentLateStatusDescriptor"] == f"{URI}AssignmentLateStatusDescriptor#Late"
        expected[result["studentReference"]["studentUniqueId"], section_of(entry["sectionReference"]), due, late, True, False] += 1
    found = district.ask("select student_key, section_key, due_date::varchar, is_late, is_submitted, is_missing from core.fct_assignment_results")
    assert Counter(found) == expected
    assert (sum(expected.values()), sum(n for k, n in expected.items() if k[3])) == (250, 25)


def test_survey_answers(district: GrandBend) -> None:
    scale = {"Strongly Disagree": 1, "Disagree": 2, "Neutral": 3, "Agree": 4, "Strongly Agree": 5}
    elements = {"Not addressed", "Not well", "Somewhat", "Well", "Very well"}  # the question's own matrix: `Not Well` is none of them
    expected: Counter[tuple[str, Any, str]] = Counter()
    aside = []
    dates = {r["surveyResponseIdentifier"]: r["responseDate"] for r in district.records("surveyResponse")}
    for line, answer in enumerate(district.records("surveyQuestionResponse"), start=1):
        said = answer.get("surveyQuestionResponseValue", {})
        value = scale[said["textResponse"]] if "textResponse" in said else int(said["numericResponse"]) if "numericResponse" in said else None
        matrix = answer.get("surveyQuestionMatrixElementResponse", {})
        if matrix:
            value = int(matrix["numericResponse"]) if "numericResponse" in matrix else None
        if matrix and (matrix["matrixElement"] not in elements or "textResponse" in matrix):
            aside.append(line)
        else:
            expected[
                answer["surveyResponseReference"]["surveyResponseIdentifier"], value, dates[answer["surveyResponseReference"]["surveyResponseIdentifier"]]
            ] += 1
    found = district.ask(
        "select split_part(response_key, '|', 3), case when is_valid then item_value::int end, answered_on::varchar from core.fct_survey_answers"
    )
    assert Counter(found) == expected
    set_aside = district.ask("select _line, _rule from quarantine.edfi__survey_question_responses order by 1")
    assert set_aside == [(line, "answer_is_on_the_scale") for line in aside]
    assert (sum(expected.values()), len(aside)) == (58, 2)


def test_who_answered_reaches_no_answer(district: GrandBend) -> None:
    responses = district.records("surveyResponse")
    students = {r["studentReference"]["studentUniqueId"] for r in responses if "studentReference" in r}
    assert len(students) == 4
    held = district.ask("select count(*) from held.edfi__survey_responses where student_unique_id is not null")
    assert held == [(4,)]
    answers = district.ask("select columns(*)::varchar from core.fct_survey_answers")
    assert not {cell for row in answers for cell in row} & students
    (raw,) = (district.folder / "data/raw/edfi__survey_responses").rglob("*.parquet")
    assert not {"electronicMailAddress", "fullName"} & set(pq.read_schema(raw).names)


def test_groups_from_programs(district: GrandBend) -> None:
    families = {
        "studentSpecialEducationProgramAssociation": "disability",
        "studentLanguageInstructionProgramAssociation": "english_learner",
        "studentHomelessProgramAssociation": "homeless",
        "studentSchoolFoodServiceProgramAssociation": "economic_disadvantage",
    }
    day = "2021-12-01"
    expected: dict[str, set[str]] = {f: set() for f in families.values()}
    for resource, family in families.items():
        for p in district.records(resource):
            if p["beginDate"] <= day <= p.get("endDate", "9999"):
                expected[family].add(p["studentReference"]["studentUniqueId"])
    for family, students in expected.items():
        found = district.ask(
            f"select distinct student_key from core.dim_student_groups where group_family = '{family}' and group_value = 'yes' "
            f"and valid_from <= date '{day}' and valid_to > date '{day}'"
        )
        assert {s for (s,) in found} == students, family
    n = sum(len(district.records(p.stem)) for p in (district.files / "edfi").glob("student*ProgramAssociation.jsonl"))
    assert district.ask("select count(*) from held.edfi__student_programs where _is_open") == [(n,)]


def test_a_reference_that_the_export_lost_is_named(district: GrandBend) -> None:
    links = district.records("studentDisciplineIncidentBehaviorAssociation")
    assert all(link["disciplineIncidentReference"] == {} for link in links), "the files are not those that this test was written for"
    delivery = district.delivered("studentDisciplineIncidentBehaviorAssociation")
    assert (delivery["status"], delivery["n_quarantined"]) == ("blocked", 21)
    assert "No record has 'disciplineIncidentReference.incidentIdentifier'" in delivery["why"]
