"""A zero is a score, or missing work where a school's settings say so: figures with and without the setting equal the files worked out again."""

from __future__ import annotations

import csv
import io
import json
import shutil
import zipfile
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from tests.districts import START
from tests.integration.test_figures import assert_equal, built
from tests.nights import Night, make
from tests.oracle import CELL, Oracle

SCHOOL = "110"
WORK = ["assignment_completion", "missing_work", "weighted_missing_work", "on_time_work", "late_work", "d_f_rate"]


def plant_zeros(landing: Path) -> int:
    """Every seventh score in the files becomes a zero, of whatever status; gives how many."""
    n = 0
    for path in sorted(landing.glob("oneroster/*/*.zip")):
        with zipfile.ZipFile(path) as package:
            files = {name: package.read(name) for name in package.namelist()}
        if "results.csv" not in files:
            continue
        reader = csv.DictReader(io.StringIO(files["results.csv"].decode("utf-8")))
        rows = list(reader)
        for row in rows:
            if row["score"] and int(row["sourcedId"].strip("r") or 0) % 7 == 0:
                row["score"] = "0"
                n += 1
        text = io.StringIO()
        writer = csv.DictWriter(text, reader.fieldnames or [], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        files["results.csv"] = text.getvalue().encode()
        with zipfile.ZipFile(path, "w") as package:
            for name, data in files.items():
                package.writestr(name, data)
    return n


def figures(night: Night) -> tuple[pd.DataFrame, pd.DataFrame]:
    values = built(night, "agg_indicator_values", CELL)
    for column in ("numerator", "denominator"):
        values[column] = values[column].astype(float)
    expected = Oracle(night.folder, night.last_date.isoformat()).values()
    return values[values["indicator_id"].isin(WORK)], expected[expected["indicator_id"].isin(WORK)]


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    night = make(tmp_path_factory.mktemp("zeros") / "district", 150, 12, seed=5)
    assert plant_zeros(night.landing) > 50
    assert night.run(night.last_date, START).exit_status == 0
    return night


def missing(values: pd.DataFrame, school: str) -> float:
    one = values[(values["indicator_id"] == "missing_work") & (values["school_id"] == school) & (values["grade_level"] == "")
                 & (values["group_family"] == "all") & (values["period_type"] == "year_to_date")]  # fmt: skip
    return float(one["numerator"].sum())


def test_without_the_setting_a_zero_is_a_score(night: Night) -> None:
    values, expected = figures(night)
    assert_equal(values, expected, CELL, ["numerator", "denominator", "n_subjects"])


def test_the_setting_builds_anew_and_a_zero_of_the_school_is_missing(night: Night, tmp_path: Path) -> None:
    before, _ = figures(night)
    schools = set(before["school_id"]) - {"", SCHOOL}
    shutil.copytree(night.folder, tmp_path / "d", symlinks=True)
    there = Night(tmp_path / "d")
    with (there.folder / "district.toml").open("a", encoding="utf-8") as f:
        f.write(f"\n[gradebook]\nzero_is_missing = {json.dumps([SCHOOL])}\n")
    there.run(date.fromisoformat(night.last_date.isoformat()))
    values, expected = figures(there)
    assert_equal(values, expected, CELL, ["numerator", "denominator", "n_subjects"])
    assert missing(values, SCHOOL) > missing(before, SCHOOL)
    assert all(missing(values, s) == missing(before, s) for s in schools)
    fresh = Night(tmp_path / "fresh")
    shutil.copytree(there.folder, fresh.folder, ignore=shutil.ignore_patterns("data"))
    fresh.run(night.last_date, START)
    assert fresh.hashes() == there.hashes()
