"""What is a hole in attendance, in the code map, in a gradebook and in a survey, at one below, on and above each threshold."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import duckdb
import pytest

from pipelines.publication.coverage import (
    Effect,
    Hole,
    SchoolDay,
    SectionTerm,
    Wave,
    attendance_holes,
    bounds,
    code_map_holes,
    coverage_table,
    gradebook_holes,
    issues_of,
    survey_holes,
    unmapped_of,
    waves_of,
)
from pipelines.sources import ALL_TABLES
from pipelines.thresholds import Coverage

RULES = Coverage()
DAY = date(2025, 9, 1)


def days(*known: int, enrolled: int = 100, taken: bool = True, school: str = "110") -> list[SchoolDay]:
    return [SchoolDay(school, DAY + timedelta(days=n), 2026, enrolled, k, 0, taken) for n, k in enumerate(known)]


@pytest.mark.parametrize(("known", "is_hole"), [(79, True), (80, False), (81, False), (0, True)])
def test_four_fifths_of_a_school_must_be_known(known: int, is_hole: bool) -> None:
    assert bool(attendance_holes(days(known), RULES, positive=True)) == is_hole


@pytest.mark.parametrize("written", [0.8, "0.8", "4/5"])
def test_a_share_is_exactly_what_is_written(written: float | str) -> None:
    rules = Coverage.model_validate({"attendance": written})
    assert rules.attendance == Fraction(4, 5)
    assert attendance_holes(days(80), rules, positive=True) == []


def test_days_in_a_row_are_one_hole_and_the_days_lost_are_counted() -> None:
    found = attendance_holes([*days(100, 0, 10, 100, 0), *days(100, 100, 100, 100, 100, school="120")], RULES, positive=True)
    assert [(h.school_id, h.first.day, h.last.day, h.n_days, h.n_expected, h.n_found, h.severity) for h in found] == [
        ("110", 2, 3, 2, 200, 10, "warning"),
        ("110", 5, 5, 1, 100, 0, "warning"),
    ]
    assert found[0].words == "school 110, 2 school days, 2025-09-02 to 2025-09-03: attendance of 190 of 200 student-days is missing"


def test_small_schools_and_days_that_nothing_spoke_for_are_not_judged() -> None:
    assert attendance_holes(days(0, enrolled=19), RULES, positive=True) == []
    assert attendance_holes(days(0, enrolled=20), RULES, positive=True)
    assert attendance_holes(days(0, taken=False), RULES, positive=True) == []


@pytest.mark.parametrize(("habit", "is_hole"), [(4, False), (5, True), (6, True)])
def test_silence_is_a_hole_where_the_schools_habit_expects_exceptions(habit: int, is_hole: bool) -> None:
    found = attendance_holes(days(habit, habit, habit, 0), RULES, positive=False)
    assert [(h.first.day, h.severity) for h in found] == ([(4, "critical")] if is_hole else [])


def test_a_school_that_never_had_an_exception_has_no_habit() -> None:
    assert attendance_holes(days(0, 0, 0), RULES, positive=False) == []


@pytest.mark.parametrize(("unmapped", "severity"), [(0, None), (99, None), (100, "warning"), (499, "warning"), (500, "critical")])
def test_the_share_of_unmapped_codes(unmapped: int, severity: str | None) -> None:
    found = code_map_holes([("110", 2026, DAY, DAY, 1, 10_000 - unmapped, unmapped)], RULES)
    assert [h.severity for h in found] == ([severity] if severity else [])


def test_bounds_are_all_or_none_of_what_is_missing() -> None:
    assert bounds((Decimal(90), Decimal(100), 50), 100, 10) == (0.9, 0.45, 0.95)
    assert bounds((Decimal(90), Decimal(100), 9), 100, 10) == (None, None, None)
    assert bounds(None, 100, 10) == (None, None, None)


def test_a_code_map_hole_in_words() -> None:
    hole = Hole("code_map", "110", 2026, DAY, DAY, 1, 1_000, 200, "critical")
    assert hole.words == "school 110, 2025-09-01: 800 of 1,000 days of students have an attendance code that is not in codes/attendance_codes.csv"


def test_unmapped_codes_are_counted_of_days_periods_and_events_and_each_students_day_once() -> None:
    """Student 1 is unmapped in held rows and again tonight; 2 only in a period of a day that has a mapped row too; 3 in an event; 4 is mapped; 5 belongs to
    no day that the district has.
    """
    with duckdb.connect() as db:
        for schema in ("core", "intermediate", "quarantine"):
            db.execute(f"create schema {schema}")
        db.execute("create table core.dim_dates as select date '2025-09-01' as calendar_date, 2026 as school_year")
        db.execute("""create table core.fct_attendance_days as
            select unnest(['2', '4']) as student_key, '110' as school_key, date '2025-09-01' as attendance_date""")
        db.execute("create table intermediate.int_attendance_unmapped as select '1' as student_key, '110' as school_key, date '2025-09-01' as attendance_date")
        db.execute("""create table core.fct_attendance_day_counts as
            select '110' as school_key, date '2025-09-01' as attendance_date, 2 as n_students, 1 as n_unmapped, 0 as n_partly_mapped""")
        rows = {
            "extract__attendance": ("student_id", "attendance_date", [("1", "2025-09-01", "code_is_mapped"), ("4", "2025-09-01", "another_rule")]),
            "extract__attendance_periods": ("student_id", "attendance_date", [("2", "2025-09-01", "code_is_mapped")] * 2),
            "edfi__student_school_attendance_events": (
                "student_unique_id",
                "event_date",
                [("3", "2025-09-01", "code_is_mapped"), ("5", "no date", "code_is_mapped")],
            ),
        }
        for table, (student, day, some) in rows.items():
            columns = [*ALL_TABLES[table].columns, "_rule"]
            db.execute(f"create table quarantine.{table} ({', '.join(f'{c} varchar' for c in columns)})")
            db.executemany(f"insert into quarantine.{table} ({student}, school_id, {day}, _rule) values (?, '110', ?, ?)", some)
        assert unmapped_of(db) == [("110", 2026, DAY, DAY, 1, 1, 3)], "student 4 alone is mapped; 1, 2 and 3 are not"


TERM_END = date(2025, 12, 9)  # a term of 100 days from DAY


def section(day: int, n_due: int = 0, first_due: int = 0, last_answered: int = 0, since: int = 0, **more: Any) -> SectionTerm:
    """A class in a term of 100 days on its `day`th; other days are of the term too, 0 for none."""
    of = {"school_id": "110", "section_id": "k1", "n_enrolled": 25} | more
    on = [DAY + timedelta(days=n - 1) if n else None for n in (first_due, last_answered)]
    return SectionTerm(of["school_id"], of["section_id"], 2026, DAY, TERM_END, DAY + timedelta(days=day - 1), of["n_enrolled"], n_due, *on, since)


USED = section(60, 3, 5, 55, 0, section_id="used")


@pytest.mark.parametrize(("day", "is_hole"), [(24, False), (25, True), (26, True)])
def test_a_class_without_any_assignment_is_named_when_a_quarter_of_the_term_has_passed(day: int, is_hole: bool) -> None:
    found = gradebook_holes([section(day), USED], RULES)
    assert [h.words for h in found] == (
        [f"school 110, class k1, 2025-09-01 to {DAY + timedelta(days=day - 1)}: no assignment is due; 25 students enrolled"] if is_hole else []
    )


@pytest.mark.parametrize(("day", "is_hole"), [(37, True), (36, False)])
def test_assignments_of_which_nobody_handed_in_any_are_named_after_four_weeks(day: int, is_hole: bool) -> None:
    found = gradebook_holes([section(day, 4, first_due=10, since=4)], RULES)
    assert [(h.first, h.n_days, h.n_expected, h.n_found, h.n_students) for h in found] == ([(DAY + timedelta(days=9), 28, 4, 0, 25)] if is_hole else [])


@pytest.mark.parametrize(("day", "since", "what"), [(47, 0, None), (48, 0, "no assignment is due"), (48, 1, "none of 1 assignment due has work handed in")])
def test_a_class_whose_marks_stop_is_named_from_the_day_after_the_last(day: int, since: int, what: str | None) -> None:
    found = gradebook_holes([section(day, 6, first_due=3, last_answered=20, since=since)], RULES)
    assert [h.words for h in found] == ([f"school 110, class k1, 2025-09-21 to 2025-10-18: {what}; 25 students enrolled"] if what else [])


def test_small_classes_and_a_district_that_sends_no_gradebook_are_not_judged() -> None:
    assert gradebook_holes([section(90), section(90, section_id="k2")], RULES) == []
    assert [h.subject_id for h in gradebook_holes([section(90, n_enrolled=4), section(90, section_id="k2", n_enrolled=5), USED], RULES)] == ["k2"]


def test_the_classes_of_a_school_are_one_issue_and_each_a_row_of_coverage() -> None:
    classes = [section(30, section_id=f"k{n}") for n in range(5)]
    holes = gradebook_holes([*classes, section(30, school_id="120"), USED], RULES)
    behind = {"assignment_completion": frozenset({"oneroster__results", "lms__submissions"}), "attendance_rate": frozenset({"extract__attendance"})}
    issues = issues_of(holes, behind)
    assert [(i.indicators, i.severity, i.school_id, i.school_year) for i in issues] == [
        (frozenset({"assignment_completion"}), "warning", "110", 2026), (frozenset({"assignment_completion"}), "warning", "120", 2026),
    ]  # fmt: skip
    assert issues[0].why.startswith("school 110, class k0, 2025-09-01 to 2025-09-30: no assignment is due; 25 students enrolled; class k1, ")
    assert issues[0].why.endswith("; and 2 classes more, see operations.coverage")
    table = coverage_table([Effect(h, "assignment_completion", None, None, None) for h in holes])
    assert table.column("subject_id").to_pylist() == ["k0", "k1", "k2", "k3", "k4", "k1"]
    assert set(table.column("table_name").to_pylist()) == {"oneroster__results"}
    assert set(table.column("n_students").to_pylist()) == {25}


def wave(responses: int, school: str = "110", eligible: int = 100, *, by_school: bool = True, closes: date | None = None) -> Wave:
    return Wave("pulse", "fall", school, 2026, DAY, closes, eligible, responses, by_school)


OPEN = DAY + timedelta(days=9)


@pytest.mark.parametrize(("responses", "said"), [(0, "nobody has answered"), (49, "49 have answered"), (50, None), (51, None)])
def test_half_of_a_school_must_have_answered(responses: int, said: str | None) -> None:
    found = survey_holes([wave(responses)], RULES, OPEN)
    assert [h.words for h in found] == ([f"school 110, survey pulse/fall, 2025-09-01 to 2025-09-10: of 100 asked {said}"] if said else [])
    assert [(h.n_expected, h.n_found, h.table_name) for h in found] == ([(100, responses, "survey__answers")] if said else [])


@pytest.mark.parametrize(
    ("day", "closes", "is_hole"), [(-1, None, False), (3, None, False), (4, None, True), (1, DAY + timedelta(days=1), True), (40, None, True)]
)
def test_a_wave_is_judged_when_it_has_been_open_for_five_days_or_is_over(day: int, closes: date | None, is_hole: bool) -> None:
    assert bool(survey_holes([wave(0, closes=closes)], RULES, DAY + timedelta(days=day))) == is_hole


def test_only_whole_schools_are_judged_or_the_district_where_answers_say_no_school() -> None:
    assert survey_holes([wave(0, eligible=19), wave(0, school="", eligible=500)], RULES, OPEN) == []
    assert survey_holes([wave(0, by_school=False)], RULES, OPEN) == []
    (found,) = survey_holes([wave(100, school="", eligible=500, by_school=False)], RULES, OPEN)
    assert found.words == "the district, survey pulse/fall, 2025-09-01 to 2025-09-10: of 500 asked 100 have answered"


def test_a_wave_is_of_schools_where_students_say_theirs_and_of_the_district_elsewhere() -> None:
    rates = [
        ("located", "", 200, 30), ("located", "110", 150, 30), ("located", "120", 50, 0), ("unlocated", "", 200, 30), ("unlocated", "110", 200, 0),
        ("silent", "", 200, 0), ("silent", "110", 200, 0), ("family", "", 90, 5), ("elsewhere", "999", None, 4), ("undated", "110", None, 4),
    ]  # fmt: skip
    roles = {"located": "student", "unlocated": "student", "silent": "student", "family": "family", "elsewhere": "student", "undated": "student"}
    with duckdb.connect() as db:
        db.execute("create schema core; create schema settings")
        db.execute("create table core.fct_survey_response_rates (survey_id text, wave_id text, school_key text, n_eligible bigint, n_responses bigint)")
        db.execute("create table settings.survey_waves (survey_id text, wave_id text, role text, opens date, closes date)")
        db.execute("create table settings.school_years (school_year int, start_date date, end_date date)")
        db.executemany("insert into core.fct_survey_response_rates values ('pulse', ?, ?, ?, ?)", rates)
        opens = [(w, role, None if w == "undated" else DAY, None) for w, role in roles.items()]
        db.executemany("insert into settings.survey_waves values ('pulse', ?, ?, ?, ?)", opens)
        db.execute("insert into settings.school_years values (2025, '2024-08-01', '2025-06-30'), (2026, '2025-08-01', '2026-06-30')")
        waves = waves_of(db)
    assert {(w.school_year, w.opens) for w in waves} == {(2026, DAY)}
    holes = survey_holes(waves, RULES, OPEN)
    assert [(h.subject_id, h.school_id, h.n_expected, h.n_found) for h in holes] == [
        ("pulse/family", "", 90, 5), ("pulse/located", "110", 150, 30), ("pulse/located", "120", 50, 0),
        ("pulse/silent", "110", 200, 0), ("pulse/unlocated", "", 200, 30),
    ]  # fmt: skip
