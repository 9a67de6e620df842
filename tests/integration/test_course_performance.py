"""Marks where some classes are graded by standards, and averages weighted by course: against the files, night by night, and traced."""

from __future__ import annotations

import shutil
from contextlib import closing
from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from pipelines.lineage.ledger import Ledger
from pipelines.lineage.trace import find_figure, trace
from tests.districts import START, TestDistrict
from tests.extract_district import NIGHTS, TwoRivers
from tests.integration.test_extracts import POINTS, newest
from tests.integration.test_figures import assert_equal, built
from tests.nights import Night, make
from tests.oracle import CELL, PERSON, Oracle

OF_POINTS = ("d_f_rate", "current_average")
LATER = NIGHTS[-1] + timedelta(days=1)


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    """A synthetic district of which a school and a course of another are graded by standards, after two runs."""
    night = make(tmp_path_factory.mktemp("standards") / "district", 200, 12)
    known = Oracle(night.folder, night.last_date.isoformat())
    classes, courses = known.roster("classes"), known.roster("courses").set_index("sourcedId")["courseCode"]
    school, other = sorted(set(classes["schoolSourcedId"]))[:2]
    course = sorted(set(classes.loc[classes["schoolSourcedId"] == other, "courseSourcedId"]))[0]
    rows = f"school_id,course_id\n{school},*\n{other},{courses[course]}\n"
    (night.folder / "codes/standards_graded.csv").write_text(rows, encoding="utf-8")
    night.run(START + timedelta(days=6), START)
    night.run(night.last_date, START + timedelta(days=7))
    return night


def of_points(rows: pd.DataFrame) -> pd.DataFrame:
    rows = rows[rows["indicator_id"].isin(OF_POINTS)]
    return rows.assign(numerator=rows["numerator"].astype(float), denominator=rows["denominator"].astype(float))


def test_classes_graded_by_standards_have_no_mark_of_points(night: Night) -> None:
    """In no figure; and a student who has no other class has a row without a number, which says why."""
    oracle = Oracle(night.folder, night.last_date.isoformat())
    values, students = built(night, "agg_indicator_values", CELL), built(night, "fct_student_indicators", PERSON)
    assert_equal(of_points(values), of_points(oracle.values()), CELL, ["numerator", "denominator", "n_subjects"])
    expected = of_points(oracle.student_values())
    assert_equal(of_points(students), expected, PERSON, ["numerator", "denominator"])
    students = of_points(students)
    silent = students["denominator"] == 0
    assert 0 < silent.sum() < len(students)
    assert students.loc[silent, ["value", "flag"]].isna().all().all()
    assert (students.loc[silent, "flag_reason"].str.startswith("Not applicable: all classes")).all()
    assert students.loc[~silent, "flag_reason"].isna().all()
    assert students.loc[~silent, "value"].notna().all()
    (school,) = set(students.loc[silent & (students["school_id"] != ""), "school_id"])
    assert not (of_points(values)["school_id"] == school).any(), "a school graded by standards has a figure of points"
    held = night.published("select * from operations.verdicts where indicator_id in ('d_f_rate', 'current_average') and verdict = 'held'")
    assert held == []


def test_a_current_average_is_traced_to_its_work(night: Night) -> None:
    with duckdb.connect(str(night.build), read_only=True) as db, closing(Ledger(night.folder / "data" / "ledger.sqlite")) as ledger:
        keys = db.execute("select value_key from marts.agg_indicator_values where indicator_id = 'current_average' and grade_level is null").fetchall()
        assert len(keys) > 10
        for (key,) in keys:
            found = trace(db, ledger, find_figure(db, {"value_key": key}), limit=2)
            assert found.agrees, (key, found.numerator, found.denominator, found.n_subjects, found.figure)


# ---- final marks ----


@pytest.fixture(scope="module")
def rivers(tmp_path_factory: pytest.TempPathFactory) -> tuple[TestDistrict, TestDistrict]:
    """Two Rivers, of which course X2 is worth half a point more and course X1 is graded by standards at campus B; and after a night on which class A2 is one
    of the course X1 instead, and B1 one of a course that no map names.
    """
    district = TestDistrict(tmp_path_factory.mktemp("weighted") / "two-rivers")
    two_rivers = TwoRivers(district.folder)
    two_rivers.settings()
    (district.folder / "codes/course_weights.csv").write_text("course_id,extra_points\nX2,0.5\nX3,1\n")
    (district.folder / "codes/standards_graded.csv").write_text("school_id,course_id\nB,X1\n")
    for write in (two_rivers.first_night, two_rivers.second_night, two_rivers.third_night):
        write()
    district.run(NIGHTS[-1], NIGHTS[0])
    later = district.copy(district.folder.parent / "later")
    other = {"A2": "X1", "B1": "X9"}
    sections = [(c, other.get(c, f"X{c[1]}"), f"Course {c[1]}", c[0], "S1", "math" if c[1] == "1" else "ela") for c in ("A1", "A2", "A3", "B1", "B2", "B3")]
    TwoRivers(later.folder).put("sections", LATER.isoformat(), sections)
    later.run(LATER)
    return district, later


def averages_of(district: TestDistrict, extra: dict[str, str], by_standards: str) -> tuple[dict[str, float], dict[str, float], set[str]]:
    """By student, over both campuses: the average, the weighted one, and who has marks of standards alone. `extra` is by class."""
    marks = newest(district.folder, "marks", "term_id")
    counted = marks[(marks["gone"] == "") & (marks["is_final"] == "yes")]
    of_standards = counted["section_id"] == by_standards
    silent = set(counted.loc[of_standards, "student_id"])
    counted = counted[~of_standards & counted["letter"].isin(POINTS) & (counted["credits_attempted"] != "")]
    found: list[dict[str, float]] = [{}, {}]
    for student, mine in counted.groupby("student_id"):
        for k, is_weighted in enumerate((False, True)):
            points = credits = Fraction(0)
            for m in mine.itertuples():
                worth = Fraction(str(POINTS[m.letter]))
                worth += Fraction(extra.get(m.section_id, "0")) if is_weighted and worth else 0
                points, credits = points + worth * Fraction(m.credits_attempted), credits + Fraction(m.credits_attempted)
            found[k][str(student)] = float(int(points / credits * 1000 + Fraction(1, 2))) / 1000
    return found[0], found[1], silent - set(found[0])


@pytest.mark.parametrize(("is_later", "extra", "by_standards"), [(False, {"A2": "0.5"}, "B1"), (True, {}, "")])
def test_final_marks_are_weighted_by_course(rivers: tuple[TestDistrict, TestDistrict], is_later: bool, extra: dict[str, str], by_standards: str) -> None:
    district = rivers[is_later]
    plain, weighted, silent = averages_of(district, extra, by_standards)
    assert len(plain) > 5
    assert bool(silent) is not is_later
    assert (plain != weighted) is not is_later
    rows = "select student_key, value, flag_reason from marts.fct_student_indicators where indicator_id = '{}' and school_id is null"
    for indicator, expected in (("gpa", plain), ("weighted_gpa", weighted)):
        found = district.query(rows.format(indicator))
        assert {who: value for who, value, _ in found if value is not None} == expected
        people = "select n_subjects, round(value * n_subjects, 3) from marts.agg_indicator_values where school_id is null and grade_level is null"
        assert district.query(f"{people} and group_family = 'all' and indicator_id = '{indicator}'") == [(len(expected), round(sum(expected.values()), 3))]
        reasons = {who: reason for who, value, reason in found if value is None}
        assert set(reasons) == (silent if indicator == "gpa" else set())
        assert all(reason.startswith("Not applicable: ") for reason in reasons.values())


@pytest.mark.prove
def test_a_course_that_changes_gives_what_a_build_from_nothing_gives(rivers: tuple[TestDistrict, TestDistrict], tmp_path: Path) -> None:
    _, later = rivers
    fresh = TestDistrict(tmp_path / "fresh")
    TwoRivers(fresh.folder).settings()
    shutil.copytree(later.landing, fresh.landing)
    shutil.copytree(later.folder / "codes", fresh.folder / "codes", dirs_exist_ok=True)
    fresh.run(LATER, NIGHTS[0])
    assert fresh.hashes() == later.hashes()
    with duckdb.connect(str(later.build), read_only=True) as db, closing(Ledger(later.folder / "data" / "ledger.sqlite")) as ledger:
        keys = db.execute("select value_key from marts.agg_indicator_values where indicator_id in ('gpa', 'weighted_gpa')").fetchall()
        for (key,) in keys:
            assert trace(db, ledger, find_figure(db, {"value_key": key}), limit=2).agrees, key


@pytest.mark.prove
def test_without_a_list_of_weights_nothing_is_weighted(rivers: tuple[TestDistrict, TestDistrict], tmp_path: Path) -> None:
    """No figure, and not the unweighted one under another name."""
    district = rivers[0].copy(tmp_path / "unlisted")
    (district.folder / "codes/course_weights.csv").unlink()
    district.run(LATER)
    count = "select count(*) filter (where indicator_id = 'gpa') > 0, count(*) filter (where indicator_id = 'weighted_gpa') from marts.agg_indicator_values"
    assert district.query(count) == [(True, 0)]
