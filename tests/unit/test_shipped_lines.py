"""Every line that the registry ships, one below it, on it and one above, and every minimum one below, on and above: judged by the model's own SQL on measures
that are made up here, and by fractions.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.rendered import render

SEEDS = Path(__file__).resolve().parents[2] / "dbt_project" / "seeds"
TYPES = {"grades": "varchar", **dict.fromkeys(("first_school_year", "last_school_year"), "integer")}
Row = dict[str, str]


def seed(name: str) -> list[Row]:
    with (SEEDS / f"{name}.csv").open(newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


INDICATORS = {i["indicator_id"]: i for i in seed("indicators")}
MEASURES = {m["measure_id"]: m for m in seed("measures")}
PROFILES = {(p["indicator_id"], p["profile_id"]): p for p in seed("indicator_profiles")}
JUDGED = {key: p for key, p in PROFILES.items() if p["operator"] and INDICATORS[key[0]]["stage"] == "1"}
TOGETHER = {key: p for key, p in PROFILES.items() if INDICATORS[key[0]]["rollup"] == "flags_together"}


@dataclass
class Person:
    """Somebody of whom measures are said, and what is to come out of it by the profile `key`: a flag, or none."""

    name: str
    key: tuple[str, str]
    flag: bool | None
    grade: str
    said: dict[str, int] = field(default_factory=dict)
    is_student: bool = True


def sides(key: tuple[str, str]) -> tuple[str, str]:
    indicator, profile = INDICATORS[key[0]], PROFILES[key]
    return profile["numerator_measure"] or indicator["numerator_measure"], indicator["denominator_measure"]


def line(key: tuple[str, str], which: str = "threshold") -> Fraction | None:
    """A profile's line: a share of the denominator, or (without a denominator of its own) a total."""
    p = PROFILES[key]
    return Fraction(int(p[f"{which}_numerator"]), int(p[f"{which}_denominator"] or 1)) if p[f"{which}_numerator"] else None


def flag(key: tuple[str, str], n: int, d: int) -> bool | None:
    """What the registry's row says of whole numbers of both measures' units."""
    p, (over, under) = PROFILES[key], (int(MEASURES[m]["scale"]) for m in sides(key))
    total, whole = Fraction(n, over), Fraction(d, under)
    if not whole or whole < int(p["minimum_denominator"]) or (p["must_have_attended"] == "true" and total >= whole):
        return None
    share = total if not p["threshold_denominator"] else total / whole
    reached = share >= line(key) if p["operator"] == "at_least" else share > line(key)
    upper = line(key, "below")
    return reached and (upper is None or share < upper)


def cases(key: tuple[str, str]) -> Iterator[tuple[str, int, int]]:
    """Numerators and denominators in whole units: around each line, and around the minimum with a numerator that is over the line by far."""
    p, (n_measure, d_measure) = PROFILES[key], sides(key)
    over, under = int(MEASURES[n_measure]["scale"]), int(MEASURES[d_measure]["scale"])
    least = int(p["minimum_denominator"])
    if n_measure == d_measure:
        on = int(line(key) or 0) * over
        yield from ((name, on + k, on + k) for name, k in (("below", -1), ("on", 0), ("above", 1)))
        return
    for which in ("threshold", "below"):
        if (at := line(key, which)) is None:
            continue
        whole = max(least, 1) * (at.denominator if p["threshold_denominator"] else 1)
        on = at * over * (whole if p["threshold_denominator"] else 1)
        assert on.denominator == 1
        yield from ((f"{which}-{name}", int(on) + k, whole * under) for name, k in (("below", -1), ("on", 0), ("above", 1)) if on + k >= 0)
    if least:
        n = over * least * (1 if p["must_have_attended"] != "true" else 0) or over * least // 2
        yield from ((f"minimum-{name}", n, least * under + k) for name, k in (("below", -1), ("on", 0), ("above", 1)))


def person(key: tuple[str, str], name: str, n: int, d: int) -> Person:
    n_measure, d_measure = sides(key)
    grade = (PROFILES[key]["grades"] or "05").split()[-1]
    return Person(f"{'/'.join(key)} {name}", key, flag(key, n, d), grade, {n_measure: n, d_measure: d}, MEASURES[d_measure]["subject_type"] == "student")


def together(key: tuple[str, str], name: str, n_met: int, n_known: int) -> Person:
    """Of the flags that the profile names the first `n_known` are known, and the first `n_met` of these stand as it wants them."""
    p = PROFILES[key]
    parts = sorted((r for r in seed("indicator_parts") if (r["indicator_id"], r["profile_id"]) == key), key=lambda r: int(r["part"]))
    said: dict[str, int] = {}
    for k, part in enumerate(parts[:n_known]):
        of = (part["part_indicator_id"], part["part_profile_id"])
        (n_measure, d_measure), wanted = sides(of), (k < n_met) == (part["counts_when"] == "raised")
        whole = max(1, int(PROFILES[of]["minimum_denominator"])) * int(MEASURES[d_measure]["scale"])
        n = next(n for n in (0, int(MEASURES[n_measure]["scale"]) * 100) if flag(of, n, whole) is wanted)
        assert not {n_measure, d_measure} & said.keys(), "what is said of one part must not change another"
        said |= {n_measure: n, d_measure: whole}
    met = n_met >= int(p["threshold_numerator"])
    return Person(f"{'/'.join(key)} {name}", key, met if n_known >= int(p["minimum_denominator"]) else None, p["grades"].split()[0], said)


def everybody() -> list[Person]:
    found = [person(key, *case) for key in JUDGED for case in cases(key)]
    for key, p in TOGETHER.items():
        n = sum((r["indicator_id"], r["profile_id"]) == key for r in seed("indicator_parts"))
        at, least = int(p["threshold_numerator"]), int(p["minimum_denominator"])
        found += [together(key, f"line-{name}", at + k, n) for name, k in (("below", -1), ("on", 0), ("above", 1)) if 0 <= at + k <= n]
        found += [together(key, f"minimum-{name}", min(at, least + k), least + k) for name, k in (("below", -1), ("on", 0), ("above", 1)) if 0 < least + k <= n]
    return found


@pytest.fixture(scope="module")
def judged() -> dict[tuple[str, tuple[str, str]], list[bool | None]]:
    """What the model says of everybody, by person and profile: of the district, or of a response."""
    people = everybody()
    with duckdb.connect(":memory:") as db:
        for name in ("indicators", "indicator_profiles", "indicator_parts", "measures", "leaver_rules"):
            path = SEEDS / f"{name}.csv"
            header = path.read_text(encoding="utf-8").splitlines()[0].split(",")
            types = {c: t for c, t in TYPES.items() if c in header}
            db.execute(f"create table {name} as select * from read_csv(?, header = true, types = {types})", [str(path)])
        db.execute("create table dim_schools as select 'A' as school_key, 'ours' as agency_id, true as is_in_district")
        db.execute("create table int_touched_subject_periods (student_key varchar)")
        db.execute("""create table int_period_measures (period_type varchar, period_start date, school_year int, subject_type varchar, subject_key varchar,
            school_key varchar, grade_level varchar, signature varchar, modality varchar, measure_id varchar, quantity bigint)""")
        rows: list[list[Any]] = [
            ["year_to_date", "2025-07-01", 2026, "student" if who.is_student else "response", who.name, "A", who.grade, "g", None, m, q]
            for who in people
            for m, q in who.said.items()
        ]
        stay = [[*row[:9], "stays_begun", 1] for row in rows if row[3] == "student"]
        rows += [list(row) for row in {tuple(row) for row in stay}]
        db.executemany(f"insert into int_period_measures values ({', '.join('?' * 11)})", rows)
        db.execute("""create table dim_student_years as select distinct m.subject_key as student_key, 2026 as school_year, p.membership_rule, 'g' as signature
            from int_period_measures m, indicator_profiles p""")
        sql = render("measurements/int_subject_indicators.sql", this="int_subject_indicators", by_difference=False)
        found: dict[tuple[str, tuple[str, str]], list[bool | None]] = {}
        for who, indicator, profile, n, d in db.execute(
            f"select subject_key, indicator_id, profile_id, numerator, denominator from ({sql}) where school_key is null or subject_type = 'response'"
        ).fetchall():
            found.setdefault((who, (indicator, profile)), []).append(bool(n) if d else None)
    return found


@pytest.mark.parametrize("who", everybody(), ids=lambda who: who.name)
def test_the_model_judges_as_the_registry_says(who: Person, judged: dict[tuple[str, tuple[str, str]], list[bool | None]]) -> None:
    said = judged.get((who.name, who.key), [None])
    assert set(said) == {who.flag}, who.said


def test_every_line_and_minimum_has_both_sides() -> None:
    """What is below, on and above is there of each, and does not come out the same."""
    flags: dict[tuple[str, str], dict[str, bool | None]] = {}
    for who in everybody():
        flags.setdefault(who.key, {})[who.name.split(" ", 1)[1]] = who.flag
    assert flags.keys() == {key for key, p in PROFILES.items() if p["operator"]}
    for key, found in flags.items():
        assert {True, False} <= set(found.values()), key
        if int(PROFILES[key]["minimum_denominator"]):
            assert found["minimum-below"] is None if "minimum-below" in found else key in TOGETHER, key
            assert found["minimum-on"] is not None, key
