"""The same facts written as data standard 4, 5 and 6 have them come out the same; and two nights come out as one build from nothing.

Three schools of one fictional district land their pages, each by another data standard. School `n00` is that of data standard n, its students are `n-1`
to `n-3`. The differences are those of the standards: race spelled as before 5.2, demographics on the organization association (4, 5) or in
studentDemographics (6), grading periods by sequence (4) or name, parents (4) or contacts, an academic subject that is a value (4) or a list.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.districts import run

FIRST, SECOND = date(2025, 9, 12), date(2025, 9, 16)
STANDARDS = ("4", "5", "6")
SETTINGS = """
[district]
id = "three-standards"
name = "Three Standards"

[[school_years]]
year = 2026
start = 2025-08-18
end = 2026-06-12

[[sources]]
id = "edfi"
format = "edfi"
path = "edfi/**/*.json"

[attendance]
reporting = "exceptions"

[suppression]
min_n = 1

[intake]
settle_seconds = 0
"""
CODES = {
    "attendance_codes": "code,absent_share,is_excused,is_tardy\n{0}AttendanceEventCategoryDescriptor#Unexcused Absence,1,false,false\n"
    "{0}AttendanceEventCategoryDescriptor#Tardy,0,false,true\n",
    "calendar_codes": "code,is_instructional\n{0}CalendarEventDescriptor#Instructional day,true\n{0}CalendarEventDescriptor#Holiday,false\n",
    "program_codes": "code,group_family,group_value\n{0}ProgramTypeDescriptor#Special Education,disability,yes\n",
    "survey_items": "survey_id,item_title,item_id,construct,scale_id,is_reversed\nHOME,Q1,welcome,belonging,agree,false\n",
    "survey_scales": "scale_id,answer,value,minimum,maximum,favorable_from\nagree,Yes,2,1,2,2\nagree,No,1,1,2,2\n",
}
URI = "uri://ed-fi.org/"
HOLIDAY = date(2025, 9, 1)


def descriptor(kind: str, code: str) -> str:
    return f"{URI}{kind}Descriptor#{code}"


def days(last: date) -> list[date]:
    return [d for n in range(60) if (d := date(2025, 8, 18) + timedelta(days=n)) <= last and d.weekday() < 5]


def first_pages(ds: str) -> dict[str, list[dict[str, Any]]]:
    """A first reading: everything of one school, by resource."""
    school = int(f"{ds}00")
    people = [f"{ds}-1", f"{ds}-2", f"{ds}-3"]
    here = {"schoolReference": {"schoolId": school}}
    session = {"schoolId": school, "schoolYear": 2026, "sessionName": "Fall"}
    section = {**session, "localCourseCode": "MATH", "sectionIdentifier": "M1"}

    def student(n: int) -> dict[str, Any]:
        return {"studentReference": {"studentUniqueId": people[n]}}

    district = {"educationOrganizationReference": {"educationOrganizationId": 1}}
    black = "Black - African American" if ds == "4" else "Black or African American"
    about: dict[str, Any] = {
        "hispanicLatinoEthnicity": False,
        "races": [{"raceDescriptor": descriptor("Race", black)}],
        "sexDescriptor": descriptor("Sex", "Female"),
        "limitedEnglishProficiencyDescriptor": descriptor("LimitedEnglishProficiency", "Limited"),
        "studentCharacteristics": [
            {"studentCharacteristicDescriptor": descriptor("StudentCharacteristic", "Homeless"), "periods": [{"beginDate": "2025-09-08"}]}
        ],
    }
    poor = descriptor("StudentCharacteristic", "Economic Disadvantaged")
    if ds == "6":
        about["economicDisadvantageDescriptor"] = descriptor("EconomicDisadvantage", "Eligible For Free Meals")
        demographics = {
            "studentDemographics": [{**district, **student(0), **about}],
            "studentEducationOrganizationAssociations": [{**district, **student(0), "studentIndicators": []}],
        }
    else:
        about["studentCharacteristics"].append({"studentCharacteristicDescriptor": poor})
        demographics = {"studentEducationOrganizationAssociations": [{**district, **student(0), **about}]}
    period = {"gradingPeriodDescriptor": descriptor("GradingPeriod", "First Quarter"), "schoolId": school, "schoolYear": 2026}
    period |= {"periodSequence": 1} if ds == "4" else {"gradingPeriodName": "Quarter 1"}
    survey = {"namespace": f"uri://school{ds}.example", "surveyIdentifier": "HOME"}
    guardian = {"parentReference": {"parentUniqueId": "p1"}} if ds == "4" else {"contactReference": {"contactUniqueId": "p1"}}
    math = descriptor("AcademicSubject", "Mathematics")
    subject: dict[str, Any] = {"academicSubjectDescriptor": math} if ds == "4" else {"academicSubjects": [{"academicSubjectDescriptor": math}]}
    entry = {"gradebookEntryIdentifier": f"W{ds}", "namespace": "uri://gradebook.example"}
    test = {"assessmentIdentifier": f"T{ds}", "namespace": "uri://test.example"}
    unexcused = descriptor("AttendanceEventCategory", "Unexcused Absence")
    incident = {"incidentIdentifier": "I1", "schoolId": school}
    absences = [("2025-09-02", 0, None), ("2025-09-03", 0, 0.5), ("2025-09-10", 1, 1)]
    return demographics | {
        "schools": [{"schoolId": school, "nameOfInstitution": "Maple Hollow School"}],
        "students": [{"studentUniqueId": p} for p in people],
        "studentSchoolAssociations": [
            {**here, **student(0), "entryDate": "2025-08-18", "entryGradeLevelDescriptor": descriptor("GradeLevel", "Sixth grade")},
            {**here, **student(1), "entryDate": "2025-09-08", "entryGradeLevelDescriptor": descriptor("GradeLevel", "Sixth grade")},
            {  # a no-show
                **here, **student(2), "entryDate": "2025-08-18", "exitWithdrawDate": "2025-08-18",
                "entryGradeLevelDescriptor": descriptor("GradeLevel", "Sixth grade"),
            },
        ],
        "calendarDates": [
            {
                "calendarReference": {"calendarCode": "C", "schoolId": school, "schoolYear": 2026},
                "date": d.isoformat(),
                "calendarEvents": [{"calendarEventDescriptor": descriptor("CalendarEvent", "Holiday" if d == HOLIDAY else "Instructional day")}],
            }
            for d in days(SECOND + timedelta(days=10))
        ],
        "studentSpecialEducationProgramAssociations": [
            {
                **district, **student(1), "beginDate": "2025-09-08",
                "programReference": {
                    "educationOrganizationId": 1, "programName": "SpEd", "programTypeDescriptor": descriptor("ProgramType", "Special Education")
                },
            }
        ],
        "sections": [{"courseOfferingReference": {**session, "localCourseCode": "MATH"}, "sectionIdentifier": "M1"}],
        "studentSectionAssociations": [{**student(0), "sectionReference": section, "beginDate": "2025-08-18"}],
        "studentSchoolAttendanceEvents": [
            {
                **here, **student(n), "sessionReference": session, "eventDate": day, "attendanceEventCategoryDescriptor": unexcused,
                **({} if share is None else {"eventDuration": share}),
            }
            for day, n, share in absences
        ],
        "disciplineIncidents": [{**here, "incidentIdentifier": "I1", "incidentDate": "2025-09-04"}],
        "studentDisciplineIncidentBehaviorAssociations": [
            {**student(n), "disciplineIncidentReference": incident, "behaviorDescriptor": descriptor("Behavior", behavior)}
            for n, behavior in ((0, "School Violation"), (0, "Disorderly Conduct"), (1, "School Violation"))
        ],
        "disciplineActions": [
            {
                **student(0), "disciplineActionIdentifier": "D1", "disciplineDate": "2025-09-04", "responsibilitySchoolReference": {"schoolId": school},
                "disciplines": [{"disciplineDescriptor": descriptor("Discipline", "Out of School Suspension")}], "disciplineActionLength": 2,
            }
        ],
        "grades": [
            {
                "studentSectionAssociationReference": {"studentUniqueId": people[0], **section, "beginDate": "2025-08-18"}, "gradingPeriodReference": period,
                "gradeTypeDescriptor": descriptor("GradeType", "Grading Period"), "letterGradeEarned": "B", "numericGradeEarned": 86.50,
            }
        ],
        "gradebookEntries": [{**entry, "sectionReference": section, "dateAssigned": "2025-09-02", "dueDate": "2025-09-05", "maxPoints": 10}],
        "studentGradebookEntries": [
            {
                **student(0), "gradebookEntryReference": entry, "pointsEarned": 7.5, "submissionStatusDescriptor": descriptor("SubmissionStatus", "Graded"),
                "assignmentLateStatusDescriptor": descriptor("AssignmentLateStatus", "Late"),
            }
        ],
        "assessments": [{**test, "assessmentTitle": "Test", **subject}],
        "studentAssessments": [
            {
                **student(0), "assessmentReference": test, "studentAssessmentIdentifier": "1", "administrationDate": "2025-09-09",
                "scoreResults": [{"assessmentReportingMethodDescriptor": descriptor("AssessmentReportingMethod", "Scale score"), "result": "512"}],
                "performanceLevels": [{"performanceLevelDescriptor": descriptor("PerformanceLevel", "Proficient")}],
            }
        ],
        "surveys": [{**survey, "schoolYearTypeReference": {"schoolYear": 2026}, "surveyTitle": "Home", "sessionReference": session}],
        "surveyResponses": [{"surveyReference": survey, "surveyResponseIdentifier": "R1", "responseDate": "2025-09-10", **guardian}],
        "surveyQuestionResponses": [
            {
                "surveyQuestionReference": {**survey, "questionCode": "Q1"}, "surveyResponseReference": {**survey, "surveyResponseIdentifier": "R1"},
                "values": [{"surveyQuestionResponseValueIdentifier": 1, "textResponse": "Yes"}],
            }
        ],
    }  # fmt: skip


def land(folder: Path, run_date: date, kind: str, ds: str, pages: dict[str, list[dict[str, Any]]]) -> None:
    for resource, records in pages.items():
        path = folder / f"landing/edfi/{resource}/incremental/{kind}/rundate={run_date}/ds{ds}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        numbered = [{"id": f"{ds}-{resource}-{n}", **record} for n, record in enumerate(records)]
        text = json.dumps(numbered) if ds == "5" else "\n".join(map(json.dumps, numbered))
        path.write_text(text, encoding="utf-8-sig" if ds == "6" else "utf-8")


def land_all(folder: Path) -> None:
    """Two readings. The second takes the first absence away, adds a tardy of a later day, lets the assignment fall due later, and puts the incident in
    another week.
    """
    folder.mkdir()
    (folder / "district.toml").write_text(SETTINGS, encoding="utf-8")
    (folder / "codes").mkdir()
    for name, text in CODES.items():
        (folder / f"codes/{name}.csv").write_text(text.replace("{0}", URI), encoding="utf-8")
    for ds in STANDARDS:
        pages = first_pages(ds)
        land(folder, FIRST, "upserts", ds, pages)
        land(folder, SECOND, "deletes", ds, {"studentSchoolAttendanceEvents": [{"changeVersion": 9}]})  # of the first absence, by its id
        last = pages["studentSchoolAttendanceEvents"][2]
        tardy = {**last, "id": f"{ds}-tardy", "eventDate": "2025-09-15", "attendanceEventCategoryDescriptor": descriptor("AttendanceEventCategory", "Tardy")}
        entry = {**pages["gradebookEntries"][0], "dueDate": "2025-09-12"}
        incident = {**pages["disciplineIncidents"][0], "incidentDate": "2025-09-10"}
        land(folder, SECOND, "upserts", ds, {"studentSchoolAttendanceEvents": [tardy], "gradebookEntries": [entry], "disciplineIncidents": [incident]})


@pytest.fixture(scope="module")
def two_nights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("standards") / "district"
    land_all(folder)
    for night in (FIRST, SECOND):
        outcome = run(folder, night)
        assert outcome.publication_id
        for d in outcome.deliveries:
            assert (d["status"], d["n_quarantined"]) == ("accepted", 0), d
    return folder


def ask(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(folder / "data/build/build.duckdb"), read_only=True) as db:
        return db.execute(sql).fetchall()


@pytest.mark.parametrize("ds", STANDARDS)
def test_the_facts_of_each_standard(two_nights: Path, ds: str) -> None:
    mine = f"student_key = '{ds}-1'"
    assert ask(two_nights, f"select gender, race_ethnicity, grade_level from core.dim_students where {mine}") == [("female", "black_or_african_american", "06")]
    groups = (
        f"select group_family from core.dim_student_groups where student_key = '{ds}-%s' and group_value = 'yes' and valid_from <= '%s' and valid_to > '%s'"
    )
    before = {f for (f,) in ask(two_nights, groups % (1, "2025-09-05", "2025-09-05"))}
    after = {f for (f,) in ask(two_nights, groups % (1, "2025-09-08", "2025-09-08"))}
    assert (before, after - before) == ({"english_learner", "economic_disadvantage"}, {"homeless"})
    assert {f for (f,) in ask(two_nights, groups % (2, "2025-09-08", "2025-09-08"))} == {"disability"}
    discipline = (
        "select incident_date::varchar, is_suspension and not is_in_school, is_expulsion, action_days::int, school_key from core.fct_discipline_actions"
    )
    assert ask(two_nights, f"{discipline} where {mine}") == [("2025-09-04", True, False, 2, f"{ds}00")]
    measured = "select subject_key, measure_id, piece_start::varchar, quantity::int from measurements.fct_measurements where measure_id like '%incidents%'"
    assert ask(two_nights, f"{measured} and subject_key like '{ds}-%' order by 1, 2") == [
        (f"{ds}-1", "incidents", "2025-09-08", 1), (f"{ds}-1", "stays_incidents_known", "2025-08-18", 1),
        (f"{ds}-2", "incidents", "2025-09-08", 1), (f"{ds}-2", "stays_incidents_known", "2025-09-08", 1),
    ], "an incident is of each student once, whatever behaviors are noted"  # fmt: skip
    assert ask(two_nights, f"select mark_type, letter, percent::varchar from core.fct_marks where {mine}") == [("grading_period", "B", "86.500000")]
    scores = ask(two_nights, f"select result_kind, result_value::int from core.fct_assessment_scores where {mine} order by 1")
    assert scores == [("performance_level", None), ("score", 512)]
    results = "select due_date::varchar, points_earned::varchar, points_possible::int, is_late, is_missing, school_key from core.fct_assignment_results"
    assert ask(two_nights, f"{results} where {mine}") == [("2025-09-12", "7.500000", 10, True, False, f"{ds}00")]
    answers = "select answered_on::varchar, respondent_role, school_key, item_id, is_favorable from core.fct_survey_answers"
    assert ask(two_nights, f"{answers} where school_key = '{ds}00'") == [("2025-09-10", "family", f"{ds}00", "welcome", True)]


@pytest.mark.parametrize("ds", STANDARDS)
def test_days_without_an_event_are_known_as_far_as_the_school_has_spoken(two_nights: Path, ds: str) -> None:
    """Up to the tardy of 15 September every school day counts; the sixteenth is not known yet, and the no-show has no day."""
    school_days = [d for d in days(date(2025, 9, 15)) if d != HOLIDAY]
    expected = {
        (f"{ds}-1", "days_enrolled"): 1000 * len(school_days),
        (f"{ds}-1", "days_absent"): 500,  # the half day; the whole one was taken away
        (f"{ds}-2", "days_enrolled"): 1000 * len([d for d in school_days if d >= date(2025, 9, 8)]),
        (f"{ds}-2", "days_absent"): 1000,
    }
    found = ask(
        two_nights,
        "select subject_key, measure_id, sum(quantity)::bigint from measurements.fct_measurements "
        f"where measure_id in ('days_enrolled', 'days_absent') and subject_key like '{ds}-%' group by all",
    )
    assert {(s, m): q for s, m, q in found} == expected


def test_two_nights_come_out_as_one_build_from_nothing(two_nights: Path, tmp_path: Path) -> None:
    folder = tmp_path / "district"
    land_all(folder)
    run(folder, SECOND)
    tables = [t for t, in ask(folder, "select table_schema || '.' || table_name from information_schema.tables "
                              "where table_schema in ('core', 'measurements') and (table_name like 'fct%' or table_name like 'dim%') "
                              "and table_type = 'BASE TABLE'")]  # fmt: skip
    assert "measurements.fct_measurements" in tables
    for table in tables:
        assert ask(two_nights, f"select * from {table} order by all") == ask(folder, f"select * from {table} order by all"), table
