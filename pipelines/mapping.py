"""A first draft of a `[[sources]]` block for a file that nobody has described yet: from its header, its values and a list of common spellings.

Belongs here: placing their columns in our tables, and saying what could not be placed and why. No value of a person leaves this module: of a column
people see its name and its shape; values only where it was placed as a code and few of them stand for many rows.
"""

from __future__ import annotations

import csv
import difflib
import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from pipelines.district import District, Intake, Source
from pipelines.intake.detect import detect
from pipelines.intake.examine import examine
from pipelines.intake.excel import examine_workbook
from pipelines.intake.write import write_raw
from pipelines.quality.dates import settle
from pipelines.sources import FORMATS
from pipelines.sources.shape import Table, file_columns, quoted

_SPELLINGS = Path(__file__).parent / "sources" / "spellings.csv"
_ALIKE = 0.75  # similarity from which a name is taken for another spelling
_LISTED = 0.9  # above it the name is ours, or one of the listed spellings
_READ = {"ISO": "are ISO", "open": "can be read in two ways: see the block"}
_MAX_CODES, _MAX_CODE_LENGTH, _ROWS_PER_CODE = 40, 60, 2
_CODED = ("_code", "_type", "modality", "period")  # ends of the names of columns that hold codes
_DATES_IN_NAMES = ((r"\d{4}-\d{2}-\d{2}", "%Y-%m-%d"), (r"\d{2}-\d{2}-\d{4}", "%m-%d-%Y"), (r"(?<!\d)20\d{6}(?!\d)", "%Y%m%d"))


class MapError(Exception):
    """No block can be drafted; the message says why and what to do."""


@dataclass(frozen=True)
class Column:
    """One column of the file. `shape` describes its values without giving one; `date_format` is "ISO", a format, "open" or "" (no dates)."""

    name: str
    shape: str
    n_filled: int
    n_different: int
    date_format: str = ""
    why_open: str = ""


@dataclass(frozen=True)
class Place:
    """A column of our table: theirs ("" where none was found) and why."""

    ours: str
    theirs: str
    is_required: bool
    why: str


@dataclass(frozen=True)
class Draft:
    """The block as TOML, what it says, and what it leaves open."""

    table: str
    n_rows: int
    toml: str
    places: tuple[Place, ...]
    unread: tuple[Column, ...]
    codes: Mapping[str, tuple[tuple[str, int], ...]]
    remarks: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {**asdict(replace(self, codes={})), "codes": {k: [list(c) for c in v] for k, v in self.codes.items()}}


def draft(path: Path, table: str | None, district: District | None) -> Draft:
    """Read the file and draft its block. Raises MapError, DetectError, OSError."""
    tables = FORMATS["extract"].tables
    if table is not None and table not in tables:
        raise MapError(f"--table {table} is none of {', '.join(tables)}")
    found = detect(path)
    name = _free_id(re.sub(r"[^a-z0-9]+", "_", _without_date(path.stem).lower()).strip("_"), district)
    source = Source(id=name, format="extract", table=next(iter(tables)), path="*", business_date=datetime.now(UTC).date(), **found)
    with tempfile.TemporaryDirectory() as scratch, duckdb.connect() as db:
        remarks = _take(path, Path(scratch) / "raw.parquet", source, district.intake if district else Intake())
        db.execute(f"create view raw as select * from read_parquet('{scratch}/raw.parquet')")
        columns = _columns(db)
        n_rows = int(db.execute("select count(*) from raw").fetchall()[0][0])
        chosen, places = _choose({table: tables[table]} if table else tables, columns)
        if not any(p.theirs for p in places):
            raise MapError(f"{path.name}: none of its {len(columns)} columns looks like one of ours; say which table it is with --table {'|'.join(tables)}")
        codes = {p.ours: _codes(db, p.theirs) for p in places if p.theirs and p.ours.endswith(_CODED)}
        days = next((p.theirs for p in places if p.ours == tables[chosen].scope_column), "")
        several = bool(days) and tables[chosen].scope == "business_date" and next(c for c in columns if c.name == days).n_different > 1
    block = _toml(path, name, chosen, found, places, columns, "delta" if several else "bulk", district)
    used = {p.theirs for p in places}
    if several:
        remarks = (*remarks, "the file holds several days, so its mode is delta: it changes what it names and closes nothing")
    unread = tuple(c for c in columns if c.name not in used)
    return Draft(chosen, n_rows, block, tuple(places), unread, {k: v for k, v in codes.items() if v}, remarks)


def _take(path: Path, target: Path, source: Source, limits: Intake) -> tuple[str, ...]:
    """The file as raw Parquet, by the very code that the night uses; gives its warnings."""
    setting = f"file_type of source {source.id}"
    is_book = source.file_type == "excel"
    examined = examine_workbook(path, path.name, limits, setting) if is_book else examine(path, path.name, source.encoding, setting)
    if examined.why:
        raise MapError(examined.why)
    written = write_raw(path, target, path.name, "draft", source, examined, ())
    if written.why or not written.n_rows:
        raise MapError(written.why or f"{path.name}: has a header and no rows; a file with rows is needed to see what its columns hold")
    return written.warnings


def _columns(db: duckdb.DuckDBPyConnection) -> list[Column]:
    names = file_columns(str(c[0]) for c in db.execute("describe raw").fetchall())
    parts = []
    for c in names:
        v = f"nullif(trim({quoted(c)}), '')"
        parts += [
            f"count({v})",
            f"count(distinct {v})",
            f"min(length({v}))",
            f"max(length({v}))",
            f"coalesce(bool_and(regexp_full_match({v}, '[0-9]+')), false)",
        ]
        parts.append(f"coalesce(avg(cast(regexp_full_match({v}, '[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}.*') as integer)), 0)")
    values = db.execute(f"select {', '.join(parts)} from raw").fetchall()[0]
    open_dates = settle(db, "(select * from raw where _defect is null)", names)
    columns = []
    for i, c in enumerate(names):
        n, different, shortest, longest, is_digits, iso = values[6 * i : 6 * i + 6]
        settled = open_dates.get(("draft", c))
        date_format = "ISO" if iso > 0.5 else settled.date_format or ("open" if settled.why else "") if settled else ""
        if is_digits and date_format not in ("", "%Y%m%d"):
            date_format = ""
        shape = "blank" if not n else "dates" if date_format else f"{'digits' if is_digits else 'text'} of {_range(shortest, longest)} characters"
        columns.append(Column(c, shape, int(n), int(different), date_format, settled.why if settled else ""))
    return columns


def _range(shortest: int, longest: int) -> str:
    return str(longest) if shortest == longest else f"{shortest} to {longest}"


@cache
def _spellings() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    with _SPELLINGS.open(newline="", encoding="utf-8") as f:
        for row in csv.DictReader(f):
            found.setdefault(row["ours"], []).append(row["theirs"])
    return {ours: tuple(some) for ours, some in found.items()}


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _similarity(ours: str, theirs: str) -> float:
    """1 for our own name, a little less for each listed spelling down the list, else how alike they are written."""
    known = (ours, *_spellings().get(ours, ()))
    plain = _plain(theirs)
    for i, name in enumerate(known):
        if _plain(name) == plain:
            return 1 - i / 1000
    return 0.9 * max(difflib.SequenceMatcher(None, _plain(name), plain).ratio() for name in known)


def _unfit(table: Table, ours: str, column: Column) -> str:
    """Why the column's values speak against the place; "" where nothing does."""
    if column.n_filled == 0:
        return "" if ours not in table.required else "is blank throughout"
    if ours in table.dates and not column.date_format:
        return "holds no dates"
    if ours not in table.dates and column.date_format not in ("", "%Y%m%d"):
        return "holds dates"
    if ours.endswith(_CODED) and column.n_different > _MAX_CODES and column.n_different * _ROWS_PER_CODE > column.n_filled:
        return f"holds {column.n_different:,} different values, too many for codes"
    return ""


def _choose(tables: Mapping[str, Table], columns: Sequence[Column]) -> tuple[str, list[Place]]:
    """The table of which most required columns were found (then: most columns), and the places in it."""
    placed = {name: _places(t, columns) for name, t in tables.items()}

    def rank(name: str) -> tuple[float, int]:
        required = [p for p in placed[name] if p.is_required]
        return sum(bool(p.theirs) for p in required) / len(required), sum(bool(p.theirs) for p in placed[name])

    best = max(placed, key=rank)
    return best, placed[best]


def _places(table: Table, columns: Sequence[Column]) -> list[Place]:
    """Each of our columns with the likeliest of theirs, the likeliest pairs first; none is used twice."""
    pairs = sorted(((_similarity(o, c.name), o, c) for o in table.columns for c in columns), key=lambda p: -p[0])
    taken: dict[str, str] = {}
    why: dict[str, str] = {}
    against: dict[str, str] = {}
    for alike, ours, column in pairs:
        if alike < _ALIKE or column.name in taken.values():
            continue
        reason = _unfit(table, ours, column)
        if ours in taken:
            why[ours] += f"; {column.name!r} may be it as well" if alike > _LISTED and not reason and "as well" not in why[ours] else ""
        elif reason:
            against.setdefault(ours, f"{column.name!r} is called so, but {reason}")
        else:
            taken[ours] = column.name
            why[ours] = "the same name" if alike == 1 else "a common spelling" if alike > _LISTED else "a similar name"
            why[ours] += f"; dates {_READ.get(column.date_format, f'read as {column.date_format}')}" if ours in table.dates else ""
    return [Place(o, taken.get(o, ""), o in table.required, why.get(o) or against.get(o) or "no column is called anything like it") for o in table.columns]


def _codes(db: duckdb.DuckDBPyConnection, column: str) -> tuple[tuple[str, int], ...]:
    """The codes of a column with their counts, most frequent first; nothing where they are many, long or rare, as people's values are."""
    sql = f"select trim({quoted(column)}) as code, count(*) as n from raw where nullif(trim({quoted(column)}), '') is not null group by 1 order by 2 desc, 1"
    rows = db.execute(f"{sql} limit {_MAX_CODES + 1}").fetchall()
    n = sum(r[1] for r in rows)
    if len(rows) > _MAX_CODES or len(rows) * _ROWS_PER_CODE > n or any(len(r[0]) > _MAX_CODE_LENGTH for r in rows):
        return ()
    return tuple((str(code), int(count)) for code, count in rows)


def _without_date(stem: str) -> str:
    for pattern, _ in _DATES_IN_NAMES:
        stem = re.sub(pattern, "", stem)
    return stem


def _free_id(name: str, district: District | None) -> str:
    """An id for the source that no other has, beginning with a letter."""
    name = name if re.match("[a-z]", name) else f"source_{name}".rstrip("_")
    used = {s.id for s in district.sources} if district else set()
    return next(i for i in (name, *(f"{name}_{n}" for n in range(2, len(used) + 3))) if i not in used)


def _toml(
    path: Path, name: str, table: str, found: Mapping[str, Any], places: Sequence[Place], columns: Sequence[Column], mode: str, district: District | None
) -> str:
    by_name = {c.name: c for c in columns}
    folder = name
    if district and path.resolve().is_relative_to(district.landing.resolve()):
        folder = path.resolve().parent.relative_to(district.landing.resolve()).as_posix()
    lines = ["[[sources]]", f"id = {_text(name)}", 'format = "extract"', f"table = {_text(table)}"]
    dated = next(((p, f) for p, f in _DATES_IN_NAMES if re.search(p, path.name)), None)
    glob = re.sub(dated[0], "*", path.name) if dated else path.name
    lines.append(f"path = {_text(glob if folder == '.' else f'{folder}/{glob}')}  # below the landing folder")
    if dated:
        lines += [f"date = {_text(f'(?P<date>{dated[0]})')}", f"date_format = {_text(dated[1])}"]
    else:
        day = datetime.fromtimestamp(path.stat().st_mtime, UTC).date()
        lines.append(f"business_date = {day}  # the file's name says no date: name files by day, or set this for each")
    lines.append(f"mode = {_text(mode)}")
    for key, value in found.items():
        if key == "widths":
            lines += [f"widths.{_text(n)} = [{a}, {b}]" for n, (a, b) in value.items()]
        else:
            lines.append(f"{key} = {_text(value) if isinstance(value, str) else value}")
    secret = [c.name for c in columns if any(_plain(c.name) == _plain(r) for r in _spellings()["redact"])]
    if secret:
        lines.append(f"redact = [{', '.join(map(_text, secret))}]  # not kept anywhere")
    for p in places:
        if p.theirs:
            lines.append(f"columns.{p.ours} = {_text(p.theirs)}")
            column = by_name[p.theirs]
            if column.date_format == "open":
                lines.append(f'# date_formats.{p.ours} = "%m/%d/%Y"  # say which: {column.why_open}')
        elif p.is_required:
            lines.append(f'# columns.{p.ours} = "?"  # needed: {p.why}; or constants.{p.ours} = "..." where it is the same for all')
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    """A TOML basic string, which JSON's escapes are within (`ensure_ascii`, but for characters past 16 bits)."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
