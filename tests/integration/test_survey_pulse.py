"""A pulse of every week through the nightly job: each week has its own values, and what is corrected or taken back leaves the other weeks as they were."""

from __future__ import annotations

import csv
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

from tests.nights import Night, make
from tests.surveys import ITEM_COLUMNS, as_csv, item

WEEKS = (date(2025, 8, 18), date(2025, 8, 25), date(2025, 9, 1))  # Mondays
AFTER = date(2025, 9, 8)
VALUE = {"Strongly disagree": 1, "Disagree": 2, "Neither agree nor disagree": 3, "Agree": 4, "Strongly agree": 5}
KNOWS, TALKS, LIKES = "An adult here knows me well", "I can talk to an adult here", "I like it here"
CONNECTION = (KNOWS, TALKS)
SETTINGS = """
[[sources]]
id = "weekly_{k}"
format = "google_forms"
path = "weekly/{week}_*.csv"
date_formats = {{ answered_on = "%m/%d/%Y %H:%M:%S" }}
[sources.survey]
survey_id = "weekly"
wave_id = "{week}"
school_column = "School"
"""
Answers = list[dict[str, str]]


def answers(week: date, seed: int, n: int) -> Answers:
    """`n` lines of one week's export."""
    rng = random.Random(seed)
    stamp = f"{week.month}/{week.day + 1}/{week.year} 9:00:00"
    said = [*VALUE, "Agree", "Strongly agree", ""]
    return [{"Timestamp": stamp, "School": rng.choice(["100", "110"]), **{t: rng.choice(said) for t in (KNOWS, TALKS, LIKES)}} for _ in range(n)]


@dataclass
class Pulse:
    """A district without surveys of its own, and the last word of each week's file."""

    night: Night
    files: dict[date, Answers]

    def put(self, week: date, lands: date, lines: Answers) -> None:
        self.files[week] = lines
        path = self.night.landing / "weekly" / f"{week}_{lands}.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_text(as_csv([list(lines[0]), *(list(line.values()) for line in lines)]), encoding="utf-8")

    def by_week(self, indicator: str) -> dict[date, tuple[float, float, int]]:
        """The district's figures of the weeks: numerator, denominator, responses."""
        found = self.night.query(
            f"""select period_start, numerator::double, denominator::double, n_subjects from marts.agg_indicator_values where indicator_id = '{indicator}'
                and period_type = 'week' and school_id is null and grade_level is null and group_family = 'all'"""
        )
        return {week: (n, d, m) for week, n, d, m in found}

    def expected(self, of_response: Callable[[dict[str, str]], tuple[float, float] | None]) -> dict[date, tuple[float, float, int]]:
        found = {}
        for week, lines in self.files.items():
            each = [one for line in lines if (one := of_response(line))]
            found[week] = (sum(n for n, _ in each), sum(d for _, d in each), len(each))
        return found


def connection(line: dict[str, str]) -> tuple[float, float] | None:
    said = [VALUE[line[t]] for t in CONNECTION if line[t]]
    return (float(all(v >= 4 for v in said)), 1.0) if said else None


def pooled(line: dict[str, str]) -> tuple[float, float] | None:
    said = [VALUE[line[t]] for t in (KNOWS, TALKS, LIKES) if line[t]]
    return (float(sum(v >= 4 for v in said)), float(len(said))) if said else None


def scale_mean(line: dict[str, str]) -> tuple[float, float] | None:
    said = [VALUE[line[t]] for t in CONNECTION if line[t]]
    return (sum(said) / len(said), 1.0) if said else None  # one of the two is half of them


@pytest.fixture(scope="module")
def pulse(tmp_path_factory: pytest.TempPathFactory) -> Any:
    night = make(tmp_path_factory.mktemp("pulse") / "district", 80, 16)
    for path in (night.landing / "survey").glob("*.csv"):
        path.unlink()
    with (night.folder / "district.toml").open("a", encoding="utf-8") as f:
        f.write("".join(SETTINGS.format(k=k, week=week) for k, week in enumerate(WEEKS)))
    with (night.folder / "codes/survey_items.csv").open(newline="", encoding="utf-8") as f:
        old = [[row.get(c, {"occurrence": "1", "kind": "single"}.get(c, "")) for c in ITEM_COLUMNS] for row in csv.DictReader(f)]
    adults = [item(t, survey="weekly", construct="known_by_adult", also_in="trust connection") for t in CONNECTION]
    rows = [*old, *adults, item(LIKES, survey="weekly", construct="liking")]
    (night.folder / "codes/survey_items.csv").write_text(as_csv([ITEM_COLUMNS, *rows]), encoding="utf-8")
    return Pulse(night, {})


def assert_weeks(pulse: Pulse) -> None:
    assert pulse.by_week("connection") == pulse.expected(connection)
    assert pulse.by_week("survey_favorable") == pulse.expected(pooled)
    found, expected = pulse.by_week("known_by_adult_scale_mean"), pulse.expected(scale_mean)
    assert {w: v[1:] for w, v in found.items()} == {w: v[1:] for w, v in expected.items()}
    assert all(abs(found[w][0] - expected[w][0]) < 1e-9 for w in expected), "halves have no third decimal"


def test_each_week_has_its_own_value_as_it_comes(pulse: Pulse) -> None:
    for k, week in enumerate(WEEKS):
        pulse.put(week, week.replace(day=week.day + 2), answers(week, k, 40 + k))
        pulse.night.run(week.replace(day=week.day + 2), week)
        assert_weeks(pulse)
    values = {n / d for n, d, _ in pulse.by_week("connection").values()}
    assert len(values) == len(WEEKS), "the weeks differ, or a trend of them is no test"


def test_a_week_that_is_corrected_changes_alone(pulse: Pulse) -> None:
    before = pulse.by_week("connection")
    kept = pulse.files[WEEKS[0]][5:-3]  # three took theirs back, and the first five answered anew
    pulse.put(WEEKS[0], AFTER, [*answers(WEEKS[0], 99, 5), *kept])
    pulse.night.run(AFTER)
    assert_weeks(pulse)
    after = pulse.by_week("connection")
    assert {w: v for w, v in after.items() if w != WEEKS[0]} == {w: v for w, v in before.items() if w != WEEKS[0]}
    assert after[WEEKS[0]][2] < before[WEEKS[0]][2]
    waves = pulse.night.query("select distinct wave_id from marts.rpt_survey_constructs where survey_id = 'weekly' order by 1")
    assert waves == [(str(w),) for w in WEEKS]
    touched = pulse.night.query("select distinct wave_key from measurements.int_touched_survey_waves")
    assert touched == [(f"weekly|{WEEKS[0]}",)]


def test_a_night_without_answers_touches_no_wave_and_a_build_of_everything_gives_the_same(pulse: Pulse) -> None:
    pulse.night.run(date(2025, 9, 9))
    assert pulse.night.query("select count(*) from measurements.int_touched_survey_waves") == [(0,)]
    assert_weeks(pulse)
    scores = "select * from marts.rpt_survey_constructs order by score_key"
    by_nights = pulse.night.query(scores)
    shutil.copytree(pulse.night.folder, pulse.night.folder.with_name("again"), ignore=shutil.ignore_patterns("data"))
    again = Night(pulse.night.folder.with_name("again"))
    again.run(date(2025, 9, 9), WEEKS[0])
    assert again.query(scores) == by_nights
    assert len(by_nights) > 20
