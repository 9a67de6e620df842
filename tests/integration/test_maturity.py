"""Weekly figures kept as people saw them 7, 14 and 28 days after the week: a late correction changes the figure and not what was known, and no hash."""

from __future__ import annotations

import csv
import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from pipelines.cli import cli
from tests.districts import START
from tests.nights import Night, make

WEEK = START  # 18 to 24 August
ENDS = WEEK + timedelta(days=6)
DISTRICT = "indicator_id = 'attendance_rate' and school_id is null and grade_level is null and group_family = 'all'"
KEPT = "from marts.agg_indicator_values_kept"


def kept(night: Night, week: date = WEEK) -> dict[int, tuple[date, float]]:
    """The district's attendance rate of a week, by age: on which day it was known so, and what it was."""
    found = night.published(f"select kept_at_days, known_on, value {KEPT} where {DISTRICT} and period_start = date '{week}'")
    return {age: (known, value) for age, known, value in found}


def now(night: Night, week: date = WEEK) -> float:
    ((value,),) = night.published(f"select value from marts.agg_indicator_values where {DISTRICT} and period_type = 'week' and period_start = date '{week}'")
    return float(value)


def weeks(night: Night, week: date = WEEK) -> dict[int, tuple[date | None, str]]:
    return {a: (on, said) for a, on, said in night.published(f"select kept_at_days, known_on, words from operations.kept_weeks where period_start = '{week}'")}


def correct(night: Night, day: date, on: date, n: int) -> None:
    """A correction of a day's attendance that comes later: the first `n` who were present were absent."""
    with (night.landing / "attendance" / f"attendance_{day}.csv").open(encoding="utf-8", newline="") as f:
        rows = [r for r in csv.DictReader(f) if r["Code"] == "P"][:n]
    with (night.landing / "attendance" / f"corrections_{on}.csv").open("w", encoding="utf-8", newline="") as f:
        writer = csv.DictWriter(f, rows[0])
        writer.writeheader()
        writer.writerows({**r, "Code": "A"} for r in rows)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Night:
    return make(tmp_path_factory.mktemp("maturity") / "district", 120, 16)


@pytest.mark.prove
def test_what_was_known_at_an_age_stays_what_it_was(clean: Night, tmp_path: Path) -> None:
    night = Night(clean.copy(tmp_path / "d").folder)
    day = ENDS + timedelta(days=5)  # a Friday: within the days before seven, and nothing is published on the weekend
    night.run(day, START)
    seen = now(night)
    assert kept(night) == {7: (day, seen)}
    assert weeks(night) == {7: (day, "kept")}
    # a correction comes on Monday: the figure is another one, and what was known of it at seven days is not
    monday = ENDS + timedelta(days=8)
    correct(night, WEEK, monday, 20)
    night.run(monday)
    assert now(night) < seen - 0.01
    assert kept(night) == {7: (day, seen)}
    # the next week is not of an age yet; the one before is fourteen days old, or nearly, with the correction, and the later night takes the earlier one's place
    for after in (11, 12):
        night.run(ENDS + timedelta(days=after))
        assert kept(night) == {7: (day, seen), 14: (ENDS + timedelta(days=after), now(night))}
    # seven days old are both weeks now, and the change is of what was known of each at that age
    second = WEEK + timedelta(days=7)
    ((value, before, change, why),) = night.published(
        f"select value, week_before_value, week_before_change, week_before_why_not {KEPT} where {DISTRICT} and period_start = '{second}' and kept_at_days = 7"
    )
    assert (value, before, why) == (now(night, second), seen, None)
    assert change == pytest.approx(value - before)
    shown = night.published(f"select suppression, n_subjects, value {KEPT}")
    assert {hidden for hidden, n, v in shown if n is None and v is None} == {"primary"}
    assert all(n >= 10 for hidden, n, _ in shown if hidden == "none")

    # another district takes all of it in one go: the same content, and nothing is made up of what was known when
    at_once = Night(clean.copy(tmp_path / "at-once").folder)
    correct(at_once, WEEK, monday, 20)
    at_once.run(ENDS + timedelta(days=12), START)
    assert at_once.hashes() == night.hashes()
    assert kept(at_once) == {14: (ENDS + timedelta(days=12), now(at_once))}
    assert weeks(at_once)[7] == (None, f"not kept: nothing was published from {ENDS + timedelta(days=4)} to {ENDS + timedelta(days=7)}")
    ((change, why),) = at_once.published(
        f"select week_before_change, week_before_why_not {KEPT} where {DISTRICT} and period_start = '{second}' and kept_at_days = 7"
    )
    assert (change, why) == (None, "that week was not kept at 7 days")

    _survives(night)


def _survives(night: Night) -> None:
    """A look back, and a build from nothing, lose nothing of what was known: each part is taken from whichever of warehouse and build has it later."""
    everything = f"select * exclude (publication_id, data_as_of, quality_status) {KEPT} order by all"
    before = night.published(everything)
    first = min(p.name for p in (night.warehouse.parent / "versions").iterdir())
    result = CliRunner().invoke(cli, ["publications", "rollback", first, "--district", str(night.folder)])
    assert result.exit_code == 0, result.output
    assert len(night.published(everything)) < len(before)
    night.run(ENDS + timedelta(days=12))
    assert night.published(everything) == before
    shutil.rmtree(night.build.parent)
    night.run(ENDS + timedelta(days=12))
    assert night.published(everything) == before
