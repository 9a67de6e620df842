"""Worthy work, from a team's reviews alone: over nights of corrections, withdrawals and reviews to come, equal to the sheets read with plain csv."""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path

import duckdb
import pytest

from pipelines.lineage.graph import registry
from pipelines.lineage.ledger import Ledger
from pipelines.lineage.trace import find_figure, trace
from tests.districts import START, TestDistrict, make_district

HEADER = ["review_id", "school_id", "section_id", "grade_level", "subject", "reviewed_on", "score", "max_score"]
SOURCE = """
[[sources]]
id = "team"
format = "registry"
path = "team/*.csv"

[intake]
settle_seconds = 0
"""
NIGHTS = [START + timedelta(days=n) for n in (4, 7, 8)]
Row = tuple[str, str, str, str, str, str, str, str]


def review(n: int, school: str, grade: str, on: date, score: str, most: str = "6") -> Row:
    return (f"r{n}", school, "", grade, "Mathematics", on.isoformat(), score, most)


def sheets() -> list[list[Row]]:
    """What the team sends: on the second night one score is put right, one review moves to another week and one is new; on the third one is gone."""
    first = [review(n, ("110", "120", "130")[n % 3], ("03", "08", "")[n % 3], START + timedelta(days=n % 4), str(n % 7)) for n in range(40)]
    first.append(review(40, "110", "03", NIGHTS[2], "6"))  # still to come until the third night
    second = [review(1, "120", "08", START, "6") if r[0] == "r1" else r for r in first]
    second = [review(2, "130", "", START + timedelta(days=7), "2") if r[0] == "r2" else r for r in second]
    second.append(review(41, "110", "03", START + timedelta(days=7), "5"))
    return [first, second, [r for r in second if r[0] not in ("r3", "r0")]]


def write(landing: Path, day: date, rows: list[Row]) -> None:
    path = landing / "team" / f"reviewed_assignments_{day}.csv"
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as f:
        csv.writer(f).writerows([HEADER, *rows])


def expected(rows: list[Row], as_of: date) -> dict[tuple[str | None, str | None, str], tuple[int, int]]:
    """Worthy and reviewed by school (None: the district), grade (None: all) and week."""
    worthy: Counter[tuple[str | None, str | None, str]] = Counter()
    reviewed: Counter[tuple[str | None, str | None, str]] = Counter()
    for _, school, _, grade, _, on, score, most in rows:
        day = date.fromisoformat(on)
        if day > as_of:
            continue
        week = (day - timedelta(days=day.weekday())).isoformat()
        for cell in ((s, g, week) for s in (school, None) for g in (grade or "unknown", None)):
            reviewed[cell] += 1
            worthy[cell] += Fraction(score) / Fraction(most) >= Fraction(2, 3)
    return {cell: (worthy[cell], n) for cell, n in reviewed.items()}


def found(district: TestDistrict) -> dict[tuple[str | None, str | None, str], tuple[int, int]]:
    rows = district.query("""select school_id, grade_level, period_start::varchar, numerator::int, denominator::int, n_subjects from marts.agg_indicator_values
                             where indicator_id = 'worthy_work' and period_type = 'week' and group_family = 'all'""")
    assert all(d == n for *_, d, n in rows)
    assert len({r[:3] for r in rows}) == len(rows)
    return {(school, grade, week): (n, d) for school, grade, week, n, d, _ in rows}


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> tuple[TestDistrict, list[dict[tuple[str | None, str | None, str], tuple[int, int]]]]:
    """The district after the third night, and each night's figures."""
    district = make_district(tmp_path_factory.mktemp("worthy") / "d", students=80, days=9, seed=3)
    with (district.folder / "district.toml").open("a", encoding="utf-8") as f:
        f.write(SOURCE)
    seen = []
    for day, rows in zip(NIGHTS, sheets(), strict=True):
        write(district.landing, day, rows)
        district.run(day, START if day == NIGHTS[0] else None)
        seen.append(found(district))
    return district, seen


def test_each_night_gives_what_its_sheet_says(story: tuple[TestDistrict, list[dict[tuple[str | None, str | None, str], tuple[int, int]]]]) -> None:
    _, seen = story
    for day, rows, figures in zip(NIGHTS, sheets(), seen, strict=True):
        assert figures == expected(rows, day), day
    assert len({str(f) for f in seen}) == 3


def test_the_nights_give_what_a_build_from_nothing_gives(story: tuple[TestDistrict, list[object]], tmp_path: Path) -> None:
    district, _ = story
    fresh = TestDistrict(tmp_path / "fresh")
    shutil.copytree(district.folder, fresh.folder, ignore=shutil.ignore_patterns("data"))
    fresh.run(NIGHTS[2], START)
    assert fresh.hashes() == district.hashes()


def test_it_is_published_by_itself_and_no_student_has_it(story: tuple[TestDistrict, list[object]]) -> None:
    district, _ = story
    (indicator,) = [i for i in registry("indicators") if i["indicator_id"] == "worthy_work"]
    assert {m["subject_type"] for m in registry("measures") if m["measure_id"] in (indicator["numerator_measure"], indicator["denominator_measure"])} == {
        "review"
    }
    whole = "indicator_id = 'worthy_work' and school_id is null and grade_level is null and period_type = 'year_to_date'"
    n = sum(d for (school, grade, _), (_, d) in found(district).items() if school is None and grade is None)
    assert district.published(f"select group_family, denominator::int, suppression from marts.agg_indicator_values where {whole}") == [("all", n, "none")]
    small = "select count(*) from marts.agg_indicator_values where indicator_id = 'worthy_work' and suppression = 'primary' and value is null"
    assert district.published(small) != [(0,)]
    assert district.query("select count(*) from marts.fct_student_indicators where indicator_id = 'worthy_work'") == [(0,)]


def test_its_figure_is_traced_to_the_lines_of_the_sheet(story: tuple[TestDistrict, list[object]]) -> None:
    district, _ = story
    ledger = Ledger(district.folder / "data/ledger.sqlite")
    try:
        with duckdb.connect(str(district.build), read_only=True) as db:
            figure = find_figure(db, {"indicator_id": "worthy_work"})
            told = trace(db, ledger, figure, limit=3)
    finally:
        ledger.close()
    assert told.agrees, (told.numerator, told.denominator, figure)
    assert {f.name for f in told.files} == {f"team/reviewed_assignments_{night}.csv" for night in NIGHTS[:2]}, "the file that first said it"
