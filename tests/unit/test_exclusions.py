"""Students in a figure and those whom a rule leaves out, against counts written out student by student: `int_exclusion_changes` from nothing and by
difference, on random people; and what of such counts is published.
"""

import random
from collections import defaultdict
from typing import Any

import duckdb
import pytest

from pipelines.privacy.suppress import HIDDEN, PARTS, hiding, suppressed_select
from tests.rendered import render

GROUPS = {"s1": ("f", "x"), "s2": ("m", "x"), "s3": ("f", "y")}
RULES = ("left", "never_attended", "too_few", "in_doubt")
COUNTS = ("n_enrolled", "n_in_figure", "n_other_grades", "n_left", "n_never_attended", "n_too_few", "n_in_doubt", "n_rows")
# indicator, rollup, denominator; profile, grades, membership rule, first school year
PROFILES: list[tuple[str, str, str | None, str, str | None, str, int | None]] = [
    ("rate", "sum", "days", "standard", "05", "on_the_day", None),  # a rate has all grades, whatever its profile says
    ("flag", "flag_of_total", "days", "all", None, "last_day", None),
    ("flag", "flag_of_total", "days", "fifth", "05", "any_time", None),
    ("flag", "flag_of_total", "days", "later", None, "last_day", 2027),
    ("both", "flags_together", None, "two", "06 07", "last_day", None),
    ("survey", "sum", "answers", "standard", None, "on_the_day", None),  # of responses, not of students
]
Row = tuple[Any, ...]
Student = tuple[str, str, dict[str, str], list[tuple[str, str | None, bool]]]


def _students(draw: random.Random) -> dict[tuple[str, str], Student]:
    """By student and place ("" is the district): the place's agency, the grade, the signature by each membership rule, and what is said by profile."""
    found = {}
    for n in range(40):
        if draw.random() < 0.1:
            continue
        grade = draw.choice(["05", "06"])
        signatures = {rule: draw.choice(list(GROUPS)) for rule in ("last_day", "any_time")}
        school = draw.choice(["A", "B", "C"])  # C is of another agency
        rate = draw.random() < 0.8
        for place in [school] if school == "C" else [school, ""]:
            said: list[tuple[str, str | None, bool]] = [("rate", None, rate)]
            for _, rollup, _, profile, grades, _, first in PROFILES[1:-1]:
                judged = draw.random() < 0.85 and (grades is None or grade in grades.split()) and first is None
                why = draw.choice([None, None, *(RULES if rollup != "flags_together" else ["in_doubt"]), "no_data"])
                said.append((profile, why, judged))
            found[f"p{n}", place] = (school, grade, signatures, said)
    return found


def _rows(students: dict[tuple[str, str], Student]) -> tuple[list[Row], list[Row]]:
    places, indicators = [], []
    for (student, place), (school, grade, signatures, said) in students.items():
        places += [(student, 2026, place, grade, rule, s) for rule, s in signatures.items()]
        for profile, why, there in said:
            if profile == "rate" and there and place:
                # a figure of days has a row for each group of these days, and once more for nothing
                at = "school" if school == "C" else "both"
                indicators += [(student, "rate", "standard", at, school, d, None, s) for d, s in ((3, "s1"), (2, "s2"), (0, "s3"))]
            elif profile != "rate" and there:
                indicator = next(p[0] for p in PROFILES if p[3] == profile)
                at = "school" if place else "district"
                indicators.append((student, indicator, profile, at, place or None, 0 if why else 1, why, "s1"))
    # a student of whom something is counted at a place without a stay there is in no count of those enrolled
    indicators.append(("elsewhere", "flag", "all", "school", "A", 1, None, "s1"))
    return places, indicators


def _by_hand(students: dict[tuple[str, str], Student]) -> dict[Row, list[int]]:
    cells: dict[Row, list[int]] = defaultdict(lambda: [0] * len(COUNTS))
    for (student, place), (_, grade, signatures, said) in students.items():
        told = {profile: (why, there) for profile, why, there in said}
        rate = next((s for (who, where), (_, _, _, s) in students.items() if who == student and where), said)[0]
        told["standard"] = (None, rate[2])
        for indicator, rollup, denominator, profile, grades, rule, first in PROFILES:
            if denominator == "answers" or first:
                continue
            signature = signatures["last_day" if rule == "on_the_day" else rule]
            why, there = told[profile]
            for group in [("all", "all"), *zip(("gender", "race"), GROUPS[signature], strict=True)]:
                cell = cells[place, indicator, profile, *group]
                cell[0] += 1
                cell[1] += there and why is None
                cell[2] += rollup != "sum" and grades is not None and grade not in grades.split()
                for n, name in enumerate(RULES):
                    cell[3 + n] += there and why == name
                cell[7] += there
    return cells


@pytest.mark.parametrize("seed", range(6))
def test_who_is_left_out_is_counted_from_nothing_and_by_difference(seed: int) -> None:
    draw = random.Random(seed)
    before, after = _students(draw), _students(draw)
    with duckdb.connect() as db:
        db.execute("create table int_signatures_known (signature varchar, group_family varchar, group_value varchar)")
        known = [(s, family, v) for s, values in GROUPS.items() for family, v in zip(("gender", "race"), values, strict=True)]
        db.executemany("insert into int_signatures_known values (?, ?, ?)", known)
        db.execute("create table indicators (indicator_id varchar, rollup varchar, denominator_measure varchar)")
        db.executemany("insert into indicators values (?, ?, ?)", sorted({p[:3] for p in PROFILES}, key=str))
        db.execute("create table measures as select * from (values ('days', 'student'), ('answers', 'response')) as m (measure_id, subject_type)")
        db.execute("create table indicator_profiles (indicator_id varchar, profile_id varchar, grades varchar, membership_rule varchar, "
                   "first_school_year int, last_school_year int)")  # fmt: skip
        db.executemany("insert into indicator_profiles values (?, ?, ?, ?, ?, null)", [(p[0], *p[3:]) for p in PROFILES])
        db.execute("create table dim_periods as select 2026 as school_year, 'year_to_date' as period_type, date '2025-07-01' as period_start")
        for kept, students in (("", after), ("__written", after), ("__replaced", before)):
            places, said = _rows(students)
            db.execute(f"create table int_student_places{kept} (student_key varchar, school_year int, place varchar, grade_level varchar, "
                       "membership_rule varchar, signature varchar)")  # fmt: skip
            db.executemany(f"insert into int_student_places{kept} values (?, ?, ?, ?, ?, ?)", places)
            db.execute(f"create table int_subject_indicators{kept} (subject_key varchar, indicator_id varchar, profile_id varchar, counts_at varchar, "
                       "school_key varchar, denominator bigint, excluded_by varchar, signature varchar, school_year int default 2026, "
                       "subject_type varchar default 'student', period_type varchar default 'year_to_date')")  # fmt: skip
            names = "subject_key, indicator_id, profile_id, counts_at, school_key, denominator, excluded_by, signature"
            db.executemany(f"insert into int_subject_indicators{kept} ({names}) values (?, ?, ?, ?, ?, ?, ?, ?)", said)

        def cells(*, by_difference: bool) -> dict[Row, list[int]]:
            sql = render("measurements/int_exclusion_changes.sql", this="int_exclusion_changes", by_difference=by_difference)
            found = db.execute(f"select place, indicator_id, profile_id, group_family, group_value, {', '.join(COUNTS)} from ({sql})").fetchall()
            assert len({row[:5] for row in found}) == len(found)
            return {row[:5]: list(row[5:]) for row in found}

        now, then = _by_hand(after), _by_hand(before)
        assert cells(by_difference=False) == dict(now)
        nothing = [0] * len(COUNTS)
        change = {k: [a - b for a, b in zip(now.get(k, nothing), then.get(k, nothing), strict=True)] for k in {*now, *then}}
        assert cells(by_difference=True) == {k: v for k, v in change.items() if any(v)}


COLUMNS = ["figures_key", "group_family", "group_value", "n_enrolled", *PARTS]


def _published(db: duckdb.DuckDBPyConnection, rows: list[tuple[str, str, list[int]]]) -> dict[str, tuple[str, bool]]:
    db.execute(f"create or replace table t ({', '.join(f'{c} varchar' for c in COLUMNS[:3])}, {', '.join(f'{c} bigint' for c in COLUMNS[3:])})")
    for family, value, parts in rows:
        all_parts = [*parts, *[0] * (len(PARTS) - len(parts))]
        db.execute(f"insert into t values ({', '.join('?' * len(COLUMNS))})", ["k", family, value, sum(all_parts), *all_parts])
    found = db.execute(f"select group_value, suppression, {', '.join(COLUMNS[3:])} from ({suppressed_select(COLUMNS, 't', 10)})").fetchall()
    for row in found:
        assert len({cell is None for cell in row[2:]}) == 1, "all counts of a row are shown, or none: what is left out is the rest"
    return {row[0]: (row[1], row[2] is not None) for row in found}


@pytest.mark.parametrize(
    ("parts", "shown"),
    [
        ([30], True), ([30, 0, 0], True), ([30, 10], True), ([30, 9], False), ([30, 1], False), ([9, 30], False), ([0, 10], True),
        ([9], False), ([0, 0, 0, 0, 0, 0, 9], False),
    ],
)  # fmt: skip
def test_counts_are_shown_where_each_is_nothing_or_of_enough(parts: list[int], shown: bool) -> None:
    with duckdb.connect() as db:
        assert _published(db, [("all", "all", parts)]) == {"all": ("none" if shown else "primary", shown)}


def test_a_small_group_is_not_the_rest_of_its_family() -> None:
    with duckdb.connect() as db:
        found = _published(db, [("all", "all", [60, 15]), ("gender", "f", [30, 12]), ("gender", "m", [30, 3]), ("foster", "no", [60, 15])])
    assert found == {"all": ("none", True), "f": ("complementary", False), "m": ("primary", False), "no": ("none", True)}


def test_what_is_carried_over_under_another_policy_is_hidden_whole() -> None:
    sets, which = hiding(COLUMNS, 10)
    assert which == "true"
    assert all(f'"{c}" = null' in sets for c in COLUMNS if c in HIDDEN)
