"""Do the published intervals cover? Students differ from one another, cluster in schools, and are there for more or fewer days.

A district is drawn many times. Its schools are what they are (each has its own students, drawn anew); the truth is the rate that students like
these would show in these schools. Were other schools drawn as well, no interval over students could know it, and none is claimed to.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from tests.mart_sql import intervals

pytestmark = pytest.mark.prove
Z = 1.959963984540054
DRAWS = {12: 6000, 40: 4000, 200: 2500, 2000: 1200}
MOBILE = 0.15  # of students are mobile: there for fewer days, and present on fewer of them


@dataclass(frozen=True)
class Setting:
    students: int
    rate: float
    schools: int
    concentration: float  # of the beta from which a student's propensity is drawn: small = students differ much

    @property
    def name(self) -> str:
        return f"{self.students:>5} students {self.schools:>2} schools rate {self.rate:.2f} concentration {self.concentration:>4.0f}"


SETTINGS = [
    Setting(students, rate, schools, concentration)
    for students, schools in ((12, 1), (40, 1), (40, 4), (200, 4), (2000, 4), (2000, 10))
    for rate in (0.5, 0.8, 0.93)
    for concentration in (4.0, 20.0)
]


def draw(setting: Setting, draws: int, rng: np.random.Generator) -> tuple[pd.DataFrame, np.ndarray]:
    """Moments of `draws` districts, and each one's truth."""
    schools = 1 / (1 + np.exp(-(math.log(setting.rate / (1 - setting.rate)) + rng.normal(0, 0.35, (draws, setting.schools)))))
    school = np.arange(setting.students) % setting.schools
    mean = schools[:, school]
    mobile = rng.random((draws, setting.students)) < MOBILE
    mean = np.where(mobile, mean * 0.9, mean)
    days = np.where(mobile, rng.integers(5, 31, mean.shape), rng.integers(50, 61, mean.shape))
    propensity = rng.beta(mean * setting.concentration, (1 - mean) * setting.concentration)
    present = rng.binomial(days, propensity)
    mobile_days, settled_days = MOBILE * 17.5, (1 - MOBILE) * 55
    share = np.bincount(school, minlength=setting.schools) / setting.students
    truth = (schools * share).sum(axis=1) * (mobile_days * 0.9 + settled_days) / (mobile_days + settled_days)
    n, d = present.astype(np.int64), days.astype(np.int64)
    moments = pd.DataFrame({
        "indicator_id": "assignment_completion", "n_subjects": setting.students, "sum_n": n.sum(axis=1), "sum_d": d.sum(axis=1),
        "sum_nn": (n * n).sum(axis=1), "sum_dd": (d * d).sum(axis=1), "sum_nd": (n * d).sum(axis=1),
    })  # fmt: skip
    return moments, truth


def pooled_wilson(moments: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """The interval that takes every day for a person of its own."""
    n = moments["sum_d"].astype(float)
    p = moments["sum_n"] / n
    centre, half = (p + Z * Z / (2 * n)) / (1 + Z * Z / n), Z * np.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n)) / (1 + Z * Z / n)
    return centre - half, centre + half


@pytest.fixture(scope="module")
def coverage(say: Callable[[str], None]) -> pd.DataFrame:
    """The table of coverage, printed as well."""
    rows = []
    for k, setting in enumerate(SETTINGS):
        rng = np.random.default_rng([20260914, k])
        moments, truth = draw(setting, DRAWS[setting.students], rng)
        found = intervals(moments)
        low, high = pooled_wilson(moments)
        rows.append({
            "setting": setting.name, "students": setting.students, "rate": setting.rate, "draws": len(truth),
            "covered": ((found["ci_low"] <= truth) & (truth <= found["ci_high"])).mean(),
            "below": (found["ci_high"] < truth).mean(), "above": (truth < found["ci_low"]).mean(),
            "width": (found["ci_high"] - found["ci_low"]).mean(),
            "pooled_wilson": ((low <= truth) & (truth <= high)).mean(),
        })  # fmt: skip
    table = pd.DataFrame(rows)
    say(table.drop(columns=["students", "rate"]).to_string(index=False, float_format="{:.3f}".format))
    return table


def test_there_are_enough_draws_to_say_anything(coverage: pd.DataFrame) -> None:
    assert coverage["draws"].sum() >= 10_000
    assert (coverage["draws"] >= 1000).all()


def test_the_interval_covers_near_its_nominal_rate(coverage: pd.DataFrame) -> None:
    off = coverage[(coverage["students"] >= 40) & ~coverage["covered"].between(0.93, 0.985)]
    assert off.empty, f"\n{off.to_string(index=False)}"


def test_with_twelve_students_it_does_not_mislead_badly(coverage: pd.DataFrame) -> None:
    """Twelve people say little about the tail of a rate of 93 percent: what is promised there is less, and the table says how much."""
    off = coverage[(coverage["students"] < 40) & ~coverage["covered"].between(0.90, 0.985)]
    assert off.empty, f"\n{off.to_string(index=False)}"


def test_a_pooled_wilson_interval_would_fail(coverage: pd.DataFrame) -> None:
    assert (coverage["pooled_wilson"] < 0.85).all(), f"\n{coverage[['setting', 'pooled_wilson']].to_string(index=False)}"


@pytest.mark.parametrize("students", [40, 200, 2000])
@pytest.mark.parametrize("rate", [0.05, 0.2, 0.5])
def test_wilson_covers_where_people_are_counted_once(students: int, rate: float) -> None:
    """A flag of each student, chances differing by school: never far below nominal (what differs between schools only narrows a binomial)."""
    rng = np.random.default_rng([7, students, int(rate * 100)])
    schools = 1 / (1 + np.exp(-(math.log(rate / (1 - rate)) + rng.normal(0, 0.35, (4000, 4)))))
    chances = schools[:, np.arange(students) % 4]
    flagged = (rng.random(chances.shape) < chances).sum(axis=1)
    found = intervals(pd.DataFrame({
        "indicator_id": "chronic_absence", "n_subjects": students, "sum_n": flagged, "sum_d": students, "sum_nn": flagged, "sum_dd": students,
        "sum_nd": flagged,
    }))  # fmt: skip
    covered = ((found["ci_low"] <= schools.mean(axis=1)) & (schools.mean(axis=1) <= found["ci_high"])).mean()
    assert 0.93 <= covered <= 0.985, covered


# What a mean is of: averages of marks lie close together and lean a little; days lost are none for most, and many for few.
MEANS = {
    "grade points": lambda rng, size: np.floor(4000 * rng.beta(5, 2.2, size) + 0.5),
    "days lost, one in three has some": lambda rng, size: 1000 * (rng.random(size) < 1 / 3) * rng.geometric(0.4, size),
    "days lost, one in twenty has some": lambda rng, size: 1000 * (rng.random(size) < 0.05) * rng.geometric(0.4, size),
}
TRUTHS = {"grade points": 4000 * 5 / 7.2, "days lost, one in three has some": 1000 / 3 / 0.4, "days lost, one in twenty has some": 1000 * 0.05 / 0.4}


@pytest.fixture(scope="module")
def coverage_of_means(say: Callable[[str], None]) -> pd.DataFrame:
    """The table of coverage of means, printed as well. Where all are alike there is no interval, and no draw to count."""
    rows = []
    for k, (name, draw_people) in enumerate(MEANS.items()):
        for students, draws in DRAWS.items():
            n = draw_people(np.random.default_rng([20260915, k, students]), (draws, students)).astype(np.int64)
            moments = pd.DataFrame({
                "indicator_id": "days_lost_out_of_school", "n_subjects": students, "sum_n": n.sum(axis=1), "sum_d": students, "sum_nn": (n * n).sum(axis=1),
                "sum_dd": students, "sum_nd": n.sum(axis=1),
            })  # fmt: skip
            found = intervals(moments)
            found = found[found["ci_method"] == "t_people"]
            truth = TRUTHS[name] / 1000
            rows.append({
                "people": name, "students": students, "draws": draws, "with_interval": len(found) / draws,
                "covered": ((found["ci_low"] <= truth) & (truth <= found["ci_high"])).mean(),
                "below": (found["ci_high"] < truth).mean(), "above": (truth < found["ci_low"]).mean(),
            })  # fmt: skip
    table = pd.DataFrame(rows)
    say(table.to_string(index=False, float_format="{:.3f}".format))
    return table


def test_the_interval_of_a_mean_covers_where_people_are_many_or_lie_close_together(coverage_of_means: pd.DataFrame) -> None:
    of = coverage_of_means
    kept = of[(of["people"] == "grade points") | (of["students"] >= 200) & (of["people"] == "days lost, one in three has some") | (of["students"] >= 2000)]
    off = kept[~kept["covered"].between(0.93, 0.97)]
    assert off.empty, f"\n{off.to_string(index=False)}"


def test_of_few_people_most_of_whom_have_none_it_promises_less(coverage_of_means: pd.DataFrame) -> None:
    """Where few have any, a small group's interval tends to end too low: the table says how often."""
    of = coverage_of_means[(coverage_of_means["people"] != "grade points") & (coverage_of_means["students"] >= 40)]
    off = of[~of["covered"].between(0.80, 0.97)]
    assert off.empty, f"\n{off.to_string(index=False)}"
    assert (of["above"] < 0.03).all(), "it does not end too high"
