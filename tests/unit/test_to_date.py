"""Measures to date by difference (`fct_measurements_to_date`): over random nights the table holds what a sum of everything by hand gives."""

import random
from collections import defaultdict
from datetime import date, timedelta
from typing import Any

import duckdb
import pytest

from tests.rendered import render

MODEL = "measurements/fct_measurements_to_date.sql"
MEASURES = {"days": "sum", "marks": "latest"}
PIECES = [date(2025, 9, 1) + timedelta(weeks=w) for w in range(6)]
COLUMNS = (
    "subject_type varchar, subject_key varchar, school_key varchar, grade_level varchar, signature varchar, modality varchar, school_year int, "
    "term_id varchar, piece_start date, measure_id varchar, quantity bigint"
)
Row = tuple[Any, ...]
Piece = tuple[str, date]


def _term(piece: date) -> str | None:
    return (None, "T1", "T2")[PIECES.index(piece) // 2]


def _rows(draw: random.Random, piece: Piece) -> list[Row]:
    """What a subject has in a piece: nothing, or some measures at one school or two."""
    if draw.random() < 0.3:
        return []
    places = draw.sample(["A", "B"], draw.choice([1, 1, 2]))
    measures = draw.sample(list(MEASURES), draw.choice([1, 2]))
    return [
        ("student", piece[0], school, "05", "s", None, 2026, _term(piece[1]), piece[1], measure, draw.randint(0, 9))
        for school in places
        for measure in measures
    ]


def _by_hand(held: dict[Piece, list[Row]]) -> dict[Row, tuple[Any, ...]]:
    """Per grain: rows, the latest piece and the quantity, as the table has them."""
    grouped: dict[Row, list[Row]] = defaultdict(list)
    for row in (r for rows in held.values() for r in rows):
        grouped[(*row[:8], row[9])].append(row)
    latest: dict[Row, date] = {}
    for key, rows in grouped.items():
        states = (key[1], key[7], key[8])
        latest[states] = max([latest.get(states, date.min), *(r[8] for r in rows)])
    found: dict[Row, tuple[Any, ...]] = {}
    for key, rows in grouped.items():
        if MEASURES[key[8]] == "sum":
            found[key] = (len(rows), None, sum(r[10] for r in rows))
        elif of_the_latest := [r for r in rows if r[8] == latest[(key[1], key[7], key[8])]]:
            found[key] = (None, of_the_latest[0][8], sum(r[10] for r in of_the_latest))
    return found


@pytest.mark.parametrize("seed", range(12))
def test_to_date_by_difference_is_a_sum_of_everything(seed: int) -> None:
    draw = random.Random(seed)
    held: dict[Piece, list[Row]] = {}
    with duckdb.connect() as db:
        db.execute("create table measures as from (values ('days', 'sum'), ('marks', 'latest')) t (measure_id, accumulation)")
        for kept in ("", "__written", "__replaced"):
            db.execute(f"create table fct_measurements{kept} ({COLUMNS})")
        db.execute("create table int_touched_pieces (subject_type varchar, subject_key varchar, piece_start date, school_year int)")
        for night in range(8):
            touched = [(p, w) for p in ("p1", "p2", "p3") for w in PIECES if night == 0 or draw.random() < 0.25]
            replaced = [r for t in touched for r in held.pop(t, [])]
            held |= {t: _rows(draw, t) for t in touched}
            written = [r for t in touched for r in held[t]]
            db.execute("truncate int_touched_pieces")
            for p, w in touched:
                db.execute("insert into int_touched_pieces values ('student', ?, ?, 2026)", [p, w])
            for kept, rows in (("", [r for rs in held.values() for r in rs]), ("__written", written), ("__replaced", replaced)):
                db.execute(f"truncate fct_measurements{kept}")
                if rows:
                    db.executemany(f"insert into fct_measurements{kept} values ({', '.join('?' * 11)})", rows)
            db.execute("create or replace table int_touched_subjects as select distinct subject_type, subject_key, school_year from int_touched_pieces")
            tonight = render(MODEL, this="to_date", by_difference=night > 0)
            db.execute(f"create or replace temp table tonight as {tonight}")
            if night == 0:
                db.execute("create table to_date as from tonight")
            else:
                db.execute("delete from to_date where exists (from int_touched_subjects t where t.subject_key = to_date.subject_key)")
                db.execute("insert into to_date from tonight")
            found = db.execute("from to_date").fetchall()
            assert {row[:9]: row[9:] for row in found} == _by_hand(held), night
            assert len({row[:9] for row in found}) == len(found)
