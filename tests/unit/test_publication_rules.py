"""The publication expectations on figures, over marts of a few rows: they pass what is right and name what is wrong, of shares and of means."""

from __future__ import annotations

import duckdb
import pytest

from pipelines.lineage.graph import PROJECT
from pipelines.quality.expectations import failing_sql, load_suites

YEAR = "2026, 'year_to_date', date '2025-07-01'"
# two students who lost 0 and 3 days; one who gained two levels and one who lost three; two flags, one raised; three of four assignments done
FIGURES = [
    ("days_lost_out_of_school", 3, 2, 2, 1.5, 0.0, 9.0, "t_people"), ("suspended_out_of_school", 1, 2, 2, 0.5, 0.1, 0.9, "wilson"),
    ("assignment_completion", 3, 4, 2, 0.75, 0.1, 0.95, "clustered_logit"), ("gpa", 6.833, 2, 2, 3.4165, 2.0, 4.8, "t_people"),
    ("freshman_on_track", 1, 2, 2, 0.5, 0.1, 0.9, "wilson"), ("level_gain_reading", -1, 2, 2, -0.5, -6.9, 5.9, "t_people"),
    ("average_daily_attendance", 9, 5, 3, 2.584, None, None, "none"), ("weighted_gpa", 10, 2, 2, 5.0, 4.9, 5.1, "t_people"),
]  # fmt: skip
DAILY = {"110": (5, 3, 1.667), "120": (3.667, 4, 0.917), "900": (8, 2, 4)}  # the last one of another agency
STUDENTS = [
    ("days_lost_out_of_school", "one", 0, 1, 0.0, None), ("days_lost_out_of_school", "two", 3, 1, 3.0, None),
    ("suspended_out_of_school", "one", 0, 1, 0.0, False), ("suspended_out_of_school", "two", 1, 1, 1.0, True),
    ("gpa", "one", 8.5, 3, 2.833, None), ("gpa", "two", 4, 1, 4.0, None),
    ("assignment_completion", "one", 1, 2, 0.5, None), ("assignment_completion", "two", 2, 2, 1.0, None),
    ("weighted_gpa", "one", 5, 1, 5.0, None), ("weighted_gpa", "two", 5, 1, 5.0, None),
    ("level_gain_reading", "one", 2, 1, 2.0, None), ("level_gain_reading", "two", -3, 1, -3.0, None),
    ("freshman_on_track", "one", 1, 2, 0.5, False), ("freshman_on_track", "two", 2, 2, 1.0, True),
]  # fmt: skip


@pytest.fixture
def db() -> duckdb.DuckDBPyConnection:
    """Marts that agree with one another, with the registry beside them."""
    db = duckdb.connect()
    for schema in ("marts", "registry", "core", "publish", "settings"):
        db.execute(f"create schema {schema}")
    for seed in ("indicators", "indicator_profiles", "measures"):
        db.execute(f"create table registry.{seed} as select * from read_csv('{PROJECT / 'seeds' / seed}.csv', header = true)")
    db.execute("create table core.dim_schools as select * from (values ('110', true), ('900', false)) as t (school_key, is_in_district)")
    db.execute("create table core.fct_discipline_actions (school_year int, is_suspension boolean, is_in_school boolean, action_days decimal(18, 6))")
    db.execute("create table settings.mark_scale as select * from (values ('A', '4'), ('P', null)) as t (letter, points)")
    db.execute("create table settings.course_weights as select * from (values ('AP1', '1'), ('X', null)) as t (course_id, extra_points)")
    db.execute("""create table marts.agg_indicator_values (school_year int, period_type varchar, period_start date, school_id varchar, grade_level varchar,
        group_family varchar, profile_id varchar, indicator_id varchar, numerator decimal(18, 3), denominator decimal(18, 3), n_subjects bigint,
        value double, ci_low double, ci_high double, ci_method varchar)""")
    db.executemany(f"insert into marts.agg_indicator_values values ({YEAR}, null, null, 'all', 'standard', ?, ?, ?, ?, ?, ?, ?, ?)", FIGURES)
    for school, (n, days, value) in DAILY.items():
        figures = f"'all', 'standard', 'average_daily_attendance', {n}, {days}, 2, {value}, null, null, 'none'"
        db.execute(f"insert into marts.agg_indicator_values values ({YEAR}, '{school}', null, {figures})")
    db.execute("""create table marts.fct_student_indicators (school_year int, period_type varchar, period_start date, school_id varchar, profile_id varchar,
        flag_reason varchar, indicator_id varchar, student_key varchar, numerator decimal(18, 3), denominator decimal(18, 3), value double, flag boolean)""")
    db.executemany(f"insert into marts.fct_student_indicators values ({YEAR}, null, 'standard', null, ?, ?, ?, ?, ?, ?)", STUDENTS)
    db.execute("update marts.fct_student_indicators set flag_reason = 'Suspended.' where flag")
    db.execute("create table publish.pending_agg_indicator_values as select distinct school_year, period_type from marts.agg_indicator_values")
    db.execute("create table publish.last_figures as select * from marts.agg_indicator_values where school_id is null")
    return db


def failing(db: duckdb.DuckDBPyConnection, *, is_staged: bool = True) -> set[tuple[str, str]]:
    """(rule, indicator) of all that is found amiss; on a night that wrote all of the marts, or nothing."""
    suites = load_suites("publication")
    found = set()
    for mart in ("agg_indicator_values", "fct_student_indicators"):
        for rule in suites[mart].rules:
            found |= {(rule.id, str(row[0])) for row in db.execute(failing_sql(rule, mart, f"(select * from marts.{mart} where {is_staged})")).fetchall()}
    return found


def test_marts_that_agree_pass(db: duckdb.DuckDBPyConnection) -> None:
    assert failing(db) == set()


MEAN, AVERAGE, FLAG, SHARE = "days_lost_out_of_school", "gpa", "suspended_out_of_school", "assignment_completion"
CHANGE = "level_gain_reading"
WEIGHTED = "weighted_gpa"
AVERAGE_DAY, SUM_OF_SCHOOLS = "average_daily_attendance", "district_average_is_the_sum_of_its_schools"
TOGETHER = "freshman_on_track"
AVERAGES = ("average_is_on_the_scale", "means_equal_their_students")
NO_SHARE = ("value_is_a_share", "interval_holds_the_value", "value_did_not_jump")


@pytest.mark.parametrize(
    ("mart", "indicator", "change", "rules"),
    [
        ("agg_indicator_values", MEAN, "value = -0.5", {"mean_is_over_people", "interval_holds_the_value"}),
        ("agg_indicator_values", MEAN, "value = 1.4", {"mean_is_over_people"}),
        ("agg_indicator_values", MEAN, "value = null", {"mean_is_over_people"}),
        ("agg_indicator_values", MEAN, "numerator = 4, value = 2", {"means_equal_their_students"}),
        ("agg_indicator_values", MEAN, "denominator = 3, value = 1", {"mean_is_over_people", "means_equal_their_students"}),
        ("agg_indicator_values", MEAN, "denominator = 3, value = 1, n_subjects = 3", {"means_equal_their_students"}),
        ("agg_indicator_values", MEAN, "ci_low = -0.1", {"interval_holds_the_value"}),
        ("agg_indicator_values", MEAN, "ci_high = 1.2", {"interval_holds_the_value"}),
        ("agg_indicator_values", AVERAGE, "numerator = 9, value = 4.5", {*AVERAGES, "value_did_not_jump"}),
        ("fct_student_indicators", AVERAGE, "numerator = 5 * denominator, value = 5", {*AVERAGES}),
        ("fct_student_indicators", AVERAGE, "numerator = 0, denominator = 0, value = null, flag_reason = 'Not applicable.'", {"means_equal_their_students"}),
        ("fct_student_indicators", AVERAGE, "numerator = 0, denominator = 0, value = null", {"a_total_or_ratio_is_its_parts"}),
        ("agg_indicator_values", WEIGHTED, "numerator = 10.002, value = 5.001", {"average_is_on_the_scale", "means_equal_their_students"}),
        ("fct_student_indicators", AVERAGE, "value = value + 0.002", {*AVERAGES, "a_total_or_ratio_is_its_parts"}),
        ("agg_indicator_values", FLAG, "value = 1.5, numerator = 3, ci_high = 2", {*NO_SHARE, "flags_equal_their_students"}),
        ("agg_indicator_values", SHARE, "value = 1.25, numerator = 5, ci_high = 2", {*NO_SHARE, "district_equals_its_students"}),
        ("agg_indicator_values", CHANGE, "value = -0.4", {"mean_is_over_people"}),
        ("agg_indicator_values", CHANGE, "ci_low = -0.4", {"interval_holds_the_value"}),
        ("agg_indicator_values", AVERAGE_DAY, "ci_low = value", {"average_is_over_school_days"}),
        ("agg_indicator_values", AVERAGE_DAY, "value = value + 0.002", {"average_is_over_school_days", SUM_OF_SCHOOLS}),
        ("agg_indicator_values", AVERAGE_DAY, "value = if(school_id is null, 1.8, value)", {SUM_OF_SCHOOLS, "value_did_not_jump"}),
        ("agg_indicator_values", AVERAGE_DAY, "value = if(school_id is null, 6.584, value)", {SUM_OF_SCHOOLS, "value_did_not_jump"}),
        ("agg_indicator_values", AVERAGE_DAY, "denominator = 0", {"average_is_over_school_days", "denominator_did_not_collapse"}),
        ("fct_student_indicators", CHANGE, "numerator = -numerator", {"a_total_or_ratio_is_its_parts"}),
        ("fct_student_indicators", CHANGE, "numerator = -numerator, value = -value", {"means_equal_their_students"}),
        ("fct_student_indicators", MEAN, "numerator = numerator + 1", {"a_total_or_ratio_is_its_parts"}),
        ("fct_student_indicators", MEAN, "numerator = numerator + 1, value = value + 1", {"means_equal_their_students"}),
        ("fct_student_indicators", MEAN, "denominator = 2, value = value / 2", {"a_total_or_ratio_is_its_parts", "means_equal_their_students"}),
        ("fct_student_indicators", MEAN, "flag_reason = 'Not judged yet'", {"means_equal_their_students"}),
        ("fct_student_indicators", FLAG, "flag = not flag, flag_reason = 'Suspended.'", set()),
        ("fct_student_indicators", FLAG, "flag = true, flag_reason = 'Suspended.'", {"flags_equal_their_students"}),
        ("fct_student_indicators", FLAG, "value = 5, numerator = 5", {"value_is_a_share"}),
        ("fct_student_indicators", TOGETHER, "flag = true, flag_reason = 'On track.'", {"flags_equal_their_students"}),
        ("fct_student_indicators", SHARE, "value = 1.5, numerator = 3", {"value_is_a_share", "district_equals_its_students"}),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(db: duckdb.DuckDBPyConnection, mart: str, indicator: str, change: str, rules: set[str]) -> None:
    db.execute(f"update marts.{mart} set {change} where indicator_id = ?", [indicator])
    assert failing(db) == {(rule, indicator) for rule in rules}


@pytest.mark.parametrize("without", [MEAN, AVERAGE, FLAG, TOGETHER, SHARE])
def test_a_district_figure_without_students_is_named(db: duckdb.DuckDBPyConnection, without: str) -> None:
    db.execute("delete from marts.fct_student_indicators where indicator_id = ?", [without])
    kind = {
        MEAN: "means_equal_their_students",
        AVERAGE: "means_equal_their_students",
        FLAG: "flags_equal_their_students",
        TOGETHER: "flags_equal_their_students",
        SHARE: "district_equals_its_students",
    }[without]
    assert failing(db) == {(kind, without)}


@pytest.mark.parametrize(("without", "rules"), [(0, set()), (1, set()), (2, {"few_are_left_without_a_judgement"})])
@pytest.mark.parametrize("indicator", [TOGETHER, "core_courses_failed", "chronic_absence"])
def test_students_without_a_judgement_are_warned_of(db: duckdb.DuckDBPyConnection, indicator: str, without: int, rules: set[str]) -> None:
    """One of ten is borne, two of eleven are not; what waits for its days alone needs no word."""
    for table in ("marts.agg_indicator_values", "marts.fct_student_indicators", "publish.last_figures"):
        db.execute(f"delete from {table}")
    for k in range(9 + without):
        flag = "false" if k < 9 else "null"
        db.execute(f"insert into marts.fct_student_indicators values ({YEAR}, null, 'standard', 'Not yet.', '{indicator}', '{k}', 0, 1, 0, {flag})")
    assert failing(db) == {(rule, indicator) for rule in rules if indicator != "chronic_absence"}


def test_a_mean_that_begins_at_nothing_may_grow(db: duckdb.DuckDBPyConnection) -> None:
    """Days lost add up from the first day of a year: what would be a jump of a share is none."""
    db.execute("update publish.last_figures set value = 0.2 where indicator_id = ?", [MEAN])
    assert failing(db) == set()


SOME, NONE = "days_of_suspensions_are_said", "days_of_some_suspension_are_said"


@pytest.mark.parametrize(("said", "silent", "rule"), [(9, 1, ""), (9, 2, SOME), (0, 1, NONE), (3, 0, "")])
@pytest.mark.parametrize("is_staged", [True, False])
def test_suspensions_that_do_not_say_their_days_are_told(db: duckdb.DuckDBPyConnection, said: int, silent: int, rule: str, is_staged: bool) -> None:
    """Also on a night that wrote no figure of them; where no suspension says its days no figure goes out."""
    for days, n in ((2, said), (None, silent)):
        db.execute("insert into core.fct_discipline_actions select 2026, true, false, $days::decimal(18, 6) from range($n)", {"days": days, "n": n})
    assert failing(db, is_staged=is_staged) == ({(rule, MEAN)} if rule else set())


@pytest.mark.parametrize(("known", "rules"), [(10, set()), (9, set()), (8, {("minutes_are_of_most_students", "minutes_attended_share")})])
def test_minutes_of_some_students_alone_are_told(db: duckdb.DuckDBPyConnection, known: int, rules: set[tuple[str, str]]) -> None:
    """Of ten students whose attendance is known; a district without minutes has no such figure, and no such warning."""
    for indicator, n in (("attendance_rate", 10), ("minutes_attended_share", known)):
        row = f"({YEAR}, null, null, 'all', 'standard', '{indicator}', 1, 2, {n}, 0.5, 0, 1, 'none')"
        db.execute(f"insert into marts.agg_indicator_values values {row}")
    assert {found for found in failing(db) if found[0].startswith("minutes_")} == rules


GRADEBOOK = {
    "n_assignments_due": "3", "n_assignments_graded": "2", "n_assignments_graded_lately": "1", "last_graded_due_date": "date '2025-09-30'",
    "gradebook_state": "'in use'", "numerator": "50", "denominator": "60", "value": "50.0 / 60",
}  # fmt: skip
NONE = {"numerator": "0", "denominator": "0", "value": "null"}
UNUSED = {
    "n_assignments_graded": "0", "n_assignments_graded_lately": "0", "last_graded_due_date": "null", "gradebook_state": "'not used'",
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "rules"),
    [
        ({}, set()),
        (NONE, set()),
        (UNUSED, set()),
        ({"numerator": "61", "value": "61.0 / 60"}, {"results_are_among_those_expected"}),
        ({"value": "null"}, {"results_are_among_those_expected"}),
        ({**NONE, "value": "1"}, {"results_are_among_those_expected"}),
        ({"value": "0.9"}, {"results_are_among_those_expected"}),
        ({"n_assignments_graded": "4"}, {"graded_work_was_due"}),
        ({"n_assignments_graded_lately": "3"}, {"graded_work_was_due"}),
        ({"last_graded_due_date": "null"}, {"graded_work_was_due"}),
        ({"last_graded_due_date": "date '2026-01-15'"}, {"graded_work_was_due"}),
        ({**UNUSED, "last_graded_due_date": "date '2025-09-30'"}, {"graded_work_was_due"}),
        ({"gradebook_state": "'not used'"}, {"graded_work_was_due"}),
    ],
)
def test_a_gradebook_that_cannot_be_is_named(change: dict[str, str], rules: set[str]) -> None:
    db = duckdb.connect()
    told = ", ".join(f"{value} as {column}" for column, value in (GRADEBOOK | change).items())
    mart = f"""(select 'completion' as indicator_id, 2026 as school_year, '110' as school_id, date '2025-08-18' as period_start,
               date '2026-01-14' as period_end, {told})"""
    found = {rule.id for rule in load_suites("publication")["rpt_gradebook_health"].rules if db.execute(failing_sql(rule, "m", mart)).fetchall()}
    assert found == rules


EXCEPTION = {"pace_exception_key": "'k1'", "indicator_id": "'far_behind_reading'", "school_id": "null", "numerator": "2.5", "reason": "'2.5 behind.'"}


@pytest.mark.parametrize(
    ("change", "rules"),
    [
        ({}, set()),
        ({"pace_exception_key": "'k2'"}, {"exceptions_are_the_students_flags"}),  # whose flag is not raised; and k1 is missing
        ({"numerator": "2.4"}, {"exceptions_are_the_students_flags"}),
        ({"reason": "''"}, {"an_exception_says_why"}),
        ({"reason": "'since {since}'"}, {"an_exception_says_why"}),
    ],
)
def test_an_exception_that_cannot_be_is_named(change: dict[str, str], rules: set[str]) -> None:
    db = duckdb.connect()
    for schema in ("marts", "registry", "publish"):
        db.execute(f"create schema {schema}")
    db.execute(f"create table registry.pace_exceptions as select * from read_csv('{PROJECT / 'seeds' / 'pace_exceptions.csv'}', header = true)")
    db.execute("""create table marts.fct_student_indicators as
        select k as student_indicator_key, 'far_behind_reading' as indicator_id, 'two_or_more' as profile_id, null::varchar as school_id, 2026 as school_year,
            'year_to_date' as period_type, 2.5 as numerator, k = 'k1' as flag from (values ('k1'), ('k2')) as t (k)""")
    told = ", ".join(f"{value} as {column}" for column, value in (EXCEPTION | change).items())
    db.execute(f"create table marts.rpt_pace_exceptions as select 2026 as school_year, {told}")
    db.execute("create table publish.pending_rpt_pace_exceptions as select distinct school_year from marts.fct_student_indicators")
    mart = "marts.rpt_pace_exceptions"
    found = {rule.id for rule in load_suites("publication")["rpt_pace_exceptions"].rules if db.execute(failing_sql(rule, "m", mart)).fetchall()}
    assert found == rules


@pytest.mark.parametrize(
    ("reason", "action", "rules"),
    [
        ("The boys meet.", None, {"a_reason_names_no_group"}), ("Called at a foster home.", "Call", {"a_reason_names_no_group"}),
        ("The school will foster trust.", "Foster trust", set()), ("The school will call home.", None, set()),
        ("The school will call home.", "Ask for the IEPs", {"a_next_action_names_no_group"}),
        ("There is not enough food.", "Ask about Hunger", {"a_reason_names_no_group", "a_next_action_names_no_group"}),
    ],
)  # fmt: skip
def test_a_student_group_in_the_words_of_the_list_is_told(reason: str, action: str | None, rules: set[str]) -> None:
    db = duckdb.connect()
    for schema in ("marts", "registry"):
        db.execute(f"create schema {schema}")
    for seed in ("group_families", "sensitive_matters"):
        db.execute(f"create table registry.{seed} as select * from read_csv('{PROJECT / 'seeds' / f'{seed}.csv'}', header = true)")
    db.execute("create table marts.listed (indicator_id varchar, school_year int, school_id varchar, flag_reason varchar, next_action varchar)")
    db.execute("insert into marts.listed values ('priority_students', 2026, '110', ?, ?)", [reason, action])
    of_groups = [rule for rule in load_suites("publication")["rpt_priority_students"].rules if "group" in rule.id]
    assert {rule.id for rule in of_groups if db.execute(failing_sql(rule, "m", "marts.listed")).fetchall()} == rules
