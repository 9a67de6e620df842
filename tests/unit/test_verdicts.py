"""What goes out and what is held: each rule of the publication gate, and the share of people at one below, on and above its threshold."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.district import load_district
from pipelines.lineage.ledger import Severity
from pipelines.publication.assemble import people
from pipelines.publication.gate import with_wholes
from pipelines.publication.verdicts import ENROLLED, Issue, SliceDecision, decide, issues_of_held
from pipelines.settings import SettingsError

RATE, YEAR = "attendance_rate", 2026
HALF = Fraction(1, 2)


def issue(why: str, school: str = "", severity: Severity = "critical", year: int = 0) -> Issue:
    return Issue(frozenset({RATE}), severity, why, year, school)


def plain(decisions: list[SliceDecision]) -> list[tuple[str, str, str]]:
    """(school, verdict, words) of the one slice that these tests are about."""
    assert {(d.indicator_id, d.school_year) for d in decisions} == {(RATE, YEAR)}
    return [(d.school_id, d.verdict, d.why) for d in decisions]


def decided(issues: list[Issue], counted: dict[str, int], least: Fraction = HALF, enrolled: dict[str, int] | None = None, **more: Any) -> Any:
    known = {(RATE, YEAR): counted, **({(ENROLLED, YEAR): enrolled} if enrolled else {})}
    return plain(decide([(RATE, YEAR)], issues, known, least, **more))


def test_nothing_wrong_passes_and_a_warning_goes_out_with_the_rows() -> None:
    assert decided([], {}) == [("", "pass", "")]
    assert decided([issue("late", severity="warning"), issue("thin", "110", "warning")], {}) == [("", "warning", "late"), ("110", "warning", "thin")]


def test_what_is_wrong_everywhere_holds_all_and_schools_that_were_held_before_keep_their_own_rows() -> None:
    found = decided([issue("stopped"), issue("stopped"), issue("thin", "120")], {"110": 5, "120": 5}, held_before={(RATE, YEAR, "110"), (RATE, 2025, "120")})
    assert found == [("", "held", "stopped"), ("110", "held", "stopped")]


def test_a_held_school_is_named_and_the_rest_goes_out() -> None:
    found = decided([issue("silent", "110"), issue("thin", "110", "warning")], {"100": 300, "110": 100})
    assert found == [("", "warning", "school 110 is held back"), ("110", "held", "silent; thin")]


@pytest.mark.parametrize(
    ("least", "sound", "held", "goes_out"),
    [
        ("1/2", 499, 501, False), ("1/2", 500, 500, True), ("1/2", 501, 499, True),
        ("4/5", 799, 201, False), ("4/5", 800, 200, True), ("4/5", 801, 199, True),
        ("1/3", 333_333, 666_667, False), ("1/3", 1, 2, True),
        ("0.3", 3, 7, True), ("0.7", 7, 3, True), ("0.1", 1, 9, True),
        ("1", 10**9 - 1, 1, False), ("1", 10, 0, True), ("0", 0, 10, True),
    ],
)  # fmt: skip
def test_the_schools_that_are_not_held_must_have_the_least_share_of_people(least: str, sound: int, held: int, goes_out: bool) -> None:
    found = decided([issue("silent", "110")], {"100": sound, "110": held}, Fraction(least))
    assert [(school, verdict) for school, verdict, _ in found] == [("", "warning" if goes_out else "held"), ("110", "held")]


def test_below_the_share_all_is_held_with_words_and_each_held_school_says_its_own() -> None:
    issues = [issue("silent", "120"), issue("lost its codes", "110"), issue("thin", "100", "warning"), issue("late", severity="warning")]
    found = decided(issues, {"100": 499, "110": 300, "120": 201, "130": 0}, held_before={(RATE, YEAR, "130")})
    words = "school 110, 120 is held back; the other schools have less of the people than publication.least_coverage, 1/2"
    assert found == [("", "held", words), ("110", "held", "lost its codes"), ("120", "held", "silent"), ("130", "held", words)]


def test_a_school_without_any_figure_yet_is_missing_all_the_same() -> None:
    """On the first day of a year all that is counted may be of the schools that came."""
    silent = [issue("silent", "110")]
    assert decided(silent, {"100": 100}, enrolled={"100": 100, "110": 101})[0][1] == "held"
    assert decided(silent, {"100": 100}, enrolled={"100": 100, "110": 100})[0][1] == "warning"
    assert decided(silent, {"100": 40, "110": 60}, enrolled={"100": 600, "110": 400})[0][1] == "held", "those whom the indicator counts count as well"


def test_where_nobody_is_known_a_held_school_holds_nothing_else() -> None:
    assert decided([issue("silent", "110")], {})[0][1] == "warning"
    assert decided([issue("silent", "elsewhere")], {"100": 10})[0][1] == "warning", "a school of another agency is in no figure of the district"


def test_years_and_indicators_are_judged_apart() -> None:
    slices = [(RATE, 2025), (RATE, YEAR), ("d_f_rate", YEAR)]
    counted = {"100": 1, "110": 9}
    known = dict.fromkeys(slices, counted)
    found = decide(slices, [issue("silent", "110", year=YEAR)], known, HALF)
    assert [(d.indicator_id, d.school_year, d.school_id, d.verdict) for d in found] == [
        (RATE, 2025, "", "pass"), (RATE, YEAR, "", "held"), (RATE, YEAR, "110", "held"), ("d_f_rate", YEAR, "", "pass"),
    ]  # fmt: skip


@pytest.mark.parametrize(("sound", "all_held"), [(499, True), (500, False), (501, False)])
def test_a_list_is_held_wherever_a_flag_of_its_rules_is(sound: int, all_held: bool) -> None:
    """Of everybody enrolled most are at schools that went out; of those whom the indicator counts fewer, and the list is of no indicator."""
    slices = [(RATE, YEAR), ("d_f_rate", YEAR), ("priority_students", YEAR)]
    silent = [Issue(frozenset({RATE, "priority_students"}), "critical", "silent", 0, "110"), Issue(frozenset({"d_f_rate"}), "critical", "stopped")]
    known = {(RATE, YEAR): {"100": sound, "110": 1000 - sound}, (ENROLLED, YEAR): {"100": 900, "110": 100}}
    first = decide(slices, silent, known, HALF)
    found = decide(slices, [*silent, *issues_of_held(first, {"priority_students": {RATE}, "other": {"late_work"}})], known, HALF)
    assert [d for d in found if d.indicator_id != "priority_students"] == [d for d in first if d.indicator_id != "priority_students"]
    of_list = {d.school_id: (d.verdict, d.why) for d in found if d.indicator_id == "priority_students"}
    assert of_list[""][0] == ("held" if all_held else "warning")
    assert ("publication.least_coverage" in of_list[""][1]) == all_held
    assert all_held or of_list["110"] == ("held", "silent"), "said once"


def test_a_list_is_held_at_the_school_where_a_flag_of_its_rules_is() -> None:
    decisions = [SliceDecision(RATE, YEAR, "", "warning", "110"), SliceDecision(RATE, YEAR, "110", "held", "silent"), SliceDecision("x", YEAR, "", "held", "-")]
    assert issues_of_held(decisions, {"mine": {RATE}, "theirs": {"late_work"}}) == [Issue(frozenset({"mine"}), "critical", f"{RATE}: silent", YEAR, "110")]
    assert issues_of_held([*decisions, SliceDecision("mine", YEAR, "", "held", "stopped")], {"mine": {RATE}, "theirs": {"late_work"}}) == []


def test_what_is_wrong_with_a_flag_is_wrong_with_the_flags_together_that_are_made_of_it() -> None:
    of_part = Issue(frozenset({"early_warning_attendance"}), "critical", "jumped", YEAR, "110")
    alone = Issue(frozenset({"late_work"}), "critical", "late")
    wide, apart, averages = with_wholes([of_part, alone, issue("absent")])
    assert wide == Issue(frozenset({"early_warning_attendance", "early_warning_flags"}), "critical", "jumped", YEAR, "110")
    assert apart == alone
    assert averages.indicators == {RATE, "average_daily_attendance", "average_daily_membership"}


def test_people_are_counted_by_school_of_the_district() -> None:
    """School 110 has two profiles, and rows that are of a grade, a group, a week or the district; school 900 is of another agency. Ann was at two schools,
    twice at one of them; Bo came before the year and left in it, Cy left on its first day and Di came after its last.
    """
    with duckdb.connect() as db:
        for schema in ("core", "marts", "settings"):
            db.execute(f"create schema {schema}")
        db.execute("create table core.dim_schools as select unnest(['100', '110', '900']) as school_key, unnest([true, true, false]) as is_in_district")
        db.execute("create table settings.school_years as select 2026 as school_year, date '2025-08-18' as start_date, date '2026-06-05' as end_date")
        db.execute("create table core.dim_stints (student_key varchar, school_key varchar, entry_date date, exit_date date)")
        db.executemany(
            "insert into core.dim_stints values (?, ?, ?, ?)",
            [
                ("Ann", "100", date(2025, 8, 18), date(2025, 10, 1)), ("Ann", "110", date(2025, 10, 1), date(2025, 11, 1)),
                ("Ann", "100", date(2025, 11, 1), date(9999, 12, 31)), ("Bo", "110", date(2020, 1, 1), date(2025, 8, 19)),
                ("Cy", "110", date(2020, 1, 1), date(2025, 8, 18)), ("Di", "110", date(2026, 6, 6), date(9999, 12, 31)),
                ("Ed", "900", date(2025, 8, 18), date(9999, 12, 31)),
            ],
        )  # fmt: skip
        db.execute("""create table marts.agg_indicator_values (indicator_id varchar, profile_id varchar, school_year integer, school_id varchar,
            grade_level varchar, group_family varchar, period_type varchar, n_subjects bigint)""")
        db.executemany(
            f"insert into marts.agg_indicator_values values ('{RATE}', ?, {YEAR}, ?, ?, ?, ?, ?)",
            [
                ("a", "110", None, "all", "year_to_date", 7), ("b", "110", None, "all", "year_to_date", 9), ("a", "100", None, "all", "year_to_date", 3),
                ("a", "110", "05", "all", "year_to_date", 11), ("a", "110", None, "gender", "year_to_date", 12), ("a", "110", None, "all", "week", 13),
                ("a", None, None, "all", "year_to_date", 14), ("a", "900", None, "all", "year_to_date", 15),
            ],
        )  # fmt: skip
        assert people(db) == {(RATE, YEAR): {"100": 3, "110": 9}, (ENROLLED, YEAR): {"100": 1, "110": 2}}


SETTINGS = """
school_years = [{ year = 2026, start = 2025-08-18, end = 2026-06-05 }]
sources = []
district = { id = "d", name = "D" }
"""


def test_the_least_coverage_is_a_setting(tmp_path: Path) -> None:
    settings = tmp_path / "district.toml"
    settings.write_text(SETTINGS)
    assert load_district(tmp_path).publication.least_coverage == HALF
    settings.write_text(f"{SETTINGS}publication = {{ least_coverage = 0.8 }}\n")
    assert load_district(tmp_path).publication.least_coverage == Fraction(4, 5)
    for wrong in ("-0.1", "1.1"):
        settings.write_text(f"{SETTINGS}publication = {{ least_coverage = {wrong} }}\n")
        with pytest.raises(SettingsError, match=r"publication\.least_coverage: Input should be"):
            load_district(tmp_path)
