"""Ed-Fi resources as JSON: API pages (nested references) and exports with flattened references, data standards 4, 5 and 6.

Belongs here: how a landed record becomes a row of an accepted table. Which resources are read, and from which JSON paths, is data
(`edfi_resources.csv`): for each column its paths in order of preference, over the data standards and both renderings. A path is dotted
(`studentReference.studentUniqueId`); `races[raceDescriptor]` is a list, whose items are objects or, unwrapped, the values of that one field.

A record's key is the API's `id`; where there is none, its natural key. Deletes say either of them (`Id`, `id` or `keyValues`). A key change
withdraws the old natural key; under an id the record's own upsert, which the API sends in the same window, brings the new one.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from pipelines.district import Source
from pipelines.sources.shape import Format, Kind, Mode, Projection, Reading, Table, file_columns, literal, quoted, select, trimmed

RESOURCES = Path(__file__).with_name("edfi_resources.csv")
# Who answered a survey is said by a reference, if at all; names and addresses written on the answers are kept nowhere.
REDACTED: tuple[str, ...] = ("electronicMailAddress", "fullName")
# The kinds of page, with the order in which those of one date are true: a deletion comes last, whatever the order of arrival.
KINDS: dict[str, tuple[Mode, int]] = {"keychanges": ("delta", 0), "full": ("bulk", 1), "upserts": ("delta", 2), "deletes": ("delta", 3)}
_WITHOUT_KIND = 2


@dataclass(frozen=True)
class Column:
    """A column of an accepted table and where it is found. `key` is `true`, `optional` (part of the natural key where it is said) or `false`."""

    name: str
    paths: tuple[str, ...]
    key: str
    is_required: bool


@dataclass(frozen=True)
class Resource:
    """One row group of `edfi_resources.csv`: a resource (or a pattern of names) and the table that it feeds."""

    pattern: str
    table: str
    columns: tuple[Column, ...]


@cache
def resources() -> tuple[Resource, ...]:
    """Everything that is read, in the file's order."""
    found: dict[tuple[str, str], list[Column]] = {}
    with RESOURCES.open(newline="", encoding="utf-8") as f:
        for row in csv.DictReader(f):
            column = Column(row["column"], tuple(row["paths"].split(";")), row["is_key"], row["is_required"] == "true")
            found.setdefault((row["resource"], row["table"]), []).append(column)
    return tuple(Resource(pattern, table, tuple(columns)) for (pattern, table), columns in found.items())


def _tables() -> dict[str, Table]:
    tables: dict[str, Table] = {}
    for resource in resources():
        several = next((c.name for c in resource.columns if c.paths == ("=",)), "")
        tables[resource.table] = Table(
            name=f"edfi__{resource.table}",
            columns=("record_id", "natural_key", *(c.name for c in resource.columns)),
            key=("record_id",),
            required=tuple(c.name for c in resource.columns if c.is_required),
            scope="rows" if several else "table",  # a whole file speaks for its own resource only
            scope_column=several,
        )
    return tables


TABLES: dict[str, Table] = _tables()


def resource_of(name: str) -> str:
    """The resource (plural, as in the API) that a path names in its file stem or a folder, deepest first; "" where it names none that is read."""
    *folders, file = name.split("/")
    for part in (file.split(".")[0], *reversed(folders)):
        if found := _resource(part):
            return found
    return ""


@cache
def _resource(name: str) -> str:
    plural = re.sub(r"(?<![aeiou])y$", "ie", name) + "s"
    for candidate in (name, plural):
        if any(fnmatchcase(candidate, r.pattern) for r in resources()):
            return candidate
    return ""


def kind_of(source: Source, name: str) -> Kind:
    """What a page is, by the folders of its path: `upserts`, `deletes`, `keyChanges` or `full`; else what the source's `mode` says."""
    kind = next((p.lower() for p in reversed(name.split("/")[:-1]) if p.lower() in KINDS), "")
    mode, order = KINDS.get(kind, (source.mode, _WITHOUT_KIND))
    return Kind(f"{resource_of(name)}/{kind}", mode, order)


def projection(table: Table, source: Source, raw_columns: Sequence[str], reading: Reading) -> Projection:
    """One row a record. A file without records needs no columns; one whose records all lack a required path says so."""
    name, _, kind = reading.kind.partition("/")
    resource = next(r for r in resources() if fnmatchcase(name, r.pattern))
    present = {c.lower(): c for c in file_columns(raw_columns)}
    if kind in ("deletes", "keychanges"):
        return _withdrawals(table, resource, name, kind, present)
    cells = {c.name: _cell(c, name, present) for c in resource.columns}
    missing = tuple(c.paths[0] for c in resource.columns if c.is_required and present and cells[c.name] is None)
    said = {n: e for n, e in cells.items() if e is not None}
    natural = _natural_key(resource, name, said)
    own_id = _text("id", present)
    said |= {"natural_key": natural, "record_id": f"coalesce({own_id or 'null'}, {natural}, {_NAMELESS})"}
    notes = tuple(f"no record has {path!r}; see that the file holds {name}" for path in missing)
    return Projection(select(table, said), missing, (), notes)


def _withdrawals(table: Table, resource: Resource, name: str, kind: str, present: Mapping[str, str]) -> Projection:
    """Rows that take a record away: by its id where a deletion says one, else by its (old) natural key."""
    parent = "keyValues" if kind == "deletes" else "oldKeyValues"
    said: dict[str, str] = {}
    for column in resource.columns:
        if column.paths == ("=",):
            said[column.name] = literal(name)
        elif column.key != "false":
            leaves = [f"{parent}.{p.rpartition('.')[2]}" for p in column.paths]
            if found := _first([_text(leaf, present) for leaf in leaves]):
                said[column.name] = _date(column.name, found)
    own_id = _text("id", present) if kind == "deletes" else None
    natural = _natural_key(resource, name, said) if any(c.name in said for c in resource.columns if c.key == "true") else "null"
    missing = ("id",) if present and own_id is None and natural == "null" else ()
    notes = tuple(f"no record has {m!r} or {parent}" for m in missing)
    return Projection(select(table, {"record_id": f"coalesce({own_id or 'null'}, {natural}, {_NAMELESS})"}, is_deleted="true"), missing, (), notes)


_NAMELESS = "'?' || _delivery_id || ':' || _line"  # a record that lacks part of its key is nobody else's: the gate says what it lacks


def _natural_key(resource: Resource, name: str, said: Mapping[str, str]) -> str:
    """The parts of the natural key, escaped and joined; null where a part is missing. Tables of several resources begin with the resource."""
    parts = []
    for c in resource.columns:
        if c.paths == ("=",):
            parts.append(literal(name))
        elif c.key != "false" and c.name in said:
            parts.append(f"replace(replace({trimmed(said[c.name])}, '^', '^^'), '|', '^|')")
        elif c.key == "true":
            return "null"
    needed = [said[c.name] for c in resource.columns if c.key == "true"]
    known = " and ".join(f"nullif({trimmed(e)}, '') is not null" for e in needed)
    return f"case when {known} then concat_ws('|', {', '.join(parts)}) end"


def _cell(column: Column, resource: str, present: Mapping[str, str]) -> str | None:
    """The column's value as SQL, from whichever of its paths the file has; None where it has none of them."""
    if column.paths == ("=",):
        return literal(resource)
    values = [_list(p, present) if p.endswith("]") else _text(p, present) for p in column.paths]
    found = _first(values)
    return _date(column.name, found) if found else None


def _date(column: str, expression: str) -> str:
    """Older APIs write a date as midnight of the day."""
    return f"regexp_replace({expression}, 'T00:00:00([.]0+)?Z?$', '')" if column.endswith("_date") else expression


def _first(values: Sequence[str | None]) -> str | None:
    there = [v for v in values if v is not None]
    return None if not there else there[0] if len(there) == 1 else f"coalesce({', '.join(there)})"


def _text(path: str, present: Mapping[str, str]) -> str | None:
    there = present.get(path.lower())
    return None if there is None else f"nullif({trimmed(quoted(there))}, '')"


def _list(path: str, present: Mapping[str, str]) -> str | None:
    """A list as JSON text, always of objects: a list of them, one object (its fields are columns of their own in raw), or the values of one field."""
    base, _, wrap = path.rstrip("]").partition("[")
    values: list[str | None] = []
    if (text := _text(base, present)) is not None:
        wrapped = f"json_object({literal(wrap)}, x)" if wrap else "x"
        items = f"list_transform(json_extract({text}, '$[*]'), lambda x: case when json_type(x) = 'OBJECT' then x else {wrapped} end)"
        one = f"to_json([json_object({literal(wrap)}, {text})])::varchar" if wrap else "null"
        values.append(f"case when coalesce({text}, '[]') in ('[]', '{{}}') then null when {text} like '[%' then to_json({items})::varchar else {one} end")
    below = [(p[len(base) + 1 :], c) for p, c in ((c, c) for c in present.values()) if p.lower().startswith(base.lower() + ".")]
    if below:
        pairs = ", ".join(f"{literal(field)}, {quoted(c)}" for field, c in below)
        stated = f"json_merge_patch('{{}}', json_object({pairs}))::varchar"
        values.append(f"case when {stated} <> '{{}}' then '[' || {stated} || ']' end")
    return _first(values)


def _tables_of(source: Source, name: str) -> tuple[Table, ...] | str:
    found = resource_of(name)
    if not found:
        return f"source {source.id}: neither the file nor a folder of it is named after an Ed-Fi resource that is read"
    if found in source.without:
        return f"source {source.id}: {found} is not read, as `without` says"
    return (TABLES[next(r.table for r in resources() if fnmatchcase(found, r.pattern))],)


FORMAT = Format("edfi", TABLES, _tables_of, projection, REDACTED, kind_of=kind_of)
