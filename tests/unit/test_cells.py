"""Cells of schools and groups against sums written out person by person: `int_cell_changes` from nothing and by difference, on random people.

The model's own text is rendered with the macros that it uses written out for DuckDB (dbt's own unit tests run them as they are); everything else is made up.
"""

import itertools
import random
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from tests.rendered import MOMENTS, render

GROUPS: dict[str | None, list[tuple[str, str]]] = {
    None: [],
    "s1": [("gender", "f"), ("race", "x")],
    "s2": [("gender", "m"), ("race", "x")],
    "s3": [("gender", "f"), ("race", "y")],
}
COLUMNS = (
    "period_type varchar, period_start date, school_year int, subject_type varchar, subject_key varchar, school_key varchar, grade_level varchar, "
    "signature varchar, modality varchar, indicator_id varchar, profile_id varchar, counts_at varchar, numerator bigint, denominator bigint"
)
Row = tuple[Any, ...]
Cells = dict[tuple[Any, ...], list[int]]


def _people(draw: random.Random, modalities: list[int]) -> Iterator[Row]:
    """Rows of four people over two weeks: at one or two places, in one group or changing it, in one modality or two, judged by two profiles."""
    for person in ("p1", "p2", "p3", "p4"):
        places = draw.sample([("A", "05"), ("A", "06"), ("B", "05"), ("C", "06"), ("", "06")], draw.choice([1, 1, 1, 2]))  # C: another agency, "": no school
        signatures = draw.sample(list(GROUPS), draw.choice([1, 1, 2]))
        for week in ("2025-09-01", "2025-09-08"):
            if draw.random() < 0.2:
                continue
            said = draw.sample(["in_person", "remote"], draw.choice(modalities))
            for (school, grade), signature, modality in itertools.product(places, signatures, said):
                of = draw.randint(0, 5)
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
        if d == 0:
            continue
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
        for table, rows in (("", after), ("__written", after), ("__replaced", before)):
            db.execute(f"create table int_subject_indicators{table} ({COLUMNS})")
            db.executemany(f"insert into int_subject_indicators{table} values ({', '.join('?' * 14)})", rows)

        def cells(*, by_difference: bool) -> Cells:
            sql = render("measurements/int_cell_changes.sql", this="int_cell_changes", by_difference=by_difference)
            found = db.execute(f"""select school_id, grade_level, group_family, group_value, period_start::varchar, indicator_id, profile_id,
                {", ".join(MOMENTS)} from ({sql})""").fetchall()
            assert len({row[:7] for row in found}) == len(found)
            return {row[:7]: list(row[7:]) for row in found}

        now, then = _by_hand(after), _by_hand(before)
        assert cells(by_difference=False) == dict(now)
        nothing = [0] * len(MOMENTS)
        change = {k: [a - b for a, b in zip(now.get(k, nothing), then.get(k, nothing), strict=True)] for k in {*now, *then}}
        assert cells(by_difference=True) == {k: v for k, v in change.items() if any(v)}
