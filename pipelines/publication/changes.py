"""Reading a plan's changes out of the build database: the part of publishing that every warehouse shares.

Belongs here: opening the build read-only, checking that a change keeps its promises, the query for its rows, and the hash of content.
The checks cost what the change costs, never what the mart's history costs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from pipelines.publication.warehouse import PERIOD, SLICE_COLUMNS, Column, Content, Mart, MartChange, SliceStatus, WarehouseError, listed, quoted
from pipelines.quality.build import bounds

_ARROW: dict[str, pa.DataType] = {"varchar": pa.string(), "integer": pa.int32(), "date": pa.date32()}


@contextmanager
def scratch(spill: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory DuckDB that spills into `spill` (which DuckDB makes when it needs it) and nowhere else, with UTC as its time zone."""
    con = duckdb.connect(":memory:", config=dict(bounds(spill)))
    try:
        con.execute("set timezone = 'UTC'")
        yield con
    finally:
        con.close()


def attach_build(con: duckdb.DuckDBPyConnection, build: Path) -> None:
    """Attach the build database, read-only, as `build`."""
    try:
        con.execute(f"attach {literal(str(build))} as build (read_only)")
    except duckdb.Error as e:
        raise WarehouseError(f"{build}: cannot be read (is it still open for writing?): {e}") from e


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def in_build(relation: str) -> str:
    """`schema.name` of the build database as a quoted name."""
    return quoted("build", *relation.split("."))


def same(columns: Sequence[str], left: str, right: str) -> str:
    """Both sides' columns are equal, nulls too."""
    return " and ".join(f"{left}.{quoted(c)} is not distinct from {right}.{quoted(c)}" for c in columns)


def kept(change: MartChange, alias: str) -> str:
    """SQL: the row belongs to a school (or, with "*", to an indicator) whose rows are carried over."""
    tests = []
    if schools := [k for k in change.keep if k[2] != "*"]:
        rows = ", ".join(f"({literal(i)}, {int(y)}, {literal(s)})" for i, y, s in schools)
        tests.append(f"({alias}.indicator_id, {alias}.school_year, coalesce({alias}.school_id, '')) in ({rows})")
    if everywhere := [k for k in change.keep if k[2] == "*"]:
        rows = ", ".join(f"({literal(i)}, {int(y)})" for i, y, _ in everywhere)
        tests.append(f"({alias}.indicator_id, {alias}.school_year) in ({rows})")
    return f"({' or '.join(tests)})" if tests else "false"


def rows_query(change: MartChange, where: str = "true") -> str:
    """The new rows of a change that meet a condition on `r`, in the mart's columns and types."""
    columns = ", ".join(f"cast(r.{quoted(c.name)} as {c.type}) as {quoted(c.name)}" for c in change.mart.columns)
    return f"select {columns} from {in_build(change.rows)} r where {where}" + (f" and not ({kept(change, 'r')})" if change.keep else "")


def by_period(con: duckdb.DuckDBPyConnection, change: MartChange) -> list[str]:
    """The rows of a change, period by period, as conditions on `r`: what is written so lies together, and a later night rewrites little beside it."""
    columns = [c for c in PERIOD if c in change.mart.column_names]
    if not columns:
        return ["true"]
    rows = con.execute(f"select distinct {', '.join(f'cast({quoted(c)} as varchar)' for c in columns)} from {in_build(change.rows)} order by all").fetchall()
    return [" and ".join(f"r.{quoted(c)} {'is null' if v is None else '= ' + literal(v)}" for c, v in zip(columns, row, strict=True)) for row in rows]


def parts_query(change: MartChange) -> str:
    """The parts that a change replaces, in the mart's types."""
    types = {c.name: c.type for c in change.mart.columns}
    columns = ", ".join(f"cast(p.{quoted(c)} as {types[c]}) as {quoted(c)}" for c in change.mart.part)
    return f"select distinct {columns} from {in_build(change.parts)} p"


def check_change(con: duckdb.DuckDBPyConnection, change: MartChange) -> None:
    """Raise WarehouseError where a change lacks a column, repeats a key or brings a row outside the parts that it replaces."""
    mart = change.mart
    for relation, needed in ((change.rows, mart.column_names), (change.parts, () if change.whole else mart.part)):
        if not needed:
            continue
        try:
            found = con.execute(f"describe {in_build(relation)}").fetchall()
        except duckdb.Error as e:
            raise WarehouseError(f"{mart.name}: the build database has no {relation}") from e
        if missing := sorted(set(needed) - {row[0] for row in found}):
            raise WarehouseError(f"{mart.name}: {relation} lacks {', '.join(missing)}")
    keys = listed(mart.key)
    if repeated := count(con, f"(select 1 from {in_build(change.rows)} group by {keys} having count(*) > 1)"):
        raise WarehouseError(f"{mart.name}: {repeated} keys occur more than once in {change.rows} (key: {', '.join(mart.key)})")
    if not change.whole:
        known = f"select 1 from {in_build(change.parts)} p where {same(mart.part, 'p', 'r')}"
        if stray := count(con, f"(select 1 from {in_build(change.rows)} r where not exists ({known}))"):
            raise WarehouseError(f"{mart.name}: {stray} rows of {change.rows} lie in parts that {change.parts} does not list")


def is_empty(con: duckdb.DuckDBPyConnection, change: MartChange) -> bool:
    """The change replaces no part at all."""
    return not change.whole and not count(con, f"(select 1 from {in_build(change.parts)} limit 1)")


def count(con: duckdb.DuckDBPyConnection, source: str) -> int:
    """Rows of a relation or of a query in brackets."""
    return int(con.execute(f"select count(*) from {source}").fetchall()[0][0])  # fetchall: a result that is not read to its end blocks the next


def slices_table(slices: Sequence[SliceStatus]) -> pa.Table:
    """Slice statuses as a table with SLICE_COLUMNS."""
    schema = pa.schema([(c.name, _ARROW[c.type]) for c in SLICE_COLUMNS])
    return pa.Table.from_pylist([{c.name: getattr(s, c.name) for c in SLICE_COLUMNS} for s in slices], schema=schema)


def columns_of(con: duckdb.DuckDBPyConnection, table: pa.Table) -> tuple[Column, ...]:
    """The warehouse's columns for any Arrow table; a column of nulls alone becomes text, and so does what has no type of its own here."""
    con.register("_shape", table)
    try:
        found = con.execute("describe _shape").fetchall()
    finally:
        con.unregister("_shape")
    empty = {f.name for f in table.schema if pa.types.is_null(f.type)}
    return tuple(Column(name, "varchar" if name in empty else _plain(kind)) for name, kind, *_ in found)


def _plain(kind: str) -> str:
    if kind.startswith("TIMESTAMP"):
        return "timestamp"
    if kind.startswith("DECIMAL"):
        return kind.lower().replace(" ", "")
    if kind in ("TINYINT", "SMALLINT", "UTINYINT", "USMALLINT"):
        return "integer"
    if kind in ("UINTEGER", "FLOAT"):
        return {"UINTEGER": "bigint", "FLOAT": "double"}[kind]
    return kind.lower() if kind in ("VARCHAR", "BIGINT", "INTEGER", "DOUBLE", "BOOLEAN", "DATE") else "varchar"


def cast_query(columns: Sequence[Column], source: str) -> str:
    """Select `columns` from `source` in their own types."""
    return "select " + ", ".join(f"cast({quoted(c.name)} as {c.type}) as {quoted(c.name)}" for c in columns) + f" from {source}"


def content(con: duckdb.DuckDBPyConnection, mart: Mart, source: str) -> Content:
    """Count and hash the rows of `source` over the mart's own columns, whatever their order.

    Each row becomes canonical text (every value with its length, so that nothing runs together) and then a SHA-256; the hash is the SHA-256
    of those in order, taken by buckets so that memory stays small.
    """
    texts = [f"cast({quoted(c.name)} as {c.type})::varchar" for c in mart.columns]
    values = ", ".join(f"coalesce(length({t})::varchar || ':' || {t}, '-')" for t in texts)
    found = con.execute(
        f"with hashed as (select sha256(concat_ws(',', {values})) as h from {source}),"
        " buckets as (select left(h, 3) as bucket, count(*) as n, sha256(string_agg(h, '' order by h)) as h from hashed group by 1)"
        " select coalesce(sum(n), 0), sha256(coalesce(string_agg(h, '' order by bucket), '')) from buckets"
    ).fetchall()
    n_rows, digest = found[0]
    return Content(int(n_rows), str(digest))


def without_values(error: duckdb.Error) -> str:
    """A DuckDB error in words that cannot carry a row's values: conversion and constraint errors quote them."""
    if isinstance(error, (duckdb.ConversionException, duckdb.ConstraintException, duckdb.OutOfRangeException, duckdb.InvalidInputException)):
        return f"{type(error).__name__}: a value does not fit its column's type (the value is not shown)"
    return str(error).splitlines()[0]
