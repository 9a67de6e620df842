"""What a district warehouse is: the shapes that are published, and what every warehouse promises.

Belongs here: the interface, its data and the one SELECT that both warehouses show people. How a warehouse keeps its versions is in
`duckdb.py` and `postgres.py`; which rows are published, and why, is decided before a `Plan` is made.

The promise: all of a publication becomes visible in one instant or none of it; readers are never blocked and never see a mix; a publisher
that is killed leaves the last publication whole; earlier publications stay readable until they are pruned.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal, Protocol

import pyarrow as pa

MartSchema = Literal["marts", "marts_restricted"]

STORE = "throughline_store"  # the schema of the physical tables; people read the views
PERIOD = ("school_year", "period_type", "period_start")  # when a figure is of; a mart's part is a period, or cells in it
STATUS_COLUMNS = ("data_as_of", "quality_status", "maturity_days")  # what the views add
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_TABLE = re.compile(r"[a-z][a-z0-9_]{0,49}")
_PUBLICATION = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,31}")
_TYPE = re.compile(r"varchar|bigint|integer|double|boolean|date|timestamp|decimal\(\d{1,2},\d{1,2}\)")


class WarehouseError(Exception):
    """The warehouse could not do what was asked; what was visible before still is. The message holds no row's values and no password."""


@dataclass(frozen=True)
class Column:
    """`type` is varchar, bigint, integer, double, boolean, date, timestamp (UTC, without zone) or decimal(p,s)."""

    name: str
    type: str

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or not _TYPE.fullmatch(self.type):
            raise ValueError(f"column {self.name!r} of type {self.type!r}: not a name and a type that a warehouse holds")


@dataclass(frozen=True)
class Mart:
    """A published table. `key` is unique (nulls count as equal); `part`, some of the key, names the unit that is replaced as a whole.

    Every mart has indicator_id, school_year and school_id ("" or null: the district). Names are unique across both schemas.
    """

    name: str
    schema: MartSchema
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    part: tuple[str, ...]

    def __post_init__(self) -> None:
        names = [c.name for c in self.columns]
        if not _TABLE.fullmatch(self.name):
            raise ValueError(f"mart {self.name!r}: not a name, or longer than 50 letters")
        if len(set(names)) < len(names):
            raise ValueError(f"mart {self.name}: a column is named twice")
        if missing := [c for c in ("indicator_id", "school_year", "school_id", *self.key) if c not in names]:
            raise ValueError(f"mart {self.name} lacks {', '.join(missing)}")
        if taken := [c for c in (*STATUS_COLUMNS, "version") if c in names]:
            raise ValueError(f"mart {self.name}: {', '.join(taken)} is added by the warehouse")
        if not self.part or not set(self.part) <= set(self.key):
            raise ValueError(f"mart {self.name}: part must name some columns of the key")

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.columns)

    @property
    def has_maturity(self) -> bool:
        return "period_end" in self.column_names

    @property
    def public_columns(self) -> tuple[Column, ...]:
        """What people see: the mart's columns and the status of their slice."""
        added = (Column("data_as_of", "date"), Column("quality_status", "varchar"))
        return (*self.columns, *added, *((Column("maturity_days", "integer"),) if self.has_maturity else ()))


@dataclass(frozen=True)
class SliceStatus:
    """How fresh and how sound a slice is. `school_id` "" is the slice's default; a school's own row wins over it."""

    mart: str
    indicator_id: str
    school_year: int
    school_id: str
    data_as_of: date
    quality_status: str


SLICE_COLUMNS = (
    Column("mart", "varchar"),
    Column("indicator_id", "varchar"),
    Column("school_year", "integer"),
    Column("school_id", "varchar"),
    Column("data_as_of", "date"),
    Column("quality_status", "varchar"),
)


@dataclass(frozen=True)
class MartChange:
    """What of a mart is new, as relations of the build database (`schema.name`).

    `rows` holds the rows of the parts that are replaced, with at least the mart's columns; `parts` lists those parts (the mart's `part`
    columns), so that a part without rows is removed. Rows of the schools in `keep` (indicator_id, school_year, school_id; "" is the
    district's own rows, "*" every school and the district) are carried over from the publication before even inside replaced parts, and
    their rows in `rows` are left out.
    With `whole` the publication before is ignored and `rows` is everything; `parts` is then not read.
    `hide` is what an update sets, and the condition on which rows, of all that is carried over: where the privacy policy has changed since.
    """

    mart: Mart
    rows: str
    parts: str = ""
    keep: tuple[tuple[str, int, str], ...] = ()
    whole: bool = False
    hide: tuple[str, str] | None = None

    def __post_init__(self) -> None:
        if not self.whole and not self.parts:
            raise ValueError(f"change of {self.mart.name}: name the relation that lists the replaced parts, or say whole")
        if self.whole and self.keep:
            raise ValueError(f"change of {self.mart.name}: whole leaves nothing to keep from the publication before")


@dataclass(frozen=True)
class Plan:
    """A publication to be. Marts that `changes` does not name, and operations tables that `operations` does not name, stay as they were.

    `publication_id` sorts by time, such as 20260914T020000-ab12. `slices` is the status of every slice, changed or not. `build` is a DuckDB
    file that no connection of this process holds open for writing.
    """

    publication_id: str
    build: Path
    changes: tuple[MartChange, ...]
    slices: tuple[SliceStatus, ...]
    operations: Mapping[str, pa.Table] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not _PUBLICATION.fullmatch(self.publication_id):
            raise ValueError(f"publication id {self.publication_id!r}: letters, digits, - and _ only, at most 32")
        names = [c.mart.name for c in self.changes]
        if len(set(names)) < len(names):
            raise ValueError("a mart is changed twice in one plan")
        keys = [(s.mart, s.indicator_id, s.school_year, s.school_id) for s in self.slices]
        if len(set(keys)) < len(keys):
            raise ValueError("a slice has two statuses in one plan")
        if bad := [n for n in self.operations if n == "slices" or not _TABLE.fullmatch(n)]:
            raise ValueError(f"operations tables cannot be named {', '.join(bad)}")


@dataclass(frozen=True)
class Content:
    """A mart's rows, counted and hashed over their content alone (see `changes.content`): equal on every warehouse and machine."""

    n_rows: int
    hash: str


class Warehouse(Protocol):
    """A place where publications are kept. One publisher at a time; any number of readers. Every method may raise WarehouseError."""

    def current(self) -> str | None:
        """The publication that people see, or None before the first."""

    def versions(self) -> list[str]:
        """Every publication that can be rolled back to, oldest first."""

    def marts(self, publication_id: str | None = None) -> tuple[Mart, ...]:
        """The marts of a publication (the current one by default), by name."""

    def publish(self, plan: Plan) -> None:
        """Make `plan` the current publication. On any error nothing that people see has changed."""

    def rollback(self, publication_id: str) -> None:
        """Make an earlier (or, after a rollback, later) publication the current one."""

    def prune(self, keep: int) -> list[str]:
        """Forget all but the newest `keep` publications, never the current one; gives the ids that were removed."""

    def clear_leftovers(self) -> list[str]:
        """Remove what killed publishers left behind; gives the names. `publish` does this first by itself."""

    def read(self, mart: str, publication_id: str | None = None) -> pa.Table:
        """A mart as people see it, in no particular order."""

    def read_operations(self, name: str, publication_id: str | None = None) -> pa.Table:
        """A table of the `operations` schema (`slices` among them)."""

    def content(self, mart: str, publication_id: str | None = None) -> Content:
        """A mart's own columns counted and hashed, without the status of its slices. Reads the whole mart."""

    def location(self) -> str:
        """Where the warehouse is, for people; a password is masked."""

    def how_to_open(self) -> str:
        """A few words on opening it with a BI tool or a shell."""


def open_warehouse(url: str, *, wait_seconds: float = 15.0) -> Warehouse:
    """The warehouse at `duckdb:////absolute/path.duckdb` or `postgresql://user:password@host:port/database`.

    `wait_seconds` is how long to wait for another publisher. Opens and creates nothing until it is used.
    """
    scheme, separator, rest = url.partition("://")
    if separator and scheme == "duckdb" and rest.startswith("//") and rest.endswith(".duckdb"):
        from pipelines.publication.duckdb import DuckDBWarehouse

        return DuckDBWarehouse(Path(rest[1:]), wait_seconds=wait_seconds)
    if separator and scheme in ("postgresql", "postgres"):
        from pipelines.publication.postgres import PostgresWarehouse

        return PostgresWarehouse(url, wait_seconds=wait_seconds)
    raise WarehouseError("warehouse url: use duckdb:////absolute/path.duckdb or postgresql://user:password@host:port/database")


def quoted(*names: str) -> str:
    """A qualified SQL identifier."""
    return ".".join('"' + n.replace('"', '""') + '"' for n in names)


def listed(names: Sequence[str], alias: str = "") -> str:
    """Column names for a SELECT or INSERT."""
    return ", ".join(f"{alias}.{quoted(n)}" if alias else quoted(n) for n in names)


def public_select(mart: Mart, rows: str, slices: str, order: Sequence[str] = ()) -> str:
    """The SELECT behind a public view, in SQL that DuckDB and PostgreSQL share. `rows` and `slices` are what stands after FROM.

    A school's own status wins over its slice's default. `order` gives the columns' order where it is not that of `mart.public_columns`.
    It is one join, and the status is chosen inside it: DuckDB 2.0 loses a reader's LIMIT where a second left join can find nothing.
    """
    as_of, quality = _chosen("data_as_of"), _chosen("quality_status")
    expressions = {**{c: f"m.{quoted(c)}" for c in mart.column_names}, "data_as_of": as_of, "quality_status": quality}
    if mart.has_maturity:
        age = f"{as_of} - cast(m.period_end as date)"
        expressions["maturity_days"] = f"cast(case when {age} >= 0 then {age} when {age} < 0 then 0 end as integer)"
    chosen = ", ".join(f"{expressions[c]} as {quoted(c)}" for c in order or [c.name for c in mart.public_columns])
    statuses = ", ".join(f"array_agg({c} order by school_id) as {c}" for c in ("school_id", "data_as_of", "quality_status"))
    return (
        f"select {chosen} from {rows} m left join"
        f" (select indicator_id, school_year, {statuses} from {slices} own where mart = '{mart.name}' group by indicator_id, school_year) s"
        " on s.indicator_id = m.indicator_id and s.school_year = m.school_year"
    )


def _chosen(column: str) -> str:
    """Of a slice's statuses, side by side in arrays: the row's own school's, else the default."""
    own, default = (f"s.{column}[array_position(s.school_id, {school})]" for school in ("m.school_id", "''"))
    return f"coalesce({own}, {default})"


def mart_to_json(mart: Mart) -> dict[str, Any]:
    return asdict(mart)


def mart_from_json(value: Mapping[str, Any]) -> Mart:
    columns = tuple(Column(c["name"], c["type"]) for c in value["columns"])
    return Mart(value["name"], value["schema"], columns, tuple(value["key"]), tuple(value["part"]))


def pruned(versions: Sequence[str], current: str | None, keep: int) -> list[str]:
    """Which of `versions` (oldest first) go when `keep` stay."""
    if keep < 1:
        raise ValueError("at least one publication must be kept")
    return [v for v in versions[:-keep] if v != current]
