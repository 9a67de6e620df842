"""A district's own extract (CSV or JSON lines), read through the column map in `district.toml`. Its tables are data: `extract_tables.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipelines.district import Source
from pipelines.sources.shape import Format, Projection, Reading, Table, file_columns, iso_date, literal, quoted, select, suggestion, trimmed

_LAYOUT: dict[str, Any] = tomllib.loads(Path(__file__).with_name("extract_tables.toml").read_text(encoding="utf-8"))
_FLAG_WORDS: dict[str, list[str]] = _LAYOUT["flag_words"]
_FLAGS: dict[str, tuple[str, ...]] = {name: tuple(t.get("flags", ())) for name, t in _LAYOUT["tables"].items()}

TABLES: dict[str, Table] = {
    name: Table(
        name=f"extract__{name}",
        columns=tuple(layout["columns"]),
        key=tuple(layout["key"]),
        required=tuple(layout["required"]),
        scope=layout.get("scope", "table"),
        scope_column=layout.get("scope_column", ""),
        withdrawal=layout.get("withdrawal", "erases"),
        dates=tuple(c for c in layout["columns"] if c in _LAYOUT["date_columns"]),
    )
    for name, layout in _LAYOUT["tables"].items()
}


def flag(expression: str) -> str:
    """A yes or no in any of `flag_words` as `true` or `false`; anything else left as it stood, for the gate to judge."""
    cases = " ".join(
        f"when lower({trimmed(expression)}) in ({', '.join(literal(w) for w in words)}) then {literal(value)}" for value, words in _FLAG_WORDS.items()
    )
    return f"case {cases} else {expression} end"


def projection(table: Table, source: Source, raw_columns: Sequence[str], reading: Reading) -> Projection:
    """Read the file through `source.columns` (exact names; our own name where the map is silent), `constants` and `date_formats`."""
    present = file_columns(raw_columns)
    flags = _FLAGS[table.name.removeprefix("extract__")]
    cells: dict[str, str] = {}
    used: set[str] = set()
    missing: list[str] = []
    notes: list[str] = []
    for column in table.columns:
        theirs = source.columns.get(column, column)
        if column in source.constants:
            cells[column] = literal(source.constants[column])
        elif theirs in present:
            used.add(theirs)
            cells[column] = iso_date(quoted(theirs), source.date_formats.get(column))
        elif column in table.required:
            missing.append(theirs)
            place = f"columns.{column} of source {source.id} in district.toml"
            notes.append(f"the file has no column {theirs!r}{suggestion(theirs, present)} It is needed as {column}: set {place}")
        elif column in source.columns:
            notes.append(f"the file has no column {theirs!r}{suggestion(theirs, present)} {column} stays blank")
        if column in flags and column in cells:
            cells[column] = flag(cells[column])
    unknown = tuple(c for c in present if c not in used)
    return Projection(select(table, cells), tuple(missing), unknown, tuple(notes))


def _tables_of(source: Source, name: str) -> tuple[Table, ...] | str:
    table = TABLES.get(source.table or "")
    return (table,) if table else f"source {source.id}: table = {source.table!r} is none of {', '.join(TABLES)}"


FORMAT = Format("extract", TABLES, _tables_of, projection)
