"""What a source table is: the shape that every format file describes its tables in.

Belongs here: the description of a table and of a format, and the pieces of SQL that projections share. Each format file (`oneroster.py`, `lms.py`, ...)
declares `TABLES`, says how raw columns become the table's columns, and gathers both in its `FORMAT`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pipelines.district import Source

Scope = Literal["table", "business_date", "rows"]
Withdrawal = Literal["erases", "ends"]
Mode = Literal["bulk", "delta"]


@dataclass(frozen=True)
class Table:
    """One accepted table: all its columns are text, named in snake case, in this order.

    `key` identifies a row within its source. A bulk delivery speaks for everything in its scope, and a key of that scope that it lacks
    is withdrawn: `table` is the whole table of that source; `business_date` the rows whose `scope_column` is the file's date;
    `rows` those whose `scope_column` is one of the values the file holds. A withdrawn row is forgotten (`erases`) or taken as true until the
    date of the first file that lacks it (`ends`). `dates` are the columns whose one format the gate settles by evidence for each file.
    """

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    required: tuple[str, ...]
    scope: Scope = "table"
    scope_column: str = ""
    withdrawal: Withdrawal = "erases"
    dates: tuple[str, ...] = ()


def snake(name: str) -> str:
    """`classSourcedId` -> `class_sourced_id`; `SISUserIdentifier` -> `sis_user_identifier`."""
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).replace(".", "_").lower()


PROVENANCE = ("_delivery_id", "_file", "_line", "_defect")
_BLANK = "' ' || chr(9) || chr(10) || chr(13) || chr(160)"  # also the no-break space that spreadsheets leave


@dataclass(frozen=True)
class Projection:
    """How one raw file becomes candidates of a table.

    `sql` is a DuckDB SELECT over the relation `raw` that gives the table's columns (text, trimmed; blank is NULL, in key columns ''),
    `_is_deleted`, and provenance. `missing` names required columns that the file lacks, as the file should have called them (`sql` gives
    NULL for them); `unknown` names columns that nothing reads; `notes` say in sentences what to do about both. `context` is a condition over
    `raw`, true of lines that say something about the columns and are no rows (a second header, points possible): `sql` gives nothing for them.
    `left_out` are lines that are rows of the file and no answers by its own account (a preview, spam), each kind in words with its condition: `sql`
    gives nothing for them either, and they are counted and reported.
    `remarks` are pairs of a condition over `raw` and a named warning: how many lines it is true of is said with the delivery.
    """

    sql: str
    missing: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    context: str = "false"
    left_out: tuple[tuple[str, str], ...] = ()
    remarks: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Item:
    """A question that the district's item map knows: what the file calls it, and its scale's answers, each with what a numeric export writes for it.

    `title` and `occurrence` (1 for the first column of that title) name it in every table; `import_id` is a form tool's own id of it.
    """

    title: str
    occurrence: int = 1
    import_id: str = ""
    kind: str = "single"
    answers: tuple[tuple[str, str], ...] = ()

    @property
    def column(self) -> str:
        """The raw column of that title: intake numbers repeated ones."""
        return self.title if self.occurrence == 1 else f"{self.title}#{self.occurrence}"


Items = Mapping[str, tuple[Item, ...]]  # by survey


@dataclass(frozen=True)
class Reading:
    """What a projection may know besides the file's columns: the delivery's mode, the known questions by survey, and the file's first raw rows
    (`Format.n_head` of them, cells by column, blank as "", with `_line`), and the name of the file's `Kind`.
    """

    mode: Mode = "bulk"
    items: Items = field(default_factory=dict)
    head: tuple[Mapping[str, str], ...] = ()
    kind: str = ""


@dataclass(frozen=True)
class Kind:
    """What a file is among the files of its stream, said by its path. `name` reaches the projection; `mode` is the source's where it is None.

    `order` (0 to 3) is its place among the files of one date and one declared sequence: those of a later place are true after those of an
    earlier one, whatever the order of arrival, and a page sent again keeps its place. None: files count in their declared order, or as they come.
    """

    name: str = ""
    mode: Mode | None = None
    order: int | None = None


@dataclass(frozen=True)
class Handling:
    """What is done with the columns of a file before raw, by their position in the header.

    `dropped` says why; `pseudonym` cells are replaced by a keyed hash, `text` cells go to the restricted store (or nowhere). `repeats` are columns
    whose name the header has before and that may stay. The first `n_context` rows describe columns. A `rewritten` cell reaches raw as what its
    function makes of the row's cells as delivered; `words` say so, as warnings of the delivery.
    """

    dropped: Mapping[int, str] = field(default_factory=dict)
    pseudonym: frozenset[int] = frozenset()
    text: frozenset[int] = frozenset()
    repeats: frozenset[int] = frozenset()
    n_context: int = 0
    rewritten: Mapping[int, Callable[[Sequence[str]], str]] = field(default_factory=dict)
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Format:
    """A source format, whole. `tables_of` gives the tables that a file at this path (with `/`) of this source feeds, or in words why there is none;
    each of them is a delivery of its own. `redacted` columns are dropped before raw. A `is_package` format is read through its manifest.
    Where `sheet_for` is given, a workbook has a sheet for each table: it finds a table's among the sheet names.
    `handling` is asked before raw, with the header and the first `n_head` rows as delivered, where a format's files say who answered.
    `partial` names the tables of which one file never holds everything (a course's export knows only its own students): they are taken as changes.
    `kind_of` says what a file at this path is.
    Where a format `has_no_ids`, a user is known by the SHA-256 of an e-mail address, and an assignment by its title and date.
    """

    name: str
    tables: Mapping[str, Table]
    tables_of: Callable[[Source, str], tuple[Table, ...] | str]
    projection: Callable[[Table, Source, Sequence[str], Reading], Projection]
    redacted: tuple[str, ...] = ()
    is_package: bool = False
    sheet_for: Callable[[Table, Sequence[str]], str | None] | None = None
    handling: Callable[[Source, Sequence[str], Sequence[Sequence[str]], Items], Handling] | None = None
    n_head: int = 0
    partial: frozenset[str] = frozenset()
    kind_of: Callable[[Source, str], Kind] = lambda source, name: Kind()
    has_no_ids: bool = False

    def feeds(self, source: Source) -> tuple[Table, ...]:
        """The tables that a source of this format can bring."""
        one = self.tables.get(source.table) if source.table else None
        return (one,) if one else tuple(self.tables.values())


def quoted(name: str) -> str:
    """A name as a DuckDB identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as a DuckDB literal."""
    return "'" + text.replace("'", "''") + "'"


def trimmed(expression: str) -> str:
    return f"trim({expression}, {_BLANK})"


_TIME_TAIL = r"(T|[ ,]+)\d{1,2}:\d{2}.*$"  # ` 8:15:03 AM`, `T08:15:03Z`
_TIME_PARTS = ("%H", "%I", "%M", "%S", "%p", "%T", "%X")


def without_time(expression: str) -> str:
    """A date's text, trimmed, without the time of day that may follow it."""
    return f"regexp_replace({trimmed(expression)}, {literal(_TIME_TAIL)}, '')"


def iso_date(expression: str, date_format: str | None) -> str:
    """Text written as `date_format` (strptime) turned to YYYY-MM-DD; anything else left as it stood, for the gate to judge.

    A format without a time of day also reads a date that has one after it.
    """
    if not date_format:
        return expression
    text = trimmed(expression) if any(t in date_format for t in _TIME_PARTS) else without_time(expression)
    return f"coalesce(strftime(try_strptime({text}, {literal(date_format)}), '%Y-%m-%d'), {expression})"


def file_columns(raw_columns: Iterable[str]) -> list[str]:
    """The columns that came from the file."""
    return [c for c in raw_columns if c not in (*PROVENANCE, "_text")]


def suggestion(name: str, columns: Sequence[str]) -> str:
    """The end of a sentence about a missing column: `; did you mean 'X'?` where a column is called much the same, else a full stop."""
    lowered = {c.strip().lower(): c for c in columns}
    close = difflib.get_close_matches(name.strip().lower(), lowered, n=1, cutoff=0.6)
    return f"; did you mean {lowered[close[0]]!r}?" if close else "."


def select(table: Table, cells: Mapping[str, str], relation: str = "raw", is_deleted: str = "false") -> str:
    """The SELECT of a projection. `cells` maps a column of the table to a text expression; a column without one is blank."""
    columns = []
    for column in table.columns:
        text = trimmed(cells[column]) if column in cells else "cast(null as varchar)"
        value = f"coalesce({text}, '')" if column in table.key else f"nullif({text}, '')"
        columns.append(f"{value} as {quoted(column)}")
    columns += [f"{is_deleted} as _is_deleted", *PROVENANCE]
    return f"select {', '.join(columns)} from {relation}"
