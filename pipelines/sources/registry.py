"""The improvement registry: the spreadsheet that a strategy team keeps, a sheet a table (`registry_sheets.toml` says which), or a CSV file for each.

People type it, so it is read leniently: names in any case and spacing, listed words with whatever note follows them, dates with a month's name in any
order. Lines with fewer than two cells filled are remarks and no rows. What still cannot be read is set aside with a sentence on it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipelines.district import Source
from pipelines.sources.shape import Format, Projection, Reading, Table, file_columns, iso_date, literal, quoted, select, suggestion, trimmed

_LAYOUT: dict[str, Any] = tomllib.loads(Path(__file__).with_name("registry_sheets.toml").read_text(encoding="utf-8"))
ALIASES: dict[str, list[str]] = _LAYOUT.pop("aliases")
SHEETS: dict[str, dict[str, Any]] = _LAYOUT
_NOTE = r"\s*(\([^)]*\)|\[[^\]]*\]|\*+|\?+)\s*$"
_WEEKDAY = r"^(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,? +)?"
_MONTH_FIRST = _WEEKDAY + r"([a-z]{3})[a-z]*\.? +(\d{1,2})(?:st|nd|rd|th)?,? +(\d{4})$"
_DAY_FIRST = _WEEKDAY + r"(\d{1,2})(?:st|nd|rd|th)?(?: +of)?[ -]+([a-z]{3})[a-z]*\.?,?[ -]+(\d{4})$"

TABLES: dict[str, Table] = {
    sheet: Table(
        name=f"registry__{sheet}",
        columns=tuple(layout["columns"]),
        key=tuple(layout["key"]),
        required=tuple(layout["required"]),
        dates=tuple(c for c, kind in layout["columns"].items() if kind == "date"),
    )
    for sheet, layout in SHEETS.items()
}


def projection(table: Table, source: Source, raw_columns: Sequence[str], reading: Reading) -> Projection:
    """By `source.columns` where it says, else by our name or a listed alias, in any case and spacing."""
    sheet = next(s for s, t in TABLES.items() if t.name == table.name)
    present = file_columns(raw_columns)
    plain: dict[str, str] = {}
    for c in present:
        plain.setdefault(_plain(c), c)
    found: dict[str, str] = {}
    for column in table.columns:
        names = [source.columns[column]] if column in source.columns else [column, *ALIASES.get(column, ())]
        theirs = next((plain[_plain(n)] for n in names if _plain(n) in plain and plain[_plain(n)] not in found.values()), None)
        if theirs is not None:
            found[column] = theirs
    cells = {c: literal(v) for c, v in source.constants.items() if c in table.columns}
    for column, theirs in found.items():
        cells[column] = _cell(quoted(theirs), SHEETS[sheet]["columns"][column], source.date_formats.get(column))
    missing = tuple(c for c in table.required if c not in cells)
    notes = tuple(f"sheet {sheet!r} has no column {c!r}{suggestion(c, present)}" for c in missing)
    unknown = tuple(c for c in present if c not in found.values())
    filled = " + ".join(f"(coalesce({trimmed(quoted(c))}, '') <> '')::integer" for c in present) or "0"
    context = f"(_defect is null and {filled} < 2)"
    return Projection(select(table, cells, f"(select * from raw where not {context})"), missing, unknown, notes, context)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _cell(cell: str, kind: str | list[str], date_format: str | None) -> str:
    """The SQL that reads one cell of a kind; what it cannot read it leaves as it stood."""
    if isinstance(kind, list):
        cases = " ".join(f"when regexp_matches(lower({trimmed(cell)}), {literal(f'^{re.escape(word)}([^a-z]|$)')}) then {literal(word)}" for word in kind)
        return f"(case {cases} else {cell} end)"
    if kind == "date":
        bare = _without_note(cell)
        text = f"lower({bare})"
        spelled = f"coalesce({_spelled(text, _MONTH_FIRST, 2, 1)}, {_spelled(text, _DAY_FIRST, 1, 2)})"
        return f"coalesce({spelled}, {iso_date(bare, date_format)})"
    if kind == "number":
        digits = f"replace(regexp_replace({_without_note(cell)}, ' *%$', ''), ',', '')"
        return f"(case when regexp_full_match({digits}, '-?[0-9]*[.]?[0-9]+') then {digits} else {cell} end)"
    return cell


def _without_note(cell: str) -> str:
    """A cell without the remark in brackets, the asterisk or the question mark that people put after what they are asked for."""
    return f"regexp_replace({trimmed(cell)}, {literal(_NOTE)}, '')"


def _spelled(text: str, pattern: str, day: int, month: int) -> str:
    """A date with the month's name as ISO, null where it is none."""
    parts = [f"regexp_extract({text}, {literal(pattern)}, {i})" for i in (day, month, 3)]
    return f"strftime(try_strptime({parts[0]} || ' ' || {parts[1]} || ' ' || {parts[2]}, '%d %b %Y'), '%Y-%m-%d')"


def _tables_of(source: Source, name: str) -> tuple[Table, ...] | str:
    """A workbook feeds every sheet's table; a text file the one that `table` or its name says."""
    if source.table:
        return (TABLES[source.table],)
    if source.file_type == "excel":
        return tuple(TABLES.values())
    stem = name.rpartition("/")[2].lower()
    found = max((s for s in TABLES if s in stem), key=len, default="")
    return (TABLES[found],) if found else f"source {source.id}: its name says no sheet; name it after one of {', '.join(TABLES)}, or set table"


def sheet_for(table: Table, names: Sequence[str]) -> str | None:
    """The sheet of these names that holds the table, in any case and spacing."""
    wanted = _plain(table.name.partition("__")[2])
    return next((n for n in names if _plain(n) == wanted), None)


FORMAT = Format("registry", TABLES, _tables_of, projection, sheet_for=sheet_for)
