"""An index over several measures, night after night, against levels and means worked out from the landing files and from what is published."""

from __future__ import annotations

import csv
import shutil
from collections import defaultdict
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.districts import START, TestDistrict
from tests.nights import Night, make
from tests.oracle import CELL, Oracle

NIGHTS = [START + timedelta(days=n) for n in (24, 25, 28, 29)]
MIN_N = 10
# index, domain, indicator, profile, weight, weight of the domain, least number
MEASURES = [
    ("quality", "academics", "assignment_completion", "standard", "2", "60", ""),
    ("quality", "academics", "late_work", "standard", "1.5", "60", "30"),
    ("quality", "culture", "attendance_rate", "standard", "1", "40", ""),
    ("quality", "culture", "chronic_absence", "edfacts", "1", "40", ""),
    ("quality", "culture", "survey_favorable", "standard", "0.5", "40", ""),
    ("quality", "behavior", "suspended_out_of_school", "standard", "1", "10", ""),  # of which nothing is sent
    ("plain", "work", "late_work", "standard", "3", "", "10"),
    ("plain", "culture", "attendance_rate", "standard", "0.125", "", ""),
    ("plain", "culture", "survey_favorable", "standard", "7", "", "25"),
]
# from which share on each level is reached, 2 to 10; from above where less is better
CUT_POINTS = {
    ("assignment_completion", "standard"): (True, [Fraction(80 + 2 * k, 100) for k in range(9)]),
    ("late_work", "standard"): (False, [Fraction(20 - 2 * k, 100) for k in range(9)]),
    ("attendance_rate", "standard"): (True, [Fraction(88 + k, 100) for k in range(9)]),
    ("chronic_absence", "edfacts"): (False, [Fraction(9 - k, 27) for k in range(9)]),
    ("survey_favorable", "standard"): (True, [Fraction(45 + 3 * k, 90) for k in range(9)]),
    ("suspended_out_of_school", "standard"): (False, [Fraction(9 - k, 100) for k in range(9)]),
}
SHOWN = ["index_id", "school_id", "group_family", "group_value", "part", "domain", "measured_indicator_id", "n_measures", "n_measures_there", "n_subjects",
         "value"]  # fmt: skip
ROWS = f"select {', '.join(SHOWN)}, missing from marts.rpt_index"


def switch_on(night: Night) -> None:
    points = [[i, p, k + 2, b.numerator, b.denominator] for (i, p), (_, bounds) in CUT_POINTS.items() for k, b in enumerate(bounds)]
    measures = ["index_id", "domain", "indicator_id", "profile_id", "weight", "domain_weight", "least_n"]
    for name, header, rows in (("measures", measures, MEASURES), ("cut_points", ["indicator_id", "profile_id", "level", "bound", "out_of"], points)):
        with (night.folder / f"codes/index_{name}.csv").open("w", newline="", encoding="utf-8") as f:
            csv.writer(f).writerows([header, *rows])


def level_of(measure: tuple[str, str], value: Fraction) -> int:
    more_is_better, bounds = CUT_POINTS[measure]
    return 1 + sum((value >= bound) if more_is_better else (value <= bound) for bound in bounds)


def expected(cells: pd.DataFrame) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """Every row of both indexes, from figures of the year to date (school_id "" is the district; numerator and denominator are text, n_subjects None where
    it is not known): (measures, those there, people, value).
    """
    figures: dict[tuple[str, str, str], dict[tuple[str, str], Any]] = defaultdict(dict)
    for c in cells.itertuples():
        figures[c.school_id, c.group_family, c.group_value][c.indicator_id, c.profile_id] = c
    found: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for place, some in figures.items():
        for index in ("quality", "plain"):
            mine = [m for m in MEASURES if m[0] == index]
            if not any((m[2], m[3]) in some for m in mine):
                continue
            there: dict[str, list[tuple[Fraction, int, int]]] = defaultdict(list)
            for _, domain, indicator, profile, weight, _, least in mine:
                cell = some.get((indicator, profile))
                n = None if cell is None else cell.n_subjects
                level = None
                if cell is not None and n is not None and n >= int(least or 20):
                    level = level_of((indicator, profile), Fraction(cell.numerator) / Fraction(cell.denominator))
                    there[domain].append((Fraction(weight), level, n))
                found[(index, *place, "measure", domain, indicator)] = (1, int(level is not None), n if n is None or n >= MIN_N else None, level)
            total = weights = Fraction(0)
            for domain in dict.fromkeys(m[1] for m in mine):
                levels = there[domain]
                own = sum(w for w, _, _ in levels)
                mean = sum(w * level for w, level, _ in levels) / own if levels else None
                stated = next(m[5] for m in mine if m[1] == domain)
                if mean is not None:
                    total, weights = total + mean * (Fraction(stated) if stated else own), weights + (Fraction(stated) if stated else own)
                size = len([m for m in mine if m[1] == domain])
                found[(index, *place, "domain", domain, "")] = (size, len(levels), min((n for *_, n in levels), default=None), mean)
            everyone = [n for levels in there.values() for *_, n in levels]
            found[(index, *place, "index", "", "")] = (len(mine), len(everyone), min(everyone, default=None), total / weights if weights else None)
    return found


def of_files(night: Night, day: Any) -> pd.DataFrame:
    """The figures of the year to date, worked out from the landing files."""
    cells = Oracle(night.folder, day.isoformat()).values()
    named = {(m[2], m[3]) for m in MEASURES}
    cells = cells[(cells["period_type"] == "year_to_date") & (cells["grade_level"] == "")]
    cells = cells[[(i, p) in named for i, p in zip(cells["indicator_id"], cells["profile_id"], strict=True)]]
    return cells.assign(numerator=cells["numerator"].astype(str), denominator=cells["denominator"].astype(str))


def rows_of(rows: list[tuple[Any, ...]]) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    found = {tuple("" if v is None else v for v in r[:7]): r[7:11] for r in rows}
    assert len(found) == len(rows)
    return found


def assert_same(found: dict[tuple[Any, ...], tuple[Any, ...]], wanted: dict[tuple[Any, ...], tuple[Any, ...]]) -> None:
    assert found.keys() == wanted.keys()
    for key, (n, n_there, people, value) in wanted.items():
        assert found[key][:3] == (n, n_there, people), key
        assert (found[key][3] is None) == (value is None), key
        assert value is None or abs(Fraction(found[key][3]) - value) < Fraction(1, 10**6), (key, value)


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    return make(tmp_path_factory.mktemp("index") / "d", 220, 22, seed=3)


def test_without_the_lists_there_is_no_index(night: Night) -> None:
    night.run(NIGHTS[0], START)
    assert night.published("select count(*) from marts.rpt_index") == [(0,)]
    assert night.ledger("select count(*) from verdicts where indicator_id = 'index'") == [(0,)]


@pytest.mark.parametrize("n", [1, 2])
def test_levels_and_means_are_those_of_the_files(night: Night, n: int) -> None:
    """The night on which the lists are there, when everything is built anew, and one that touches some of it."""
    switch_on(night)
    assert night.run(NIGHTS[n]).exit_status == 0
    found = rows_of(night.published(ROWS))
    assert_same(found, expected(of_files(night, NIGHTS[n])))
    levels = {row[3] for key, row in found.items() if key[4] == "measure"} - {None}
    assert len(levels) >= 5, "too few to tell anything"
    assert {row[1] for key, row in found.items() if key[4] == "index" and key[0] == "quality"} >= {0, 5}
    assert night.ledger("select count(*) from verdicts where indicator_id = 'index' and verdict = 'held'") == [(0,)]
    assert night.ledger("select count(*) from checks where subject = 'rpt_index' and not passed") == [(0,)]


def test_what_is_missing_is_said_by_name(night: Night) -> None:
    said = {key[:7]: row[11] for row in night.published(ROWS) if (key := tuple("" if v is None else v for v in row))}
    cells = {(c.school_id, c.group_family, c.group_value, c.indicator_id): c.n_subjects for c in of_files(night, NIGHTS[2]).itertuples()}
    reasons = set()
    for key, words in said.items():
        index, *place, part, domain, indicator = key
        if part == "measure":
            (least,) = [int(m[6] or 20) for m in MEASURES if (m[0], m[2]) == (index, indicator)]
            n = cells.get((*place, indicator))
            who = "responses" if indicator.startswith("survey") else "students"
            assert words == ("not measured here" if n is None else f"no figure: fewer than {least} {who}" if n < least else None), key
            reasons.add(words)
        else:
            own = [m for k, m in said.items() if (k[0], *k[1:4]) == (index, *place) and k[4] == "measure" and (part == "index" or k[5] == domain)]
            assert sum((words or "").count(why) for why in {*own} - {None}) == len([m for m in own if m]), key
    assert reasons == {None, "not measured here", *(f"no figure: fewer than {n} students" for n in (10, 20, 30)),
                       *(f"no figure: fewer than {n} responses" for n in (20, 25))}  # fmt: skip
    assert said["quality", "", "all", "all", "index", "", ""] == "all of the domain behavior (Suspended out of school (Throughline): not measured here)"


def test_everything_that_is_shown_follows_from_what_the_open_figures_show(night: Night) -> None:
    """Whoever reads the published figures, of which small ones are hidden, can work the whole index out: it tells nothing of what they hide."""
    cells = pd.DataFrame(
        night.published(f"""select coalesce(school_id, ''), group_family, group_value, indicator_id, profile_id, numerator::varchar, denominator::varchar,
        n_subjects from marts.agg_indicator_values where period_type = 'year_to_date' and grade_level is null
            and (indicator_id, profile_id) in ({', '.join(str(k) for k in CUT_POINTS)})"""),
        columns=[c for c in CELL if c not in ("grade_level", "period_type", "period_start")] + ["numerator", "denominator", "n_subjects"],
    ).astype(object)  # fmt: skip
    assert cells["n_subjects"].isna().any()
    cells["n_subjects"] = [None if pd.isna(n) else int(n) for n in cells["n_subjects"]]
    assert_same(rows_of(night.published(ROWS)), expected(cells))


def test_the_nights_give_what_a_build_from_nothing_gives(night: Night, tmp_path: Path) -> None:
    fresh = TestDistrict(tmp_path / "fresh")
    shutil.copytree(night.folder, fresh.folder, ignore=shutil.ignore_patterns("data"))
    fresh.run(NIGHTS[2], START)
    both = [set(d.query("select * from marts.rpt_index")) for d in (night, fresh)]
    assert both[0] == both[1] != set()
    assert fresh.hashes() == night.hashes()


def test_a_held_indicator_holds_the_index(night: Night) -> None:
    """Attendance is stopped: what is made of it keeps its last rows."""
    path = night.landing / f"attendance/attendance_{NIGHTS[3]}.csv"
    path.write_text("Student Number,Day,Mark\n1,2,3\n", encoding="utf-8")
    before = set(night.published(ROWS))
    night.run(NIGHTS[3])
    held = {i for (i,) in night.published("select distinct indicator_id from operations.verdicts where verdict = 'held'")}
    assert {"index", "attendance_rate", "chronic_absence"} <= held
    assert not held & {"assignment_completion", "late_work", "survey_favorable"}
    assert set(night.published(ROWS)) == before
    ((words,),) = night.published("select distinct quality_status from marts.rpt_index")
    assert words.startswith(f"held since {NIGHTS[2]}: stopped at the door")
