"""What was planted in the synthetic district is found again in what it publishes: what the strategy does to missing work, the season in attendance, whom the
survey did not reach, and who reads below others.

Everything is read from the warehouse, as a strategy team would; `truth.json` says what was planted.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from math import log
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from pipelines.synth import synthesize
from tests.districts import TestDistrict

STUDENTS, DAYS, OCTOBER = 1_500, 62, date(2025, 10, 6)  # sixty days on it is January
GROUPS = 50


@dataclass(frozen=True)
class Published:
    """The open mart's figures by school (None: the district) and group, and what was planted."""

    truth: dict[str, Any]
    figures: pd.DataFrame
    weeks_of_missing_work: pd.DataFrame  # by student and school, from the restricted mart

    def of(self, indicator: str, period_type: str) -> pd.DataFrame:
        return self.figures.query("indicator_id == @indicator and period_type == @period_type and group_family == 'all'")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    folder = tmp_path_factory.mktemp("planted") / "district"
    synthesize(STUDENTS, DAYS, OCTOBER, 11, folder, defects=False, progress=lambda _: None)
    district = TestDistrict(folder)
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    assert district.run(date.fromisoformat(truth["last_date"]), OCTOBER).exit_status == 0
    columns = ["school_id", "group_family", "group_value", "indicator_id", "period_type", "period_start", "numerator", "denominator", "ci_low", "ci_high"]
    rows = district.published(f"select {', '.join(columns)} from marts.agg_indicator_values where grade_level is null")
    figures = pd.DataFrame(rows, columns=columns).astype({"numerator": float, "denominator": float})
    with duckdb.connect(str(district.warehouse.with_name("restricted.duckdb")), read_only=True) as db:
        weeks = db.execute(
            """select student_key, school_id, strftime(period_start, '%Y-%m-%d') as week, numerator::double as numerator, denominator::double as denominator
            from marts_restricted.fct_student_indicators where indicator_id = 'missing_work' and period_type = 'week'"""
        ).df()
    return Published(truth, figures, weeks)


def log_odds(weeks: pd.DataFrame, helped: bool, after: bool) -> float:
    """Of missing work, in schools of the strategy or the others, before it began or since."""
    some = weeks[(weeks["helped"] == helped) & (weeks["after"] == after)]
    missing, expected = some["numerator"].sum(), some["denominator"].sum()
    return log(missing / (expected - missing))


def effect(weeks: pd.DataFrame) -> float:
    """By how much the log odds changed more in schools of the strategy than in the others."""
    change = {helped: log_odds(weeks, helped, True) - log_odds(weeks, helped, False) for helped in (True, False)}
    return change[True] - change[False]


def test_the_effect_of_the_strategy_is_in_its_interval(published: Published) -> None:
    """The interval is of students, whose weeks go together: a jackknife that leaves out a fiftieth of them at a time. What was planted lies in it, no effect
    does not.
    """
    strategy = published.truth["strategy"]
    weeks = published.weeks_of_missing_work
    weeks = weeks.assign(helped=weeks["school_id"].isin(strategy["schools"]), after=weeks["week"] >= strategy["start"])
    assert weeks.groupby(["helped", "after"])["denominator"].sum().min() > 1000
    found = effect(weeks)
    group = pd.factorize(weeks["student_key"], sort=True)[0] % GROUPS
    without = np.array([effect(weeks[group != g]) for g in range(GROUPS)])
    error = np.sqrt((GROUPS - 1) / GROUPS * ((without - without.mean()) ** 2).sum())
    reach = stats.t.ppf(0.975, GROUPS - 1) * error
    assert found - reach < log(strategy["missing_odds_ratio"]) < found + reach < 0


def test_attendance_has_its_season(published: Published) -> None:
    months = published.of("attendance_rate", "month")
    months = months[months["school_id"].isna()].set_index(pd.to_datetime(months[months["school_id"].isna()]["period_start"]).dt.strftime("%Y-%m"))
    assert {"2025-10", "2025-12"} <= set(months.index)
    autumn, winter = months.loc["2025-10"], months.loc["2025-12"]
    assert winter["ci_high"] < autumn["ci_low"], "in December more are away, beyond what chance does"


def test_whom_the_survey_did_not_reach(published: Published) -> None:
    """The wave that asks by name: everybody who was asked and everybody who answered, by group; English learners answer less than others, beyond chance."""
    reach = published.figures.query("indicator_id == 'survey_reach' and period_type == 'year_to_date'")
    reach = reach[reach["school_id"].isna()].set_index(["group_family", "group_value"])
    planted = published.truth["survey_reach"]["w3"]
    groups = {"all": ("all", "all"), "EL": ("english_learner", "yes"), "IEP": ("disability", "yes"), "FRL": ("economic_disadvantage", "yes")}
    found = {name: (int(reach.loc[group, "denominator"]), int(reach.loc[group, "numerator"])) for name, group in groups.items()}
    assert found == {name: (planted[name]["asked"], planted[name]["answered"]) for name in groups}
    assert reach.loc[groups["EL"], "ci_high"] < reach.loc[("english_learner", "no"), "ci_low"]


def test_who_learns_english_reads_below_others_beyond_chance(published: Published) -> None:
    """Planted are levels, more of them in reading than in mathematics; found is the share that is proficient at the last benchmark, in two windows so far."""
    below = {area: by["EL"] for area, by in published.truth["levels_below_others"].items()}
    assert below["reading"] > below["mathematics"] > 0
    found = {}
    for area in below:
        rows = published.figures.query(f"indicator_id == 'proficient_formative_{area}' and group_family == 'english_learner'")
        found[area] = rows[rows["school_id"].isna()].set_index("group_value")
    assert found["reading"].loc["yes", "ci_high"] < found["reading"].loc["no", "ci_low"]
    rates = {area: rows["numerator"] / rows["denominator"] for area, rows in found.items()}
    assert rates["reading"]["no"] - rates["reading"]["yes"] > rates["mathematics"]["no"] - rates["mathematics"]["yes"]
