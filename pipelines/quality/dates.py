"""How the dates of one file are written, settled by all its values: `01/09/2019` beside `13/09/2019` is the first of September.

Belongs here: the evidence for one column of one delivery. What formats there are is data (`date_formats.csv`); ISO needs none. No row is ever read by a
guess: two formats of the same shape (day first, month first) are told apart by values that only one of them can read, or not at all.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from pathlib import Path

import duckdb

from pipelines.sources.shape import literal, quoted, without_time

FORMATS_FILE = Path(__file__).with_name("date_formats.csv")
ISO = "%Y-%m-%d"
_ISO_SHAPE = r"\d{4}-\d{2}-\d{2}"
_SHAPES = {"%Y": r"\d{4}", "%y": r"\d{2}", "%m": r"\d{1,2}", "%d": r"\d{1,2}", "%b": "[A-Za-z]{3}", "%B": "[A-Za-z]{3,9}"}


@dataclass(frozen=True)
class Settled:
    """What the values of a column say. `date_format` is "" where nothing has to be turned (all ISO, or nothing readable); `why` says in words what
    keeps the format open ("" where it is settled). No value is in `why`: they may be birth dates.
    """

    date_format: str = ""
    why: str = ""


@cache
def formats() -> tuple[str, ...]:
    """The formats in which dates come, besides ISO. Of two that read a column alike the first is taken."""
    with FORMATS_FILE.open(newline="", encoding="utf-8") as f:
        return tuple(row["date_format"] for row in csv.DictReader(f))


def shape_of(date_format: str) -> str:
    """The regular expression of texts that look like the format, whatever their numbers: `%m/%d/%Y` and `%d/%m/%Y` look the same."""
    parts = re.split(r"(%[A-Za-z])", date_format)
    if "%Y%m%d" in date_format:
        return r"\d{8}"
    return "".join(_SHAPES[p] if p.startswith("%") else re.escape(p) for p in parts)


@cache
def _families() -> dict[str, tuple[str, ...]]:
    """Formats by the shape that they share: one, or rivals."""
    found: dict[str, list[str]] = {}
    for f in formats():
        found.setdefault(shape_of(f), []).append(f)
    return {shape: tuple(some) for shape, some in found.items()}


def settle(db: duckdb.DuckDBPyConnection, relation: str, columns: Sequence[str]) -> dict[tuple[str, str], Settled]:
    """By delivery and column: how its dates are written. `relation` is SQL for a relation with `_delivery_id` and the columns, as text.

    Columns all of ISO are left out. Memory grows with the different dates of a column, not with its rows.
    """
    if not columns:
        return {}
    plain = ", ".join(f"coalesce(bool_and({quoted(c)} like '____-__-__%' or nullif({quoted(c)}, '') is null), true)" for c in columns)
    rows = db.execute(f"select _delivery_id, {plain} from {relation} group by 1").fetchall()
    settled: dict[tuple[str, str], Settled] = {}
    for i, column in enumerate(columns, start=1):
        if some := [str(r[0]) for r in rows if not r[i]]:
            settled.update({(d, column): found for d, found in _column(db, relation, column, some).items()})
    return settled


def _column(db: duckdb.DuckDBPyConnection, relation: str, column: str, deliveries: Sequence[str]) -> dict[str, Settled]:
    """One column of the deliveries that are not all ISO, from a count of their different dates."""
    among = ", ".join(literal(d) for d in deliveries)
    shapes = {shape: f"f{i}" for i, shape in enumerate(_families())}
    readings = {f: f"r{i}" for i, f in enumerate(formats())}
    counts = [f"sum(n) filter (where regexp_full_match(v, {literal(_ISO_SHAPE)})) as iso"]
    counts += [
        f"sum(n) filter (where {name} and ({' or '.join(f'{readings[f]} is not null' for f in _families()[s])})) as {name}" for s, name in shapes.items()
    ]
    counts += [f"min(line) filter (where {r} is not null) as some_{r}" for r in readings.values()]
    names = ["iso", *shapes.values(), *(f"some_{r}" for r in readings.values())]
    for rivals in _families().values():
        for a, b in combinations((readings[f] for f in rivals), 2):
            counts += [f"min(line) filter (where {a} is not null and {b} is null) as only_{a}_{b}"]
            counts += [f"min(line) filter (where {b} is not null and {a} is null) as only_{b}_{a}"]
            counts += [f"count(*) filter (where {a} <> {b}) as differ_{a}_{b}"]
            names += [f"only_{a}_{b}", f"only_{b}_{a}", f"differ_{a}_{b}"]
    looks = ", ".join(f"regexp_full_match(v, {literal(s)}) as {name}" for s, name in shapes.items())
    reads = ", ".join(f"case when {shapes[shape_of(f)]} then cast(try_strptime(v, {literal(f)}) as date) end as {name}" for f, name in readings.items())
    found = db.execute(f"""
        with dates as (
            select _delivery_id, {without_time(quoted(column))} as v, count(*) as n, min(_line) as line
            from {relation} where _delivery_id in ({among}) and nullif({quoted(column)}, '') is not null group by 1, 2
        ), shaped as (select *, {looks} from dates), readings as (select *, {reads} from shaped)
        select _delivery_id, {", ".join(counts)} from readings group by 1""").fetchall()
    return {str(d): _judge(dict(zip(names, values, strict=True)), shapes, readings) for d, *values in found}


def _judge(counts: Mapping[str, int | None], shapes: Mapping[str, str], readings: Mapping[str, str]) -> Settled:
    """The format of the shape that most rows have. Rows of another shape are left as they stand, for the gate to set aside."""
    shape, n = max(((s, counts[name] or 0) for s, name in shapes.items()), key=lambda pair: pair[1])
    if n == 0 or (counts["iso"] or 0) > n:
        return Settled()
    possible = [f for f in _families()[shape] if counts[f"some_{readings[f]}"] is not None]
    for a, b in combinations(possible, 2):
        ra, rb = readings[a], readings[b]
        only_a, only_b = counts[f"only_{ra}_{rb}"], counts[f"only_{rb}_{ra}"]
        if only_a is not None and only_b is not None:
            return Settled(why=f"line {only_a} can only be {a} and line {only_b} only {b}")
        if only_a is not None or only_b is not None:
            return Settled(a if only_a is not None else b)
        if counts[f"differ_{ra}_{rb}"]:
            return Settled(why=f"every value can be {a} and can be {b}, which are different days")
    return Settled(possible[0])
