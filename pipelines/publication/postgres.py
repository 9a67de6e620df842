"""The PostgreSQL warehouse (15 or later): slots, and one pointer row.

Schema `throughline_store` holds, for each mart, a table partitioned into numbered slots; `_contents` says which slot of each mart belongs to
a publication, `_current` which publication people see. The views in `marts`, `marts_restricted` and `operations` show the slot that the
pointer row leads to, so a publication becomes visible with one UPDATE, and what has not changed is shared between publications. A new
version is written into a free slot: rows carried over on the server, new rows streamed from DuckDB through ADBC.

Slots are attached long before they are used, and used again after pruning. A partition must never be attached by the publication that
points to it: a statement that was planned (or prepared) before and runs after would follow the pointer to a partition that its plan does
not know, and see an empty mart. With slots, publishing changes rows and no catalogue, and everything follows from snapshots.

Rights live on views and partitioned tables, which stay, so grants outlast publications; `postgres_store.py` makes and changes those.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import duckdb
import psycopg
import pyarrow as pa
from psycopg.conninfo import conninfo_to_dict
from psycopg.types.json import Jsonb

from pipelines.publication import changes
from pipelines.publication.postgres_store import (
    OPERATIONS,
    Relation,
    add_rights,
    at_version,
    carry_over,
    clear,
    ensure_relation,
    ensure_store,
    mart_relation,
    next_version,
    operations_relation,
    slot_table,
    spare_slots,
    stage_parts,
    take_slot,
)
from pipelines.publication.warehouse import (
    SLICE_COLUMNS,
    STORE,
    Column,
    Content,
    Mart,
    MartChange,
    MartSchema,
    Plan,
    WarehouseError,
    mart_from_json,
    pruned,
    public_select,
    quoted,
)

_LOCK = 0x7468726F7567686C  # "throughl": this database's single publisher
_BATCH_ROWS = 50_000


@dataclass(frozen=True)
class PostgresWarehouse:
    """`url` is a postgresql:// address; it may hold a password, so it is never shown, logged or part of an error."""

    url: str = field(repr=False)
    wait_seconds: float = 15.0

    def current(self) -> str | None:
        with self._connect() as db:
            return _current(db)

    def versions(self) -> list[str]:
        with self._connect() as db:
            return _versions(db)

    def marts(self, publication_id: str | None = None) -> tuple[Mart, ...]:
        with self._connect() as db:
            found = _contents(db, _existing(db, publication_id))
        return tuple(mart_from_json(shape) for name, (_, shape) in sorted(found.items()) if not name.startswith(OPERATIONS))

    def publish(self, plan: Plan) -> None:
        with self._publisher() as db:
            ensure_store(db)
            ensure_relation(db, operations_relation("slices", SLICE_COLUMNS))  # every mart's view reads it
            clear(db)
            if plan.publication_id in _versions(db):
                raise WarehouseError(f"publication {plan.publication_id} exists already")
            before = _current(db)
            contents = _contents(db, before) if before else {}
            try:
                fresh = self._load(db, plan, contents)
            except duckdb.Error as e:
                raise WarehouseError(f"publication {plan.publication_id}: {changes.without_values(e)}") from None
            contents.update({relation.name: (version, relation.shape) for relation, version in fresh})
            rows = [(plan.publication_id, name, version, Jsonb(shape)) for name, (version, shape) in contents.items()]
            with db.transaction(), db.cursor() as cursor:
                cursor.execute(f"insert into {STORE}._publications (publication_id) values (%s)", [plan.publication_id])
                cursor.executemany(f"insert into {STORE}._contents (publication_id, relation, version, shape) values (%s, %s, %s, %s)", rows)
                _point(db, plan.publication_id)
            for relation, _ in fresh:
                if relation.mart:
                    spare_slots(db, relation)

    def rollback(self, publication_id: str) -> None:
        with self._publisher() as db, db.transaction():
            _point(db, _existing(db, publication_id))

    def prune(self, keep: int) -> list[str]:
        with self._publisher() as db:
            gone = pruned(_versions(db), _current(db), keep)
            if gone:
                with db.transaction():
                    for table in ("_contents", "_publications"):
                        db.execute(f"delete from {STORE}.{table} where publication_id = any(%s)", [gone])
                clear(db)
            return gone

    def clear_leftovers(self) -> list[str]:
        with self._publisher() as db:
            return clear(db) if _has_store(db) else []

    def read(self, mart: str, publication_id: str | None = None) -> pa.Table:
        with self._connect() as db:
            shape = self._mart(db, mart, publication_id)
            pinned = _existing(db, publication_id) if publication_id else None
        source = quoted(shape.schema, mart)
        if pinned:
            rows, slices = (at_version(name, _version(name, pinned)) for name in (mart, OPERATIONS + "slices"))
            source = f"({public_select(shape, rows, slices)}) v"
        with self._fetched(source, shape.public_columns) as con:
            return con.sql(changes.cast_query(shape.public_columns, "fetched")).to_arrow_table()

    def read_operations(self, name: str, publication_id: str | None = None) -> pa.Table:
        with self._connect() as db:
            at = _existing(db, publication_id)
            found = _contents(db, at).get(OPERATIONS + name)
        if not found:
            raise WarehouseError(f"publication {at} has no operations table {name}")
        columns = tuple(Column(c["name"], c["type"]) for c in found[1]["columns"])
        with self._fetched(f"{at_version(OPERATIONS + name, _version(OPERATIONS + name, at))} v", columns) as con:
            return con.sql(changes.cast_query(columns, "fetched")).to_arrow_table()

    def content(self, mart: str, publication_id: str | None = None) -> Content:
        with self._connect() as db:
            at = _existing(db, publication_id)
            shape = self._mart(db, mart, at)
        with self._fetched(f"{at_version(mart, _version(mart, at))} v", shape.columns) as con:
            return changes.content(con, shape, "fetched")

    def allow(self, role: str, schema: MartSchema) -> None:
        """Let a database role read `marts`, or `marts_restricted` (where it then sees the rows that row policies grant it), and `operations`.

        Holds for marts that come later too. The role must exist. What it may see of `marts_restricted` is for row policies on the tables of
        `throughline_store` to say; without any it sees no row.
        """
        with self._publisher() as db:
            ensure_store(db)
            add_rights(db, role, schema)

    def location(self) -> str:
        parts = urlsplit(self.url)
        user = f"{unquote(parts.username)}{':***' if parts.password else ''}@" if parts.username else ""
        return f"postgresql://{user}{parts.netloc.rpartition('@')[2]}{parts.path}"

    def how_to_open(self) -> str:
        return (
            f"Connect any PostgreSQL client or BI tool to {self.location()} and read the views in the schema marts:\n"
            "select * from marts.agg_indicator_values; student-level marts are in marts_restricted, for roles that were let in.\n"
            "Every statement sees one whole publication; a repeatable-read transaction sees one throughout."
        )

    # loading

    def _load(self, db: psycopg.Connection, plan: Plan, contents: Mapping[str, tuple[int, Any]]) -> list[tuple[Relation, int]]:
        """Write a new version of everything that changes; gives the versions. Commits as it goes, to where no pointer leads."""
        fresh: list[tuple[Relation, int]] = []
        spill = plan.build.parent / ".spill"
        shutil.rmtree(spill, ignore_errors=True)  # a killed publisher's
        with changes.scratch(spill) as con, self._adbc("rows could not be loaded") as adbc:
            changes.attach_build(con, plan.build)
            for change in plan.changes:
                changes.check_change(con, change)
            for change in plan.changes:
                relation = mart_relation(change.mart)
                old = contents.get(relation.name)
                if old and old[1]["schema"] != change.mart.schema:
                    raise WarehouseError(f"{relation.name}: moves from {old[1]['schema']} to {change.mart.schema}; drop its view and table first")
                ensure_relation(db, relation)
                if not old or not changes.is_empty(con, change):
                    fresh.append((relation, self._load_mart(db, adbc, con, change, relation, old[0] if old else None)))
            for name, rows in {"slices": changes.slices_table(plan.slices), **plan.operations}.items():
                columns = SLICE_COLUMNS if name == "slices" else changes.columns_of(con, rows)
                relation = operations_relation(name, columns)
                ensure_relation(db, relation)
                version = next_version(db, relation)
                con.register("_rows", rows)
                _stream(adbc, con, changes.cast_query(columns, "_rows"), relation.name, version)
                con.unregister("_rows")
                db.execute(f"analyze {quoted(STORE, relation.name)}")
                fresh.append((relation, version))
        return fresh

    def _load_mart(self, db: psycopg.Connection, adbc: Any, con: duckdb.DuckDBPyConnection, change: MartChange, relation: Relation, before: int | None) -> int:
        """Fill a free slot with what is carried over and what is new; gives its number."""
        slot = take_slot(db, relation)
        if before and not change.whole:
            parts = stage_parts(db, change)
            _stream(adbc, con, changes.parts_query(change), parts)
            carry_over(db, change, parts, before, slot)
        _stream(adbc, con, changes.rows_query(change), relation.name, slot)
        db.execute(f"analyze {slot_table(relation.name, slot)}")
        return slot

    # connections

    @contextmanager
    def _connect(self) -> Iterator[psycopg.Connection]:
        """A connection that commits each statement. What the driver says on failure is passed on without values and without the address."""
        try:
            with psycopg.connect(self.url, autocommit=True, application_name="throughline") as db:
                if db.info.server_version < 150000:
                    raise WarehouseError(f"{self.location()}: PostgreSQL 15 or later is needed, this is {db.info.server_version // 10000}")
                yield db
        except psycopg.Error as e:
            raise WarehouseError(f"{self.location()}: {self._plain(e)}") from None

    @contextmanager
    def _publisher(self) -> Iterator[psycopg.Connection]:
        """A connection that holds the warehouse against other publishers; the lock goes with the connection, and that soon after its process."""
        with self._connect() as db:
            try:
                db.execute("set client_connection_check_interval = '1s'")
            except psycopg.errors.InvalidParameterValue:  # a server whose platform cannot look; it notices when the statement ends
                db.execute("set client_connection_check_interval = 0")
            db.execute("set statement_timeout = 0")
            db.execute("select set_config('lock_timeout', %s, false)", [f"{max(1, int(self.wait_seconds * 1000))}ms"])
            try:
                db.execute("select pg_advisory_lock(%s)", [_LOCK])
            except psycopg.errors.LockNotAvailable:
                raise WarehouseError(f"{self.location()}: another publisher is at work; try again when it has ended") from None
            yield db

    @contextmanager
    def _adbc(self, failure: str = "could not be read") -> Iterator[Any]:
        """An ADBC connection (untyped: the driver ships no types). Its messages may quote rows, so only their kind is passed on."""
        import adbc_driver_postgresql.dbapi as adbc

        try:
            with adbc.connect(self.url) as connection:
                yield connection
        except adbc.Error as e:
            raise WarehouseError(f"{self.location()}: {failure} ({type(e).__name__}, SQLSTATE {e.sqlstate or 'unknown'})") from None

    @contextmanager
    def _fetched(self, source: str, columns: tuple[Column, ...]) -> Iterator[duckdb.DuckDBPyConnection]:
        """A DuckDB connection in which `fetched` streams `columns` of a source on the server, decimals as text."""
        chosen = ", ".join(f"{quoted(c.name)}::text as {quoted(c.name)}" if c.type.startswith("decimal") else quoted(c.name) for c in columns)
        with tempfile.TemporaryDirectory() as spill, changes.scratch(Path(spill)) as con, self._adbc() as adbc, adbc.cursor() as cursor:
            cursor.execute(f"select {chosen} from {source}")
            con.register("fetched", cursor.fetch_record_batch())
            yield con

    def _plain(self, error: Exception) -> str:
        """The first line of a driver's message: later lines (DETAIL) quote rows, and none may quote the password."""
        text = (str(error).strip().splitlines() or [type(error).__name__])[0]
        try:
            secret = str(conninfo_to_dict(self.url).get("password") or "")
        except psycopg.Error:
            return "the address cannot be understood; use postgresql://user:password@host:port/database"
        return text.replace(secret, "***") if secret else text

    def _mart(self, db: psycopg.Connection, mart: str, publication_id: str | None) -> Mart:
        at = _existing(db, publication_id)
        found = _contents(db, at).get(mart)
        if not found or mart.startswith(OPERATIONS):
            raise WarehouseError(f"{self.location()}: publication {at} has no mart {mart}")
        return mart_from_json(found[1])


def _stream(adbc: Any, con: duckdb.DuckDBPyConnection, query: str, table: str, version: int | None = None) -> None:
    """Append a DuckDB query's rows to a table of the store as a binary COPY, batch by batch."""
    if version is not None:
        query = f"select *, {version}::integer as version from ({query})"
    with adbc.cursor() as cursor:
        cursor.adbc_ingest(table, con.sql(query).to_arrow_reader(_BATCH_ROWS), mode="append", db_schema_name=STORE)
    adbc.commit()


def _has_store(db: psycopg.Connection) -> bool:
    row = db.execute("select to_regclass(%s) is not null", [f"{STORE}._current"]).fetchone()
    return bool(row and row[0])


def _current(db: psycopg.Connection) -> str | None:
    row = db.execute(f"select publication_id from {STORE}._current").fetchone() if _has_store(db) else None
    return str(row[0]) if row else None


def _versions(db: psycopg.Connection) -> list[str]:
    return sorted(str(r[0]) for r in db.execute(f"select publication_id from {STORE}._publications")) if _has_store(db) else []


def _existing(db: psycopg.Connection, publication_id: str | None) -> str:
    """The publication named, or the current one; raises where there is none."""
    name = publication_id or _current(db)
    if not name:
        raise WarehouseError("nothing has been published yet")
    if name not in _versions(db):
        raise WarehouseError(f"there is no publication {name}")
    return name


def _contents(db: psycopg.Connection, publication_id: str) -> dict[str, tuple[int, Any]]:
    """What a publication is made of: relation to (version, shape)."""
    rows = db.execute(f"select relation, version, shape from {STORE}._contents where publication_id = %s", [publication_id])
    return {str(r[0]): (int(r[1]), r[2]) for r in rows}


def _version(relation: str, publication_id: str) -> str:
    """SQL: the version of a relation in a publication."""
    return f"select version from {STORE}._contents where publication_id = {changes.literal(publication_id)} and relation = {changes.literal(relation)}"


def _point(db: psycopg.Connection, publication_id: str) -> None:
    """The instant of publication."""
    db.execute(
        f"insert into {STORE}._current (publication_id) values (%s) on conflict (is_row) do update set publication_id = excluded.publication_id",
        [publication_id],
    )
