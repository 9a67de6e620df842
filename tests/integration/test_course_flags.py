"""Credits, Freshman OnTrack and the early warning signs through the real job: a small district whose marks are drawn at random, over nights with
corrections, against the files worked out again by hand. Nothing of the oracle is read from the pipeline. Every person is made up.
"""

from __future__ import annotations

import random
import shutil
from collections import defaultdict
from contextlib import closing
from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import duckdb
import pytest

from pipelines.lineage.ledger import Ledger
from pipelines.lineage.trace import find_figure, trace
from tests.districts import TestDistrict
from tests.oak_flats import CORE, DAYS, FIRST, NEW, SECOND, SUBJECTS, THIRD, OakFlats, assert_flags


@pytest.fixture(scope="module")
def oak(tmp_path_factory: pytest.TempPathFactory) -> tuple[OakFlats, TestDistrict]:
    """The district after its first night with marks. p00, p03 ... are in grade 9."""
    oak = OakFlats(tmp_path_factory.mktemp("oak") / "oak-flats")
    oak.draw(3)
    planted = [(1, "2.5", 1), (1, "2.499", 1), (2, "2.5", 1), (2, "2.501", 1), (1, "5", 2), (1, "4.999", 2), (2, "5", 2), (0, "5.001", 2)]
    for student, case in zip(("p09", "p12", "p15", "p18", "p21", "p24", "p27", "p30"), planted, strict=True):
        oak.plant(student, *case)
    oak.settings()
    oak.put_base()
    oak.put_sections(DAYS[0])
    district = TestDistrict(oak.folder)
    district.run(FIRST, DAYS[0])
    assert district.query(f"select count(*) from marts.fct_student_indicators where indicator_id in {NEW[:3]}") == [(0,)], "no source sends marks yet"
    signs = "select student_key, numerator::int, flag from marts.fct_student_indicators where indicator_id = 'early_warning_attendance' and school_id is null"
    expected = [(s, oak.absent[s], oak.absent[s] >= 3) for s, (grade, _) in oak.students.items() if grade != "05"]
    assert sorted(district.query(signs)) == expected, "two days of twenty are a tenth, and no more"
    oak.put_marks(SECOND)
    oak.put_discipline(SECOND)
    district.run(SECOND)
    return oak, district


def test_flags_are_those_of_the_files_and_each_has_both_sides(oak: tuple[OakFlats, TestDistrict]) -> None:
    flats, district = oak
    expected = flats.flags(SECOND)
    for key, students in expected.items():
        sides = {flag for _, _, flag in students.values()}
        wanted = {True, False} if key[0] in ("early_warning_attendance", "early_warning_behavior") else {True, False, None}
        assert sides == wanted, key
    assert [expected["credits_on_pace", "interim"][s][2] for s in ("p09", "p12", "p15", "p18")] == [True, False, True, True]
    assert [expected["credits_on_pace", "final"][s][2] for s in ("p09", "p21", "p24", "p30")] == [None, True, False, True]
    assert [expected["freshman_on_track", "final"][s][2] for s in ("p21", "p24", "p27", "p30")] == [True, False, False, True]
    assert_flags(flats, district, SECOND)


def test_credits_are_those_of_the_files(oak: tuple[OakFlats, TestDistrict]) -> None:
    flats, district = oak
    both = [(a, e) for _, a, e in flats.marks.values() if a is not None and e is not None]
    said: dict[str, Fraction] = defaultdict(Fraction)
    for (s, _, _), (_, a, e) in flats.marks.items():
        if e is not None:
            said[s] += e if a is None else min(a, e)
    whole = "school_id is null and grade_level is null and group_family = 'all' and period_type = 'year_to_date'"
    built = {i: tuple(rest) for i, *rest in district.query(
        f"select indicator_id, numerator::double, denominator::double, value from marts.agg_indicator_values where {whole} and indicator_id like 'credits_%'"
    ) if i != "credits_on_pace"}  # fmt: skip
    earned, tried = sum(min(a, e) for a, e in both), sum(a for a, _ in both)
    assert built["credits_earned_share"] == pytest.approx((float(earned), float(tried), float(earned / tried)))
    assert built["credits_per_student"] == pytest.approx((float(sum(said.values())), len(said), float(sum(said.values()) / len(said))))


def test_reasons_say_what_is_known_and_what_is_not(oak: tuple[OakFlats, TestDistrict]) -> None:
    _, district = oak
    said = {
        (i, p, s): words
        for i, p, s, words in district.query(
            f"select indicator_id, profile_id, student_key, flag_reason from marts.fct_student_indicators where school_id is null and indicator_id in {NEW}"
        )
    }
    assert all(said.values()), "every row of these says why"
    assert not [w for w in said.values() if "{" in w]
    assert said["freshman_on_track", "final", "p24"] == (
        "Not on track so far this year. Final marks in core courses that are not passed so far this year: 1 of 4; the line is 2. "
        "Full-year credits earned in terms that have ended: 4.999 in 1 of a school year; on pace is 5 in a whole one."
    )
    assert said["freshman_on_track", "final", "p09"].startswith("Not judged yet. Final marks in core courses")
    assert said["freshman_on_track", "final", "p09"].endswith("those of a term are not there, or they do not say their credits clearly.")
    none = said["early_warning_flags", "one_or_more", "p22"]  # nobody gave a mark
    assert none.startswith("Not judged yet: early warning signs ")
    assert "no final mark in mathematics or English is known" in none


def test_figures_are_traced_to_their_rows(oak: tuple[OakFlats, TestDistrict]) -> None:
    _, district = oak
    with duckdb.connect(str(district.build), read_only=True) as db, closing(Ledger(district.folder / "data" / "ledger.sqlite")) as ledger:
        some = (*NEW, "credits_earned_share", "credits_per_student")
        keys = db.execute(f"select indicator_id, value_key from marts.agg_indicator_values where indicator_id in {some} order by 2").fetchall()
        keys = random.Random(1).sample(keys, 150)
        assert {i for i, _ in keys} == set(some)
        for _, key in keys:
            found = trace(db, ledger, find_figure(db, {"value_key": key}), limit=3)
            assert found.agrees, (key, found.numerator, found.denominator, found.n_subjects, found.figure)


@pytest.mark.prove
def test_corrections_move_those_whose_marks_they_are_and_leave_no_ghost(oak: tuple[OakFlats, TestDistrict], tmp_path: Path) -> None:
    """One mark is corrected over the line, all marks of a student are taken back, a term's marks come; then a subject that nobody said is said."""
    flats, district = oak
    later = OakFlats(tmp_path / "later", dict(flats.marks), list(flats.suspended), dict(flats.absent), dict(flats.subjects))
    copy = district.copy(later.folder)
    ((student, section, term), (_, tried, _)) = next((k, m) for k, m in later.marks.items() if k[0] == "p09" and m[0] == "A" and k[1][0] in CORE)
    later.marks[student, section, term] = ("F", tried, Fraction(0))
    later.marks = {k: m for k, m in later.marks.items() if k[0] != "p12"}
    for n, subject in enumerate("mesh"):
        later.marks["p18", f"{subject}{later.students['p18'][1]}2".replace("2", "1"), "S2"] = ("A" if n else "F", Fraction(1), Fraction(1))
    later.put_marks(THIRD)
    copy.run(THIRD)
    touched = {s for (s,) in copy.query("select distinct subject_key from measurements.int_touched_pieces where cause = 'marks'")}
    assert {"p09", "p12", "p18"} <= touched <= {"p09", "p12", "p18"} | set(later.students)
    assert_flags(later, copy, THIRD)
    quiet = THIRD + timedelta(days=1)
    later.subjects["x"] = SUBJECTS["m"]
    later.put_sections(quiet)
    copy.run(quiet)
    concerned = {s for (s, section, _) in later.marks if section[0] == "x"}
    assert {s for (s,) in copy.query("select distinct subject_key from measurements.int_touched_pieces")} == concerned
    assert_flags(later, copy, THIRD)
    copy.run(quiet + timedelta(days=1))
    assert copy.query("select count(*) from measurements.int_touched_pieces") == [(0,)], "a quiet night measures nobody"
    fresh = TestDistrict(tmp_path / "fresh")
    OakFlats(fresh.folder).settings()
    shutil.copytree(copy.landing, fresh.landing)
    fresh.run(quiet + timedelta(days=1), DAYS[0])
    assert copy.hashes() == fresh.hashes()


@pytest.mark.prove
def test_a_term_counts_for_pace_once_it_has_ended_and_credits_are_those_of_the_district(oak: tuple[OakFlats, TestDistrict], tmp_path: Path) -> None:
    """The second term ends on the next day; a full-year course is of half a credit, and all that is set anew with it."""
    flats, district = oak
    later = OakFlats(tmp_path / "later", dict(flats.marks), list(flats.suspended), dict(flats.absent), dict(flats.subjects))
    later.ends, later.year_course = {**later.ends, "S2": THIRD}, Fraction(1, 2)
    copy = district.copy(later.folder)
    toml = later.folder / "district.toml"
    toml.write_text(toml.read_text().replace("end = 2025-09-29", "end = 2025-09-30").replace("[intake]", "[marks]\ncredits_of_year_course = 0.5\n\n[intake]"))
    copy.run(SECOND)
    expected = later.flags(SECOND)
    assert {flag for _, _, flag in expected["credits_on_pace", "final"].values()} == {None}, "the year is not whole"
    assert {part for _, part, _ in expected["credits_on_pace", "interim"].values()} == {0.0, 0.5}
    assert_flags(later, copy, SECOND)
    copy.run(THIRD)
    assert later.flags(THIRD)["credits_on_pace", "interim"] != expected["credits_on_pace", "interim"]
    assert_flags(later, copy, THIRD)
    with duckdb.connect(str(copy.build), read_only=True) as db, closing(Ledger(copy.folder / "data" / "ledger.sqlite")) as ledger:
        for (key,) in db.execute("select value_key from marts.agg_indicator_values where indicator_id = 'credits_on_pace' order by 1 limit 10").fetchall():
            assert trace(db, ledger, find_figure(db, {"value_key": key}), limit=3).agrees, key


@pytest.mark.prove
def test_who_has_left_is_in_no_flag_until_coming_back(oak: tuple[OakFlats, TestDistrict], tmp_path: Path) -> None:
    """One left, one left and came back, one is at the other school now, and one leaves after the last day of school, until school goes on a day longer."""
    flats, district = oak
    later = OakFlats(tmp_path / "later", dict(flats.marks), list(flats.suspended), dict(flats.absent), dict(flats.subjects))
    copy = district.copy(later.folder)
    quiet = THIRD + timedelta(days=1)
    home = {s: later.students[s][1] for s in later.students}
    later.moves = {
        "p09": [(home["p09"], DAYS[0], DAYS[10])],
        "p18": [(home["p18"], DAYS[0], DAYS[5]), (home["p18"], DAYS[6], None)],
        "p21": [(home["p21"], DAYS[0], DAYS[7]), ({"K": "L", "L": "K"}[home["p21"]], DAYS[7], None)],
        "p24": [(home["p24"], DAYS[0], quiet)],
    }
    here = "select student_key from marts.fct_student_indicators where indicator_id = 'early_warning_flags' and school_id is null"
    assert {("p09",), ("p18",), ("p21",), ("p24",)} < set(copy.query(here))
    later.put_enrollments(THIRD)
    copy.run(THIRD)
    assert {s for s in later.moves if (s,) not in copy.query(here)} == {"p09"}
    assert_flags(later, copy, THIRD)
    copy.run(quiet)
    assert_flags(later, copy, quiet)
    later.last_day = quiet
    later.put("calendar", quiet + timedelta(days=1), [(school, d, "SCH") for school in "KL" for d in [*DAYS, quiet]])
    copy.run(quiet + timedelta(days=1))
    assert {s for s in later.moves if (s,) not in copy.query(here)} == {"p09", "p24"}
    assert_flags(later, copy, quiet + timedelta(days=1))
    with duckdb.connect(str(copy.build), read_only=True) as db, closing(Ledger(copy.folder / "data" / "ledger.sqlite")) as ledger:
        keys = db.execute(f"select value_key from marts.agg_indicator_values where indicator_id in {NEW} and group_family = 'all' order by 1").fetchall()
        for (key,) in keys:
            found = trace(db, ledger, find_figure(db, {"value_key": key}), limit=3)
            assert found.agrees, (key, found.numerator, found.denominator, found.n_subjects, found.figure)
    fresh = TestDistrict(tmp_path / "fresh")
    OakFlats(fresh.folder).settings()
    shutil.copytree(copy.landing, fresh.landing)
    fresh.run(quiet + timedelta(days=1), DAYS[0])
    assert copy.hashes() == fresh.hashes()
