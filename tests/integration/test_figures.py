"""The indicators, cell by cell and student by student, equal an independent recomputation from the landing files (`tests/oracle.py`)."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from tests.districts import START
from tests.gradebook_oracle import FIGURES, gradebooks
from tests.nights import Night, make
from tests.oracle import CELL, FAMILIES, PERSON, Oracle
from tests.oracle_days import INDICATORS as AVERAGES
from tests.oracle_learning import OF_ALL_WHO_ATTEND

MIN_N = 10
REFERENCES = {"chronic_absence": "district", "consecutive_absence": "three_days"}  # the profile that others stand beside, of what this district sends
STUDENTS, DAYS = 600, 34  # more than the 31 that California wants


def frame(file: Path, sql: str) -> pd.DataFrame:
    with duckdb.connect(str(file), read_only=True) as db:
        return db.execute(sql).df()


def built(night: Night, mart: str, key: list[str]) -> pd.DataFrame:
    """A mart as it was built, unsuppressed, with keys as text."""
    rows = frame(night.build, f"select * from marts.{mart}")
    for column in key:
        rows[column] = [str(v)[:10] if column == "period_start" else ("" if pd.isna(v) else str(v)) for v in rows[column]]
    return rows


def assert_equal(found: pd.DataFrame, expected: pd.DataFrame, key: list[str], figures: list[str]) -> None:
    """Same keys on both sides, each once, and the same figures; says where not."""
    assert not expected.duplicated(key).any()
    assert not found.duplicated(key).any()
    both = found[key + figures].merge(expected[key + figures], on=key, how="outer", suffixes=("_built", "_expected"), indicator=True)
    odd = both[both["_merge"] != "both"]
    assert odd.empty, f"{len(odd)} of {len(both)} are on one side alone:\n{odd.head(20).to_string()}"
    wrong = both[[f for f in both.columns if f.endswith("_built")]].to_numpy() != both[[f for f in both.columns if f.endswith("_expected")]].to_numpy()
    odd = both[wrong.any(axis=1)]
    by_indicator = odd.groupby("indicator_id").size().to_dict()
    assert odd.empty, f"{len(odd)} of {len(both)} differ {by_indicator}:\n{odd.head(20).to_string()}"


def assert_figures(night: Night, oracle: Oracle) -> None:
    """Every cell and every student of the build, and what of it is published."""
    values, expected = built(night, "agg_indicator_values", CELL), oracle.values()
    for column in ("numerator", "denominator"):
        values[column] = values[column].astype(float)
    assert len(expected) > 5000
    assert_equal(values, expected, CELL, ["numerator", "denominator", "n_subjects"])
    is_average = values["indicator_id"].isin(AVERAGES)
    off = (values["value"] - values["numerator"] / values["denominator"]).abs()
    assert off[~is_average].max() < 1e-9
    assert set(values.loc[is_average, "indicator_id"]) == set(AVERAGES)
    assert_equal(values[is_average], expected[expected["indicator_id"].isin(AVERAGES)], CELL, ["value"])
    students = built(night, "fct_student_indicators", PERSON)
    students["flag"] = ["" if pd.isna(f) else "yes" if f else "no" for f in students["flag"]]
    for column in ("numerator", "denominator"):
        students[column] = students[column].astype(float)
    assert_equal(students, oracle.student_values(), PERSON, ["numerator", "denominator", "flag"])
    is_told = (students["flag"] == "yes") | ((students["flag"] == "") & (students["profile_id"] != "standard")) | (students["profile_id"] == "abc")
    is_growth, is_repair = (students["indicator_id"].str.startswith(name) for name in ("growth", "gap_repair"))
    is_told |= students["indicator_id"].str.startswith(("far_behind", "gap_repair", "proficient")) | (is_growth & (students["denominator"] == 0))
    assert (is_told == students["flag_reason"].notna()).all(), "a flag, or a student who is not judged yet, has no reason, or another has one"
    is_open = students["flag_reason"].str.match("Not [a-z ]+: ", na=False)
    assert (is_open[is_told] == (students.loc[is_told, "flag"] == "")).all()
    for of, words in ((is_growth, "Not compared yet: "), (is_repair, "Not judged: "), (~is_growth & ~is_repair, "Not judged yet: ")):
        assert students.loc[is_told & of & (students["flag"] == ""), "flag_reason"].str.startswith(words).all()
    assert not students["flag_reason"].str.contains("[{}]", na=False).any(), "a reason has a gap that nothing filled"
    words = students.loc[students["flag"] == "yes"].groupby("indicator_id")["flag_reason"].agg(lambda said: set(said.str.extract("line is (.*)")[0].dropna()))
    assert words.get("moderate_chronic_absence", {"1 in 10 to under 1 in 5."}) == {"1 in 10 to under 1 in 5."}
    assert words.get("severe_chronic_absence", {"1 in 5."}) == {"1 in 5."}
    for rows in (values, students):
        second = (rows["profile_id"] == "edfacts") | rows["indicator_id"].str.startswith("early_warning") | (rows["indicator_id"] == "d_f_rate")
        assert (rows["profile_version"] == second.map({True: 2, False: 1})).all()
    assert_tiers(values)
    assert_published(night, values)
    assert_compared(night, values)
    assert_constructs(night, oracle)
    assert_gradebooks(night, oracle)
    assert_excluded(night, oracle)
    assert_changes(night, values)
    assert_exceptions(night, oracle)


def assert_exceptions(night: Night, oracle: Oracle) -> None:
    """The exceptions of pace are the raised flags of whoever attends, at each place; in the restricted mart as they were built."""
    raised = oracle.learning
    if len(raised):
        raised = raised[(raised["flag"] == "yes") & raised["indicator_id"].str.startswith(OF_ALL_WHO_ATTEND)]
        assert len(raised) > 10
    key = ["student", "school", "indicator_id", "profile_id"]
    sql = "select student_key as student, coalesce(school_id, '') as school, indicator_id, profile_id from {}.rpt_pace_exceptions"
    expected = sorted(raised[key].itertuples(index=False, name=None)) if len(raised) else []
    for file, schema in ((night.build, "marts"), (night.warehouse.with_name("restricted.duckdb"), "marts_restricted")):
        assert sorted(frame(file, sql.format(schema)).itertuples(index=False, name=None)) == expected


def assert_excluded(night: Night, oracle: Oracle) -> None:
    """Whom each figure of the year has and whom a rule leaves out, against enrollments and flags counted by hand; every student enrolled is in one count."""
    found = frame(night.build, "select *, coalesce(school_id, '') as place from marts.rpt_excluded_students")
    parts = ["n_in_figure", "n_other_grades", "n_left", "n_never_attended", "n_too_few", "n_in_doubt", "n_no_data"]
    assert (found[parts].sum(axis=1) == found["n_enrolled"]).all()
    assert (found[parts] >= 0).all().all()
    year = oracle.dates["year_to_date"].iloc[0]
    stays = [(s, school) for s, school, first, after in oracle.stints if max(first, year) <= oracle.as_of and after > year]
    places = pd.DataFrame({*stays, *((s, "") for s, _ in stays)}, columns=["student", "place"]).assign(today=oracle.as_of)
    places = oracle.with_groups(places, on="today")
    key = ["place", "group_family", "group_value"]
    groups = [places.assign(group_family="all", group_value="all"), *(places.assign(group_family=f, group_value=places[f]) for f in FAMILIES)]
    enrolled = pd.concat(groups).groupby(key).size()
    of_last_day = found[~found["profile_id"].isin(["edfacts", "california"])]
    of = pd.MultiIndex.from_frame(of_last_day[key])
    assert (enrolled.loc[of].to_numpy() == of_last_day["n_enrolled"].to_numpy()).all()
    assert len(of_last_day.groupby(["indicator_id", "profile_id"])) > 15
    # too few days, never attended, other grades: of chronic absence, by place
    judged = {(profile, where): rows for profile, where, rows in oracle.judged()}
    of_all = found[(found["indicator_id"] == "chronic_absence") & (found["group_family"] == "all")].set_index(["profile_id", "place"])
    here = places.groupby("place")["student"].agg(set)
    for (profile, where), rows in judged.items():
        for place in {"school": sorted(set(here.index) - {""}), "district": [""]}[where]:
            mine = rows[rows["student"].isin(here[place]) & ((rows["school"] == place) if where == "school" else True)]
            cell = of_all.loc[profile, place]
            assert (cell["n_in_figure"], cell["n_too_few"]) == (mine["is_judged"].sum(), (~mine["is_judged"]).sum()), (profile, place)
            assert (cell["n_other_grades"] > 0) <= (profile == "california")
            assert (cell["n_never_attended"] > 0) <= (profile in ("california", "city"))
    assert (of_all["n_too_few"] > 0).any()
    values = built(night, "agg_indicator_values", CELL).query("grade_level == '' and group_family == 'all' and period_type == 'year_to_date'")
    both = values.rename(columns={"school_id": "place"}).merge(found[found["group_family"] == "all"], on=["place", "indicator_id", "profile_id"])
    assert len(both) > 50
    assert (both["n_in_figure"] == both["n_subjects"]).all(), "in this district whoever is in a figure is enrolled there"
    shown = frame(night.warehouse, "select * from marts.rpt_excluded_students").set_index("excluded_key")
    parts = found.set_index("excluded_key").loc[shown.index, [*parts, "n_enrolled"]]
    small = parts.apply(lambda column: column.between(1, MIN_N - 1)).any(axis=1)
    beside = small.groupby([shown["figures_key"], shown["group_family"]]).transform("any")
    assert (shown["suppression"] == small.map({True: "primary", False: None}).fillna(beside.map({True: "complementary", False: "none"}))).all()
    assert shown.loc[beside, parts.columns].isna().all().all()
    assert (shown.loc[~beside, parts.columns].astype(int) == parts[~beside]).all().all()
    assert set(shown["suppression"]) == {"none", "primary", "complementary"}


def assert_changes(night: Night, values: pd.DataFrame) -> None:
    """Each weekly figure beside the week before and the term's first, as built and as published: subtracted where the week is 28 days old, hidden where
    either is.
    """
    weeks = values[values["period_type"] == "week"].copy()
    series = [c for c in CELL if c not in ("period_type", "period_start")]
    weeks["start"] = pd.to_datetime(weeks["period_start"])
    weeks["is_settled_by_hand"] = weeks["start"] + pd.Timedelta(days=6 + 28) <= pd.Timestamp(frame(night.build, "select as_of from settings.night")["as_of"][0])
    first = weeks["start"].min()
    before = weeks.assign(start=weeks["start"] + pd.Timedelta(days=7))
    at_first = weeks[weeks["start"] == first].drop(columns="start")
    expected = weeks.merge(before[[*series, "start", "value", "n_subjects"]], on=[*series, "start"], how="left", suffixes=("", "_before"))
    expected = expected.merge(at_first[[*series, "value", "n_subjects"]], on=series, how="left", suffixes=("", "_first"))
    found = frame(night.build, "select * from marts.rpt_indicator_changes")
    both = expected.merge(found, on="value_key", how="outer", suffixes=("", "_beside"), indicator=True)
    assert (both["_merge"] == "both").all()
    assert (both["is_settled"] == both["is_settled_by_hand"]).all()
    later = both["start"] > first
    shown = both.merge(frame(night.warehouse, "select * from marts.rpt_indicator_changes"), on="value_key", suffixes=("", "_shown"))
    assert len(shown) == len(both)
    for name, other in (("week_before", "before"), ("term_start", "first")):
        there = both[f"value_{other}"].notna() & (later | (name == "week_before"))
        assert (both[f"{name}_value"].notna() == there).all(), name
        off = (both[f"{name}_change"] - (both["value"] - both[f"value_{other}"])).abs()
        assert (off.notna() == (there & both["is_settled"])).all(), name
        assert not (off >= 1e-9).any(), name
        assert (both[f"{name}_why_not"].isna() == off.notna()).all(), name
        few = (shown["n_subjects"] < MIN_N) | (shown[f"{name}_n_subjects"] < MIN_N)
        hidden = few & shown[f"{name}_n_subjects"].notna()
        assert ((shown[f"{name}_why_not_shown"] == "hidden: too few people") == hidden).all(), name
        assert shown.loc[few, [f"{name}_value_shown", f"{name}_n_subjects_shown", f"{name}_change_shown"]].isna().all().all(), name
        assert shown.loc[~few, f"{name}_change_shown"].equals(shown.loc[~few, f"{name}_change"]), name
    assert found["last_year_value"].isna().all()
    assert set(found["last_year_why_not"]) == {"there is no such week in the year before"}


def assert_constructs(night: Night, oracle: Oracle) -> None:
    """Both ways of percent favorable and alpha of each wave and construct; what few people are behind is hidden, alpha by itself."""
    found = frame(night.build, "select *, coalesce(school_id, '') as place from marts.rpt_survey_constructs")
    expected = oracle.constructs()
    key = ["wave_id", "construct", "place", "statistic"]
    both = found.merge(expected.rename(columns={"school_id": "place"}), on=key, how="outer", suffixes=("", "_expected"), indicator=True)
    assert (both["_merge"] == "both").all(), both[both["_merge"] != "both"].to_string()
    assert (both["n_items"] == both["n_items_expected"]).all()
    assert (both["n_subjects"] == both["n_subjects_expected"]).all()
    assert (both["value"] - both["value_expected"]).abs().fillna(0).max() < 1e-8
    by = {s: rows.set_index(key[:-1]).sort_index() for s, rows in found.groupby("statistic")}
    if len(found):
        assert (by["favorable_pooled"]["value"] - by["favorable_item_mean"]["value"]).abs().max() > 1e-6, "nobody left a question out"
        assert (by["alpha"]["n_subjects"] < by["favorable_pooled"].loc[by["alpha"].index, "n_subjects"]).any()
    shown = frame(night.warehouse, "select * from marts.rpt_survey_constructs").set_index("score_key")
    small = found.set_index("score_key")["n_subjects"] < MIN_N
    assert set(shown.index) == set(small.index)
    small = small.loc[shown.index]
    assert ((shown["suppression"] == "primary") == small).all()
    assert shown.loc[small, ["value", "numerator", "denominator", "n_subjects"]].isna().all().all()
    assert shown.loc[~small, "value"].notna().all()


def assert_gradebooks(night: Night, oracle: Oracle) -> None:
    """Every class's gradebook, as it was built and as it is published: of small classes what was due alone."""
    key = ["section_id", "period_start"]
    found, expected = built(night, "rpt_gradebook_health", [*key, "last_graded_due_date"]), gradebooks(oracle)
    found["last_graded_due_date"] = found["last_graded_due_date"].str[:10]
    assert len(expected) > 50
    assert_equal(found.assign(indicator_id="completion"), expected.assign(indicator_id="completion"), [*key, "indicator_id"], FIGURES)
    assert set(found["indicator_id"]) == {"assignment_completion"}
    some = found["denominator"] > 0
    assert (found.loc[some, "value"] - found.loc[some, "numerator"] / found.loc[some, "denominator"]).abs().max() < 1e-9
    assert found.loc[~some, "value"].isna().all()
    both = frame(night.warehouse, "select * from marts.rpt_gradebook_health").merge(
        found, on="gradebook_key", how="outer", suffixes=("", "_built"), indicator=True
    )
    assert (both["_merge"] == "both").all()
    small = both["n_subjects_built"] < MIN_N
    assert small.any()
    assert not small.all()
    assert ((both["suppression"] == "primary") == small).all()
    graded = ["gradebook_state", "n_assignments_graded", "n_assignments_graded_lately"]
    hidden = [*graded, "last_graded_due_date", "numerator", "denominator", "n_subjects", "value"]
    assert both.loc[small, hidden].isna().all().all()
    assert (both["n_assignments_due"] == both["n_assignments_due_built"]).all()
    for figure in (*graded, "numerator", "denominator", "n_subjects"):
        assert (both.loc[~small, figure] == both.loc[~small, f"{figure}_built"]).all(), figure


def assert_compared(night: Night, values: pd.DataFrame) -> None:
    """Every figure of an indicator with several profiles stands beside the district's, as it was built; and shown as it is shown alone, or not at all."""
    several = values[values["indicator_id"].isin(REFERENCES)]
    figures = ["numerator", "denominator", "n_subjects", "value", "ci_low", "ci_high"]
    reference = several[several["profile_id"] == several["indicator_id"].map(REFERENCES)][[*CELL[:-1], "n_subjects", "value"]]
    expected = several[[*CELL, "value_key", "profile_version", *figures]].merge(reference, on=CELL[:-1], how="left", suffixes=("", "_of"))
    found = frame(night.build, "select * from marts.rpt_indicator_profile_comparison")
    both = expected.merge(found, on="value_key", how="outer", suffixes=("", "_beside"), indicator=True)
    assert (both["_merge"] == "both").all()
    assert (both["reference_profile_id"] == both["indicator_id"].map(REFERENCES)).all()
    pairs = {**{f: f"{f}_beside" for f in ("profile_version", *figures)}, "n_subjects_of": "reference_n_subjects", "value_of": "reference_value"}
    for one, other in pairs.items():
        assert both[one].astype(float).equals(both[other].astype(float)), one
    off = (both["value_difference"] - (both["value"] - both["value_of"])).abs()
    assert off.dropna().max() < 1e-9
    assert off.isna().equals(both["value_of"].isna())
    alone = frame(night.warehouse, "select * from marts.agg_indicator_values").set_index("value_key")
    shown = frame(night.warehouse, "select * from marts.rpt_indicator_profile_comparison").set_index("value_key")
    assert len(shown) == len(found)
    alone = alone.loc[shown.index]
    hidden = shown["suppression"] == "primary"
    assert (hidden | (alone["suppression"] == "none")).all(), "what is hidden alone is shown beside another"
    assert shown.loc[hidden, [*figures, "reference_n_subjects", "reference_value", "value_difference"]].isna().all().all()
    people = found.set_index("value_key").loc[shown.index][["n_subjects", "reference_n_subjects"]]
    apart = (people["n_subjects"] - people["reference_n_subjects"]).abs()
    assert apart.between(1, MIN_N - 1).any(), "nowhere are few people in the one profile and not in the other"
    assert (hidden == ((people < MIN_N).any(axis=1) | apart.between(1, MIN_N - 1))).all()
    for figure in figures:
        assert shown.loc[~hidden, figure].astype(float).equals(alone.loc[~hidden, figure].astype(float)), figure


def assert_tiers(values: pd.DataFrame) -> None:
    """Moderate and severe together are chronic absence, cell by cell, of the same people."""
    of = {i: values[(values["indicator_id"] == i) & (values["profile_id"] == "district")].set_index(CELL[:-2])[["numerator", "denominator"]]
          for i in ("absence_at_risk", "moderate_chronic_absence", "severe_chronic_absence", "chronic_absence")}  # fmt: skip
    risk, moderate, severe, chronic = (rows.sort_index() for rows in of.values())
    assert (moderate["numerator"] + severe["numerator"]).equals(chronic["numerator"])
    assert (risk["numerator"] + chronic["numerator"] <= chronic["denominator"]).all()
    assert risk["denominator"].equals(chronic["denominator"])


def assert_published(night: Night, values: pd.DataFrame) -> None:
    """The open mart has every cell; of those with fewer people than the minimum it shows no figure, of all others it shows what was built."""
    shown = frame(night.warehouse, "select * from marts.agg_indicator_values")
    both = shown.merge(values, on="value_key", how="outer", suffixes=("", "_built"), indicator=True)
    assert (both["_merge"] == "both").all()
    small = both["n_subjects_built"] < MIN_N
    assert small.any()
    assert not small.all()
    assert ((both["suppression"] == "primary") == small).all()
    assert ((both["suppression"] == "none") == ~small).all()
    figures = ["numerator", "denominator", "n_subjects", "value", "ci_low", "ci_high", "ci_method"]
    assert both.loc[small, figures].isna().all().all()
    for figure in ("numerator", "denominator", "n_subjects", "value"):
        assert (both.loc[~small, figure].astype(float) == both.loc[~small, f"{figure}_built"].astype(float)).all(), figure


def spoilt(folder: Path) -> tuple[set[tuple[str, int]], set[str]]:
    """(lines, files) of a district with planted defects that no figure may stand on."""
    lines: set[tuple[str, int]] = set()
    files: set[str] = set()
    for defect in json.loads((folder / "defects.json").read_text(encoding="utf-8")):
        if defect["expect"] == "quarantine" and not defect["kind"].startswith("survey"):  # of a survey line the other answers stand
            lines |= {(defect["file"], n) for n in defect["lines"]}
        elif defect["expect"] == "held" and not defect["school"]:  # a file that lacks a school is right about the others
            files.add(defect["file"].partition("!")[0])
    return lines, files


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Night:
    """A clean district, run in one go."""
    night = make(tmp_path_factory.mktemp("clean") / "district", STUDENTS, DAYS)
    outcome = night.run(night.last_date, START)
    assert (outcome.exit_status, outcome.verdicts, outcome.rows["quarantined"]) == (0, (), 0)
    return night


@pytest.fixture(scope="module")
def by_nights(tmp_path_factory: pytest.TempPathFactory) -> Callable[[date], Night]:
    """A district with planted defects (all mended by the file sent again), run up to a day; days must come in order."""
    night = make(tmp_path_factory.mktemp("spoilt") / "district", STUDENTS, DAYS, defects=True)
    since = [START]

    def run(day: date) -> Night:
        night.run(day, since[0])
        since[0] = day + timedelta(days=1)
        return night

    return run


def test_the_district_has_all_that_makes_counting_hard(clean: Night) -> None:
    oracle = Oracle(clean.folder, clean.last_date.isoformat())
    roles = oracle.roster("roles").query("role == 'student'")
    stays = roles.groupby("userSourcedId")["orgSourcedId"].agg(["size", "nunique"])
    assert (stays["nunique"] > 1).any(), "nobody moved between schools, or attends two"
    assert (roles["roleType"] == "secondary").any(), "nobody attends two schools"
    assert (roles["endDate"] != "").any(), "nobody left"
    changed = oracle.programs[(oracle.programs["begin"] > START.isoformat()) | (oracle.programs["end"] < "9999")]
    assert len(changed) > 3, "nobody changed group in the year"
    days = {school: {d for s, d in oracle.school_days if s == school} for school in {s for s, _ in oracle.school_days}}
    assert len({frozenset(d) for d in days.values()}) == 2, "there are not two calendars"
    calendars = sorted((clean.landing / "calendar").iterdir())
    assert len(calendars) == 2, "no snow day was announced"
    assert list((clean.landing / "attendance").glob("corrections_*.csv")), "nothing was corrected late"
    assert oracle.work["late"].any()
    flags = {(indicator, profile, place): set(rows.loc[rows["is_judged"], "n"]) for indicator, profile, place, rows in oracle.flags()}
    together = {k: seen for k, seen in flags.items() if k[0] == "early_warning_flags"}
    assert (len(flags), len(together)) == (30, 4)
    learning = oracle.learning.query("school == ''").groupby("indicator_id")
    sides = {indicator: set(rows["flag"]) for indicator, rows in learning}
    assert {"far_behind_reading", "gap_repair_mathematics"} <= {i for i, seen in sides.items() if seen == {"", "yes", "no"}}, sides
    assert all((rows["total_d"] > 0).sum() > 300 for i, rows in learning if i.startswith(("growth", "level_gain"))), "nothing is compared"
    of_two = oracle.learning.query("school != ''").groupby(["student", "indicator_id"])["school"].nunique()
    assert (of_two > 1).any(), "nobody with results moved, or attends two schools"
    assert not any(together.values()), "nobody is judged by signs that the district does not send"
    long = [k for k in flags if k[1] in ("five_days", "ten_days")]  # planted in test_attendance_and_behavior.py
    assert set(map(frozenset, (seen for k, seen in flags.items() if k not in together and k not in long))) == {frozenset({0, 1})}, flags


def test_a_range_in_one_go_gives_the_figures_counted_by_hand(clean: Night) -> None:
    assert_figures(clean, Oracle(clean.folder, clean.last_date.isoformat()))


LONG = pytest.mark.prove


@pytest.mark.parametrize("day", [pytest.param("2025-09-04", marks=LONG), "2025-09-09", pytest.param("2025-09-12", marks=LONG), "2025-09-23"])
def test_nights_over_spoilt_and_mended_files_give_the_figures_of_what_was_accepted(by_nights: Callable[[date], Night], day: str) -> None:
    night = by_nights(date.fromisoformat(day))
    lines, files = spoilt(night.folder)
    assert_figures(night, Oracle(night.folder, day, lines, files))
