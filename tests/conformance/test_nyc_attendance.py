"""New York City's published attendance and chronic absenteeism: each rate that is not suppressed, from its counts, by the arithmetic of our own mart.

The city printed the rule with the data: chronic is an attendance of 90 percent or less, among students with 10 days enrolled or more and 1 present or more.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipelines.lineage.graph import registry
from tests.mart_sql import intervals

DAYS, ABSENT, PRESENT, RATE = "# Total Days", "# Days Absent", "# Days Present", "% Attendance"
JUDGED, CHRONIC, SHARE = "# Contributing 10+ Total Days and 1+ Pres Day", "# Chronically Absent", "% Chronically Absent"
SUPPRESSED = "s"


@pytest.fixture(scope="module")
def published(shared_data: Path) -> pd.DataFrame:
    """Both files, as they were printed: all cells are text."""
    folder = shared_data / "nyc-attendance"
    return pd.concat([pd.read_csv(folder / name, dtype=str, keep_default_na=False) for name in ("All_Students.csv", "Ethnicity.csv")])


def assert_recomputed(rows: pd.DataFrame, indicator: str, over: str, under: str, printed: str) -> None:
    """The city worked in single precision and printed eight digits of it: ours must be within two units of that precision, some seven digits."""
    n, d = rows[over].astype(int), rows[under].astype(int)
    moments = pd.DataFrame({"indicator_id": indicator, "n_subjects": d, "sum_n": n, "sum_d": d, "sum_nn": n, "sum_dd": d, "sum_nd": n})
    ours = 100 * intervals(moments)["value"].to_numpy()
    theirs = rows[printed].astype(float).to_numpy()
    off = np.abs(ours - theirs) > 2 * np.spacing(theirs.astype(np.float32))
    assert not off.any(), f"{off.sum()} of {len(rows)} rates differ:\n{rows[off].head().to_string()}"


def test_every_published_rate_is_its_counts(published: pd.DataFrame) -> None:
    whole = published[(published[[DAYS, ABSENT, PRESENT, RATE]] != SUPPRESSED).all(axis=1)].reset_index(drop=True)
    judged = published[(published[[JUDGED, CHRONIC, SHARE]] != SUPPRESSED).all(axis=1)].reset_index(drop=True)
    assert len(whole) + len(judged) == 29_106, "the files are not those that this test was written for"
    assert (whole[DAYS].astype(int) == whole[ABSENT].astype(int) + whole[PRESENT].astype(int)).all(), "days absent and present are not all the days"
    assert_recomputed(whole, "attendance_rate", PRESENT, DAYS, RATE)
    assert_recomputed(judged, "chronic_absence", CHRONIC, JUDGED, SHARE)


def test_the_rule_is_the_citys_profile_in_the_registry() -> None:
    (city,) = (p for p in registry("indicator_profiles") if (p["indicator_id"], p["profile_id"]) == ("chronic_absence", "city"))
    assert (city["operator"], city["threshold_numerator"], city["threshold_denominator"]) == ("at_least", "1", "10"), "90 percent present is 10 absent"
    assert (city["minimum_denominator"], city["must_have_attended"], city["grain"]) == ("10", "true", "district")


def test_some_suppressed_counts_can_be_had_by_subtraction(published: pd.DataFrame) -> None:
    """What the city hides and yet gives away: why hiding small counts alone is not enough. That it is so is asserted; the values are shown nowhere."""
    known = published[published["Grade"] != "All Grades"]
    of_grades = known.groupby(["District", "Category", "Year"])[CHRONIC].agg(lambda counts: int((counts == SUPPRESSED).sum()))
    totals = published[published["Grade"] == "All Grades"].set_index(["District", "Category", "Year"])[CHRONIC]
    alone = of_grades[of_grades == 1].index.intersection(totals[totals != SUPPRESSED].index)
    assert len(alone) > 0
