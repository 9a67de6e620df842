"""Cells of schools and groups against sums written out person by person: `int_cell_changes` from nothing and by difference, on random people.

The model's own text is rendered here with the macros that it uses as DuckDB sees them; everything else is made up.
"""

import itertools
import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import jinja2
import pytest

MODEL = Path(__file__).parents[2] / "dbt_project/models/measurements/int_cell_changes.sql"
GROUPS = {"s1": [("gender", "f"), ("race", "x")], "s2": [("gender", "m"), ("race", "x")], "s3": [("gender", "f"), ("race", "y")]}
COLUMNS = (
    "period_type varchar, period_start date, school_year int, subject_type varchar, subject_key varchar, school_key varchar, grade_level varchar, "
    "signature varchar, modality varchar, indicator_id varchar, profile_id varchar, counts_at varchar, numerator bigint, denominator bigint"
)
MOMENTS = ("n_subjects", "sum_n", "sum_d", "sum_nn", "sum_dd", "sum_nd")
Row = tuple[Any, ...]
Cells = dict[tuple[Any, ...], list[int]]


def _sum(expression: str) -> str:
    return f"cast(sum({expression}) as bigint)"


def _difference(relation: str, replaced: str | None, touched: str, keys: list[str], columns: list[str]) -> str:
    named = ", ".join(columns)
    if not replaced:
        return f"(select {named}, 1 as sign from {relation})"
    return f"(select {named}, 1 as sign from {relation} semi join {touched} using ({', '.join(keys)}) union all select {named}, -1 as sign from {replaced})"


def _render(*, replaced: bool) -> str:
    text = jinja2.Environment(extensions=["jinja2.ext.do"]).from_string(MODEL.read_text(encoding="utf-8"))
    return text.render(
        ref=lambda name: name, config=lambda **_: "", execute=True, sum_bigint=_sum, touched_difference=_difference,
        row_hash=lambda columns: f"hash({', '.join(columns)})",
        concat_key=lambda parts: f"concat_ws('|', {', '.join(f'coalesce(cast({p} as varchar), chr(0))' for p in parts)})",
        moment_sums=lambda relation: ", ".join(f"{_sum(f'{relation}.{m}')} as {m}" for m in MOMENTS),
        touched_replaced=lambda relation: f"{relation}__replaced" if replaced else None,
    )  # fmt: skip


def _people(draw: random.Random, modalities: list[int]) -> Iterator[Row]:
    """Rows of four people over two weeks: at one or two places, in one group or changing it, in one modality or two, judged by two profiles."""
    for person in ("p1", "p2", "p3", "p4"):
        places = draw.sample([("A", "05"), ("B", "05"), ("C", "06"), ("", "06")], draw.choice([1, 1, 1, 2]))  # C is of another agency, "" of no school
        signatures = draw.sample(list(GROUPS), draw.choice([1, 1, 2]))
        for week in ("2025-09-01", "2025-09-08"):
            if draw.random() < 0.2:
                continue
            said = draw.sample(["in_person", "remote"], draw.choice(modalities))
            for (school, grade), signature, modality in itertools.product(places, signatures, said):
                of = draw.randint(1, 5)
                yield ("week", week, 2026, "student", person, school, grade, signature, modality, "rate", "standard", "school" if school == "C" else "both",
                       draw.randint(0, of), of)  # fmt: skip
            for profile in ("q", "z"):
                flag = ("week", week, 2026, "student", person)
                for school, grade in places:
                    yield (*flag, school, grade, draw.choice(signatures), None, "flag", profile, "school", draw.randint(0, 1), 1)
                yield (*flag, None, places[0][1], draw.choice(signatures), None, "flag", profile, "district", draw.randint(0, 1), 1)


def _by_hand(rows: list[Row]) -> Cells:
    people: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0, 0])
    for _, week, _, _, person, school, grade, signature, modality, indicator, profile, counts_at, n, d in rows:
        groups = [("all", "all"), *GROUPS[signature], *([("modality", modality)] if modality else [])]
        for place in ("school", "district"):
            if counts_at in ("both", place) and (place == "district" or school):
                for one_grade, group in itertools.product((grade, None), groups):
                    of = people[school if place == "school" else None, one_grade, *group, week, indicator, profile, person]
                    of[0] += n
                    of[1] += d
    cells: Cells = defaultdict(lambda: [0] * len(MOMENTS))
    for key, (n, d) in people.items():
        cells[key[:-1]] = [a + b for a, b in zip(cells[key[:-1]], (1, n, d, n * n, d * d, n * d), strict=True)]
    return cells


@pytest.mark.parametrize("modalities", [[1, 1, 2], [2]], ids=["some in two modalities", "everybody in two modalities"])
@pytest.mark.parametrize("seed", range(8))
def test_cells_are_the_sums_of_their_people_from_nothing_and_by_difference(seed: int, modalities: list[int]) -> None:
    draw = random.Random(seed)
    before, after = list(_people(draw, modalities)), list(_people(draw, modalities))
    with duckdb.connect() as db:
        db.execute("create table int_signatures_known (signature varchar, group_family varchar, group_value varchar)")
        db.executemany("insert into int_signatures_known values (?, ?, ?)", [[s, *g] for s, groups in GROUPS.items() for g in groups])
        for table, rows in (("int_subject_indicators", after), ("int_subject_indicators__replaced", before)):
            db.execute(f"create table {table} ({COLUMNS})")
            db.executemany(f"insert into {table} values ({', '.join('?' * 14)})", rows)
        db.execute("""create table int_touched_subject_periods as select distinct subject_type, subject_key, school_year, period_type, period_start
            from (from int_subject_indicators union all from int_subject_indicators__replaced)""")

        def cells(*, replaced: bool) -> Cells:
            found = db.execute(f"""select school_id, grade_level, group_family, group_value, period_start::varchar, indicator_id, profile_id,
                {", ".join(MOMENTS)} from ({_render(replaced=replaced)})""").fetchall()
            assert len({row[:7] for row in found}) == len(found)
            return {row[:7]: list(row[7:]) for row in found}

        now, then = _by_hand(after), _by_hand(before)
        assert cells(replaced=False) == dict(now)
        nothing = [0] * len(MOMENTS)
        change = {k: [a - b for a, b in zip(now.get(k, nothing), then.get(k, nothing), strict=True)] for k in {*now, *then}}
        assert cells(replaced=True) == {k: v for k, v in change.items() if any(v)}
