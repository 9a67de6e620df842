"""The published interval: Wilson against known values, Student's t against scipy, and what happens at the edges."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.mart_sql import PROJECT, intervals

PERSON_SHARE, RATIO, MEAN = "chronic_absence", "assignment_completion", "days_lost_out_of_school"


def people(indicator: str, numerators: list[int], denominators: list[int]) -> dict[str, object]:
    """One cell's moments over people."""
    n, d = np.array(numerators, dtype=np.int64), np.array(denominators, dtype=np.int64)
    return {
        "indicator_id": indicator, "n_subjects": len(n), "sum_n": int(n.sum()), "sum_d": int(d.sum()),
        "sum_nn": int((n * n).sum()), "sum_dd": int((d * d).sum()), "sum_nd": int((n * d).sum()),
    }  # fmt: skip


def test_wilson_gives_the_published_test_vectors() -> None:
    vectors = {(0, 10): (0, 0.277533), (8, 10): (0.490162, 0.943318), (1, 30): (0.005909, 0.166704),
               (18, 120): (0.097038, 0.224675), (50, 500): (0.076678, 0.129422)}  # fmt: skip
    found = intervals(pd.DataFrame([people(PERSON_SHARE, [1] * k + [0] * (n - k), [1] * n) for k, n in vectors]))
    assert set(found["ci_method"]) == {"wilson"}
    assert found["ci_low"].tolist() == pytest.approx([low for low, _ in vectors.values()], abs=1e-6)
    assert found["ci_high"].tolist() == pytest.approx([high for _, high in vectors.values()], abs=1e-6)
    for (k, n), low, high in zip(vectors, found["ci_low"], found["ci_high"], strict=True):
        reference = stats.binomtest(k, n).proportion_ci(0.95, "wilson")
        assert (low, high) == pytest.approx((reference.low, reference.high), abs=1e-8)


def test_the_t_quantiles_are_those_of_scipy() -> None:
    table = pd.read_csv(PROJECT / "seeds/t_quantiles.csv")
    assert table["degrees_of_freedom"].tolist() == list(range(1, 201))
    assert table["t_975"].to_numpy() == pytest.approx(stats.t.ppf(0.975, table["degrees_of_freedom"]), abs=1e-8)


def test_a_ratio_over_people_has_the_linearised_variance_and_students_t() -> None:
    numerators, denominators = [8, 10, 3, 9, 20, 0, 7], [10, 10, 6, 11, 20, 4, 9]
    found = intervals(pd.DataFrame([people(RATIO, numerators, denominators)])).iloc[0]
    n, d = np.array(numerators, dtype=float), np.array(denominators, dtype=float)
    rate = n.sum() / d.sum()
    error = math.sqrt(len(n) / (len(n) - 1) * ((n - rate * d) ** 2).sum()) / d.sum()
    half = stats.t.ppf(0.975, len(n) - 1) * error / (rate * (1 - rate))
    low, high = (1 / (1 + math.exp(-(math.log(rate / (1 - rate)) + sign * half))) for sign in (-1, 1))
    assert found["ci_method"] == "clustered_logit"
    assert (found["value"], found["ci_low"], found["ci_high"]) == pytest.approx((rate, low, high), abs=1e-8)


def test_when_everyone_agrees_people_are_counted_and_not_their_assignments() -> None:
    cells = [people(RATIO, [50] * 12, [50] * 12), people(RATIO, [0] * 12, [50] * 12), people(RATIO, [45] * 12, [50] * 12)]
    found = intervals(pd.DataFrame(cells))
    assert set(found["ci_method"]) == {"wilson_people"}
    for k, row in zip((12, 0, 10.8), found.itertuples(), strict=True):
        share, z = k / 12, stats.norm.ppf(0.975)
        centre = (share + z * z / 24) / (1 + z * z / 12)
        half = z * math.sqrt(share * (1 - share) / 12 + z * z / 576) / (1 + z * z / 12)
        assert (row.ci_low, row.ci_high) == pytest.approx((max(0, centre - half), min(1, centre + half)), abs=1e-8)


@pytest.mark.parametrize("numerators", [[0, 0, 1500, 0, 3000, 500, 0], [0] * 40 + [10_000], [2000, 2001], [1000, 0] * 200])
def test_a_mean_has_students_t_over_people_and_does_not_end_below_nothing(numerators: list[int]) -> None:
    """Days lost, in thousandths of a day: against the textbook's interval of a mean."""
    found = intervals(pd.DataFrame([people(MEAN, numerators, [1] * len(numerators))])).iloc[0]
    days = np.array(numerators) / 1000
    freedom = min(len(days) - 1, 200)  # the table ends there: a hair wider than it need be
    half = stats.t.ppf(0.975, freedom) * days.std(ddof=1) / math.sqrt(len(days))
    assert found["ci_method"] == "t_people"
    assert (float(found["numerator"]), float(found["denominator"])) == (sum(numerators) / 1000, len(days))
    assert (found["value"], found["ci_low"], found["ci_high"]) == pytest.approx((days.mean(), max(0, days.mean() - half), days.mean() + half), abs=1e-8)


@pytest.mark.parametrize("numerators", [[-500, 0, 1500, 250], [-2000, -1000, -1500], [0, 1, 0]])
def test_a_mean_of_changes_may_end_below_nothing(numerators: list[int]) -> None:
    found = intervals(pd.DataFrame([people("level_gain_reading", numerators, [1] * len(numerators))])).iloc[0]
    levels = np.array(numerators) / 1000
    half = stats.t.ppf(0.975, len(levels) - 1) * levels.std(ddof=1) / math.sqrt(len(levels))
    assert found["ci_method"] == "t_people"
    assert (found["value"], found["ci_low"], found["ci_high"]) == pytest.approx((levels.mean(), levels.mean() - half, levels.mean() + half), abs=1e-8)
    assert found["ci_low"] < 0


@pytest.mark.parametrize("numerators", [[0] * 12, [1500] * 12, [4000], [1], [3333] * 100_000])
def test_a_mean_of_people_who_are_all_alike_or_of_one_has_no_interval(numerators: list[int]) -> None:
    found = intervals(pd.DataFrame([people(MEAN, numerators, [1] * len(numerators))])).iloc[0]
    assert (found["value"], found["ci_method"]) == (numerators[0] / 1000, "none")
    assert pd.isna(found["ci_low"])
    assert pd.isna(found["ci_high"])


def test_one_person_gives_a_value_and_no_interval() -> None:
    found = intervals(pd.DataFrame([people(RATIO, [3], [4])])).iloc[0]
    assert found["value"] == 0.75
    assert found["ci_method"] == "none"
    assert pd.isna(found["ci_low"])
    assert pd.isna(found["ci_high"])
