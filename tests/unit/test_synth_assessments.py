"""The synthetic district's assessments: results where they can be, and what makes them plausible, read from the landing files and the code maps alone."""

from __future__ import annotations

import csv
import json
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipelines.synth import synthesize
from pipelines.synth.assessments import ASSESSMENTS, LATEST_CORRECTION, spans
from pipelines.synth.calendar import build_year
from tests.unit.test_synth_plausible import packages, plain

KEY = ["Student Number", "Test", "Subject", "Date"]


def codes(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / f"codes/{name}.csv", dtype=str, keep_default_na=False)


def told(folder: Path) -> pd.DataFrame:
    """Every line of the files of results, with the day on which it came."""
    files = sorted((folder / "landing/assessments").iterdir())
    rows = pd.concat([pd.read_csv(p, dtype=str, keep_default_na=False).assign(came=p.stem[-10:]) for p in files])
    rows["day"] = pd.to_datetime(rows["Date"], format="%m/%d/%Y").dt.strftime("%Y-%m-%d")
    return rows.reset_index(drop=True)


@pytest.fixture(scope="module")
def whole_year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("year") / "district"
    synthesize(1_500, 180, date(2025, 8, 18), 3, folder, defects=False, progress=lambda _: None)
    return folder


@pytest.fixture(scope="module")
def results(whole_year: Path) -> pd.DataFrame:
    """The last word on every result, with the student's grade."""
    rows = told(whole_year).drop_duplicates(KEY, keep="last")
    grades = packages(whole_year / "landing", "users", ["grades"]).drop_duplicates("sourcedId", keep="last").set_index("sourcedId")["grades"]
    rows = rows.assign(grade=rows["Student Number"].map(grades), score=pd.to_numeric(rows["Score"]), level=pd.to_numeric(rows["Level"]))
    return rows.rename(columns={"Student Number": "student", "Test": "test", "Subject": "subject"})


def test_results_lie_in_the_windows_of_their_grades_and_the_code_maps_know_them(whole_year: Path, results: pd.DataFrame) -> None:
    kinds, levels = codes(whole_year, "assessment_kinds"), codes(whole_year, "performance_levels")
    assert set(zip(results["test"], results["subject"], strict=True)) == set(zip(kinds["assessment_id"], kinds["subject"], strict=True))
    assert set(zip(results["test"], results["Placement"], strict=True)) == set(zip(levels["assessment_id"], levels["performance_level"], strict=True))
    windows = codes(whole_year, "assessment_windows")
    assert len(windows) == 5
    year = build_year(date(2025, 8, 18))
    for assessment in ASSESSMENTS:
        mine = results[results["test"] == assessment.assessment_id]
        inside = [mine["day"].between(first.isoformat(), last.isoformat()) for first, last in spans(year, assessment)]
        assert all(some.any() for some in inside)
        assert np.logical_or.reduce(inside).all()
        assert set(mine["grade"]) == set(assessment.grades)
        taken = [mine[some].groupby(["student", "subject"]).size() for some in inside]
        assert all((n == 1).all() for n in taken), "nobody takes one test twice in a window"
        assert (mine["level"].notna() == assessment.has_levels).all()
    asked = codes(whole_year, "learning_levels")
    assert set(zip(asked["subject"], asked["grade_level"], strict=True)) == set(results.query("test == 'benchmark'").groupby(["subject", "grade"]).groups)


def test_who_is_away_takes_it_later_or_misses_the_window(whole_year: Path, results: pd.DataFrame) -> None:
    away = plain(whole_year / "landing", "attendance/attendance_*.csv").query("Code in ('A', 'E')")
    away_on = set(zip(away["Student Number"], pd.to_datetime(away["Date"], format="%m/%d/%Y").dt.strftime("%Y-%m-%d"), strict=True))
    assert not away_on & set(zip(results["student"], results["day"], strict=True))
    windows = codes(whole_year, "assessment_windows").query("assessment_id == 'benchmark'")
    benchmark = results.query("test == 'benchmark' and subject == 'Reading'")
    n_taken = [benchmark["day"].between(first, last).sum() for first, last in zip(windows["first_day"], windows["last_day"], strict=True)]
    everybody = benchmark["student"].nunique()
    assert all(0.85 * everybody < n < 0.985 * everybody for n in n_taken), (n_taken, everybody)


def test_a_few_scores_are_sent_again_within_days(whole_year: Path) -> None:
    rows = told(whole_year)
    again = rows.merge(rows.drop_duplicates(KEY), on=KEY, suffixes=("", "_first")).query("came > came_first")
    assert 0.005 * len(rows) < len(again) < 0.02 * len(rows)
    assert (again["Score"] != again["Score_first"]).mean() > 0.95
    age = pd.to_datetime(again["came"]) - pd.to_datetime(again["day"])
    assert age.dt.days.between(1, LATEST_CORRECTION).all()
    assert (rows["came"] >= rows["day"]).all()


def gains(results: pd.DataFrame) -> pd.DataFrame:
    """By student and subject of the benchmark: the first level, the last, and the grade."""
    benchmark = results.query("test == 'benchmark'").sort_values("day")
    both = benchmark.groupby(["student", "subject"]).agg(first=("level", "first"), last=("level", "last"), n=("level", "size"), grade=("grade", "first"))
    return both.query("n >= 4").reset_index()


def test_levels_rise_over_the_year_and_over_the_grades(results: pd.DataFrame) -> None:
    both = gains(results)
    assert 0.4 < (both["last"] - both["first"]).mean() < 1.2
    assert (both["last"] < both["first"]).mean() > 0.01, "some fall back"
    means = both.groupby("grade")["first"].mean()
    assert means.is_monotonic_increasing
    beside = both["first"] - both["grade"].astype(int)
    assert (beside <= -1.5).mean() > 0.02
    assert (
        both.pivot_table(index="student", columns="subject", values="first").sub(both.groupby("student")["grade"].first().astype(int), axis=0).corr().iloc[0, 1]
        > 0.2
    )


def test_scores_and_gains_follow_attendance_and_completion(whole_year: Path, results: pd.DataFrame) -> None:
    attendance = plain(whole_year / "landing", "attendance/attendance_*.csv")
    absence = attendance["Code"].isin(["A", "E"]).groupby(attendance["Student Number"]).mean()
    work = packages(whole_year / "landing", "results", ["studentSourcedId", "missing"]).drop_duplicates("sourcedId")
    missing = (work["missing"] == "true").groupby(work["studentSourcedId"]).mean()
    both = gains(results)
    both["gain"], both["beside"] = both["last"] - both["first"], both["first"] - both["grade"].astype(int)
    for habit in (absence, missing):
        known = both["student"].map(habit)
        assert both["gain"].corr(known, method="spearman") < -0.1
        assert both["beside"].corr(known, method="spearman") < -0.1


def test_a_month_holds_the_fall_window_and_a_second_one(tmp_path: Path) -> None:
    synthesize(300, 30, date(2025, 8, 18), 3, tmp_path, progress=lambda _: None)
    days = told(tmp_path)["day"]
    with (tmp_path / "codes/assessment_windows.csv").open(encoding="utf-8") as f:
        windows = [(w["first_day"], w["last_day"]) for w in csv.DictReader(f)]
    last = json.loads((tmp_path / "truth.json").read_text())["last_date"]
    seen = [int(days.between(*window).sum()) for window in windows if window[1] <= last]
    assert len(seen) == 2
    assert min(seen) > 300
