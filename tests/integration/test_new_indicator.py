"""The recipe of CONTRIBUTING.md, done: an indicator of what is measured already is rows of the registry and nothing else, and it is in every mart, report
and check.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from tests.districts import TestDistrict, make_district

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("pipelines", "dbt_project", "expectations")
SHARE = {
    "indicator_id": "days_missed_share", "indicator_name": "Days missed", "stage": "1", "rollup": "sum", "numerator_measure": "days_absent",
    "denominator_measure": "days_enrolled", "direction": "lower_is_better", "unit": "share of days", "value_kind": "share", "numerator_words": "days absent",
    "denominator_words": "days enrolled", "description": "Of the days on which students were enrolled and attendance is known, the share that they missed.",
}  # fmt: skip
FLAG = {
    **SHARE, "indicator_id": "often_absent", "indicator_name": "Often absent", "rollup": "flag_of_total", "unit": "share of students",
    "value_kind": "share_of_people", "numerator_words": "students who missed the share of their days", "denominator_words": "students enrolled long enough",
    "flag_words": "Missed {n} of {d} days so far this year; the line is {line}.", "not_yet_words": "Not judged yet: {d} days; judged from {least} on.",
    "description": "The share of students who missed a fortieth of their days or more.",
}  # fmt: skip
STANDARD = {
    "profile_id": "standard", "version": "1", "is_reference": "true", "authority": "Example", "minimum_denominator": "0", "must_have_attended": "false",
    "grain": "school", "membership_rule": "on_the_day", "leaver_rule": "counted", "source": "a recipe", "description": "As an example.",
}  # fmt: skip
JUDGED = {**STANDARD, "operator": "at_least", "threshold_denominator": "40", "minimum_denominator": "10", "grain": "district", "membership_rule": "last_day"}
PROFILES = [
    {**STANDARD, "indicator_id": "days_missed_share"},
    {**JUDGED, "indicator_id": "often_absent", "profile_id": "a_fortieth", "threshold_numerator": "1"},
    {**JUDGED, "indicator_id": "often_absent", "profile_id": "a_tenth", "threshold_numerator": "4", "is_reference": "false"},
]
NEW = ("days_missed_share", "often_absent")


def add_rows(seed: Path, rows: Sequence[dict[str, str]]) -> None:
    with seed.open(newline="", encoding="utf-8") as f:
        header = next(csv.reader(f))
    assert all(set(row) <= set(header) for row in rows)
    with seed.open("a", newline="", encoding="utf-8") as f:
        csv.DictWriter(f, header, restval="", lineterminator="\n").writerows(rows)


@dataclass(frozen=True)
class Recipe:
    """A copy of the project with the new rows, and a district that it ran."""

    tree: Path
    district: TestDistrict

    def throughline(self, *arguments: str) -> str:
        """A command of the copy, in a process of its own. Returns what it printed."""
        command = [sys.executable, "-c", "from pipelines.cli import main; main()", *arguments, "--district", str(self.district.folder)]
        environment = {**os.environ, "PYTHONPATH": str(self.tree), "COLUMNS": "200"}
        ran = subprocess.run(command, cwd=self.tree, env=environment, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    tree = tmp_path_factory.mktemp("project")
    for part in PARTS:
        shutil.copytree(ROOT / part, tree / part, ignore=shutil.ignore_patterns("__pycache__", "target", "logs"))
    shutil.copy(ROOT / "dagster.yaml", tree)
    add_rows(tree / "dbt_project/seeds/indicators.csv", [SHARE, FLAG])
    add_rows(tree / "dbt_project/seeds/indicator_profiles.csv", PROFILES)
    district = make_district(tmp_path_factory.mktemp("recipe") / "district", students=150, days=14)
    done = Recipe(tree, district)
    last = json.loads((district.folder / "truth.json").read_text(encoding="utf-8"))["last_date"]
    figures = json.loads(done.throughline("run", "--date", last, "--json"))["figures"]
    assert set(NEW) <= {f["indicator_id"] for f in figures}
    return done


def test_nothing_but_rows_was_added(recipe: Recipe) -> None:
    files = {p.relative_to(ROOT) for part in PARTS for p in (ROOT / part).rglob("*") if p.is_file() and not {"target", "logs", "__pycache__"} & set(p.parts)}
    changed = {str(f) for f in files if (ROOT / f).read_bytes() != (recipe.tree / f).read_bytes()}
    assert changed == {"dbt_project/seeds/indicators.csv", "dbt_project/seeds/indicator_profiles.csv"}


def test_the_share_is_what_the_attendance_rate_leaves_in_every_cell(recipe: Recipe) -> None:
    cell = ("school_id", "grade_level", "group_family", "group_value", "period_type", "period_start")
    same = " and ".join(f"n.{c} is not distinct from a.{c}" for c in cell)
    sql = f"""
        select n.numerator + a.numerator = a.denominator and n.denominator = a.denominator and abs(n.value + a.value - 1) < 1e-11
        from (select * from marts.agg_indicator_values where indicator_id = 'days_missed_share') n
        full join (select * from marts.agg_indicator_values where indicator_id = 'attendance_rate') a on {same}"""
    found = Counter(holds for (holds,) in recipe.district.query(sql))
    assert set(found) == {True}
    assert found[True] > 1000


def test_the_flag_is_counted_again_from_the_days_of_each_student(recipe: Recipe) -> None:
    days = recipe.district.query(
        """select student_key, numerator, denominator from marts.fct_student_indicators
        where indicator_id = 'chronic_absence' and profile_id = 'district' and school_id is null and period_type = 'year_to_date'"""
    )
    judged = [(n, d) for _, n, d in days if d >= 10]
    expected = {
        "a_fortieth": (sum(40 * n >= d for n, d in judged), len(judged)),
        "a_tenth": (sum(10 * n >= d for n, d in judged), len(judged)),
    }
    found = recipe.district.query(
        """select profile_id, numerator, denominator from marts.agg_indicator_values
        where indicator_id = 'often_absent' and school_id is null and grade_level is null and group_family = 'all' and period_type = 'year_to_date'"""
    )
    assert {p: (n, d) for p, n, d in found} == expected
    assert 0 < expected["a_tenth"][0] < expected["a_fortieth"][0] < len(judged)
    reasons = recipe.district.query("select distinct flag_reason from marts.fct_student_indicators where indicator_id = 'often_absent' and flag")
    assert all(" days so far this year; the line is " in reason for (reason,) in reasons)


def test_it_is_published_in_every_mart_with_a_verdict(recipe: Recipe) -> None:
    files = {"throughline.duckdb": "marts.agg_indicator_values", "restricted.duckdb": "marts_restricted.fct_student_indicators"}
    for file, mart in files.items():
        with duckdb.connect(str(recipe.district.warehouse.with_name(file)), read_only=True) as db:
            there = db.execute(f"select distinct indicator_id from {mart} where quality_status = 'ok'").fetchall()
        assert set(NEW) <= {i for (i,) in there}, mart
    compared = recipe.district.published("select distinct profile_id from marts.rpt_indicator_profile_comparison where indicator_id = 'often_absent'")
    assert sorted(compared) == [("a_fortieth",), ("a_tenth",)]
    verdicts = recipe.district.published(f"select distinct indicator_id, verdict from operations.verdicts where indicator_id in {NEW}")
    assert sorted(verdicts) == [(i, "pass") for i in NEW]


def test_it_is_explained_shown_and_traced(recipe: Recipe) -> None:
    for indicator, profile, name in zip(NEW, ("standard", "a_tenth"), ("Days missed", "Often absent"), strict=True):
        assert name in recipe.throughline("explain", indicator)
        figure = f"agg_indicator_values:indicator_id={indicator},profile_id={profile},group_family=gender,group_value=female"
        assert name in recipe.throughline("trace", figure)  # which fails where its rows do not add up to the figure
