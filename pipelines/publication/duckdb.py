"""The DuckDB warehouse: a folder of versions and a link to the one that people see.

    warehouse/throughline.duckdb -> current/throughline.duckdb     what people open; this link never changes
    warehouse/restricted.duckdb  -> current/restricted.duckdb      student level; only the owner may read it
    warehouse/current            -> versions/<publication id>      the one thing that a publication swaps
    warehouse/versions/<publication id>/{throughline.duckdb,restricted.duckdb,manifest.json,published}

A version is written in `.build-<publication id>`, as a copy of the version before with the changed parts replaced, and is never written to
again. A connection that is open keeps the version it opened; a new one, even in the same process, sees the new version. The files are in
DuckDB's 1.2 storage format, which the drivers of today's BI tools read.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.publication.changes import (
    attach_build,
    by_period,
    cast_query,
    check_change,
    columns_of,
    content,
    in_build,
    kept,
    literal,
    rows_query,
    same,
    scratch,
    slices_table,
    without_values,
)
from pipelines.publication.warehouse import (
    SLICE_COLUMNS,
    STORE,
    Content,
    Mart,
    MartChange,
    MartSchema,
    Plan,
    WarehouseError,
    listed,
    mart_from_json,
    mart_to_json,
    pruned,
    public_select,
    quoted,
)

STORAGE_VERSION = "v1.2.0"
RESTRICTED = "restricted.duckdb"
_REWRITE_FREE_SHARE = 0.5  # a file with more free space than this is written anew
_REWRITE_MIN_BLOCKS = 16  # ... unless it is small (blocks of 256 KiB)


@dataclass(frozen=True)
class DuckDBWarehouse:
    """`path` is the open file's public address; everything else stands beside it. POSIX only (links, flock)."""

    path: Path
    wait_seconds: float = 15.0

    @property
    def _root(self) -> Path:
        return self.path.parent

    @property
    def _versions(self) -> Path:
        return self._root / "versions"

    def current(self) -> str | None:
        try:
            return (self._root / "current").readlink().name
        except FileNotFoundError:
            return None

    def versions(self) -> list[str]:
        if not self._versions.exists():
            return []
        now = self.current()
        return sorted(v.name for v in self._versions.iterdir() if v.name == now or (v / "published").exists())

    def marts(self, publication_id: str | None = None) -> tuple[Mart, ...]:
        folder = self._folder(publication_id)
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        return tuple(mart_from_json(m) for m in manifest["marts"])

    def publish(self, plan: Plan) -> None:
        if self.path.exists() and not self.path.is_symlink():
            raise WarehouseError(f"{self.path}: is a file of its own, not a warehouse; move it away or choose another warehouse.url")
        with self._publisher():
            self._clear()
            if plan.publication_id in self.versions():
                raise WarehouseError(f"publication {plan.publication_id} exists already")
            before = self.current()
            build = self._root / f".build-{plan.publication_id}"
            build.mkdir(mode=0o700)
            try:
                self._write(plan, build, before)
            except duckdb.Error as e:
                self._clear()
                raise WarehouseError(f"publication {plan.publication_id}: {without_values(e)}") from None
            except BaseException:  # an interruption too: nothing half-written stays, and it goes on up
                self._clear()
                raise
            self._versions.mkdir(exist_ok=True)
            build.rename(self._versions / plan.publication_id)
            _sync(self._versions)
            for name in (self.path.name, RESTRICTED):
                self._link(self._root / name, f"current/{name}")
            self._point(plan.publication_id)

    def rollback(self, publication_id: str) -> None:
        with self._publisher():
            self._folder(publication_id)
            self._point(publication_id)

    def prune(self, keep: int) -> list[str]:
        with self._publisher():
            gone = pruned(self.versions(), self.current(), keep)
            for name in gone:
                (self._versions / name).rename(self._root / f".old-{name}")
            self._clear()
            return gone

    def clear_leftovers(self) -> list[str]:
        if not self._root.exists():
            return []
        with self._publisher():
            return self._clear()

    def read(self, mart: str, publication_id: str | None = None) -> pa.Table:
        shape = self._mart(mart, publication_id)
        with self._open(shape.schema, publication_id) as con:
            return con.sql(f"select {listed([c.name for c in shape.public_columns])} from {quoted('warehouse', shape.schema, mart)}").to_arrow_table()

    def read_operations(self, name: str, publication_id: str | None = None) -> pa.Table:
        with self._open("marts", publication_id) as con:
            return con.sql(f"select * from {quoted('warehouse', 'operations', name)}").to_arrow_table()

    def content(self, mart: str, publication_id: str | None = None) -> Content:
        shape = self._mart(mart, publication_id)
        with self._open(shape.schema, publication_id) as con:
            return content(con, shape, quoted("warehouse", STORE, mart))

    def location(self) -> str:
        return str(self.path)

    def how_to_open(self) -> str:
        return (
            f"Open {self.path} read-only with any DuckDB 1.2 or later: duckdb -readonly {self.path}, then: from marts.agg_indicator_values;\n"
            f"Student-level marts are in {self._root / RESTRICTED}, which only its owner may read.\n"
            "An open connection keeps the publication it opened; connect again to see the next."
        )

    # writing a version

    def _write(self, plan: Plan, build: Path, before: str | None) -> None:
        """Write both files and the manifest of a version into `build`, and see them safely onto the disk."""
        marts = {m.name: m for m in self.marts(before)} if before else {}
        spill = build / "spill"
        with scratch(spill) as con:
            attach_build(con, plan.build)
            for change in plan.changes:
                check_change(con, change)
                old = marts.get(change.mart.name)
                if old and old.schema != change.mart.schema and not change.whole:
                    raise WarehouseError(f"{old.name}: moves from {old.schema} to {change.mart.schema}; publish it whole")
            for name, schemas in ((self.path.name, ("marts", "operations")), (RESTRICTED, ("marts_restricted", "operations"))):
                file = build / name
                if before:
                    _copy(self._versions / before / name, file)
                _attach(con, file, "warehouse")
                for schema in (STORE, *schemas):
                    con.execute(f"create schema if not exists {quoted('warehouse', schema)}")
                con.execute("use warehouse")  # so that the views name no catalog, and open under any
                con.execute("begin")
                _replace(con, "slices", slices_table(plan.slices))
                for change in plan.changes:
                    self._apply(con, change, marts.get(change.mart.name), here=change.mart.schema == schemas[0])
                for table, rows in plan.operations.items() if schemas[0] == "marts" else ():
                    _replace(con, table, rows)
                con.execute("commit")
                con.execute("use memory")
                con.execute("checkpoint warehouse")
                bloated = _is_bloated(con)
                con.execute("detach warehouse")
                if bloated:
                    _rewrite(con, file)
        shutil.rmtree(spill, ignore_errors=True)
        if journals := sorted(p.name for p in build.glob("*.wal")):
            raise WarehouseError(f"publication {plan.publication_id}: {', '.join(journals)} was left unwritten")
        marts.update({c.mart.name: c.mart for c in plan.changes})
        self._finish(plan.publication_id, build, before, marts)

    def _apply(self, con: duckdb.DuckDBPyConnection, change: MartChange, old: Mart | None, *, here: bool) -> None:
        """Bring one mart's table in the attached file up to date; drop it there when the mart lives in the other file."""
        mart, table = change.mart, quoted(STORE, change.mart.name)
        if old and (change.whole or not here):
            con.execute(f"drop view if exists {quoted(old.schema, old.name)}" if _has_schema(con, old.schema) else "select 1")
            con.execute(f"drop table if exists {table}")
        if not here:
            return
        if not _has_table(con, mart.name):
            con.execute(f"create table {table} ({', '.join(f'{quoted(c.name)} {c.type}' for c in mart.columns)})")
        elif old and old.columns != mart.columns:
            _reshape(con, old, mart)
        if not change.whole:
            replaced = f"exists (select 1 from {in_build(change.parts)} p where {same(mart.part, 'p', 'm')})"
            con.execute(f"delete from {table} m where {replaced}" + (f" and not {kept(change, 'm')}" if change.keep else ""))
            if change.hide:
                con.execute(f"update {table} set {change.hide[0]} where {change.hide[1]}")
        for rows in by_period(con, change) if change.whole else ("true",):
            con.execute(f"insert into {table} ({listed(mart.column_names)}) {rows_query(change, rows)}")
        view = public_select(mart, table, quoted("operations", "slices"))
        con.execute(f"create or replace view {quoted(mart.schema, mart.name)} as {view}")

    def _finish(self, publication_id: str, build: Path, before: str | None, marts: dict[str, Mart]) -> None:
        manifest: dict[str, Any] = {
            "publication_id": publication_id,
            "made_from": before,
            "written_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "storage_version": STORAGE_VERSION,
            "n_bytes": {name: (build / name).stat().st_size for name in (self.path.name, RESTRICTED)},
            "marts": [mart_to_json(marts[name]) for name in sorted(marts)],
        }
        (build / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
        for name, mode in ((self.path.name, 0o444), (RESTRICTED, 0o600), ("manifest.json", 0o444)):
            (build / name).chmod(mode)
            _sync(build / name)
        build.chmod(0o755)
        _sync(build)

    # the folder

    def _folder(self, publication_id: str | None) -> Path:
        name = publication_id or self.current()
        if not name:
            raise WarehouseError(f"{self.path}: nothing has been published yet")
        if name not in self.versions():
            raise WarehouseError(f"{self.path}: there is no publication {name}")
        return self._versions / name

    def _mart(self, mart: str, publication_id: str | None) -> Mart:
        shape = next((m for m in self.marts(publication_id) if m.name == mart), None)
        if not shape:
            raise WarehouseError(f"{self.path}: publication {publication_id or self.current()} has no mart {mart}")
        return shape

    @contextmanager
    def _open(self, schema: MartSchema, publication_id: str | None) -> Iterator[duckdb.DuckDBPyConnection]:
        file = self._folder(publication_id) / (self.path.name if schema == "marts" else RESTRICTED)
        with tempfile.TemporaryDirectory() as spill, scratch(Path(spill)) as con:
            try:
                con.execute(f"attach {literal(str(file))} as warehouse (read_only)")
                yield con
            except duckdb.Error as e:
                raise WarehouseError(f"{file}: {without_values(e)}") from None

    @contextmanager
    def _publisher(self) -> Iterator[None]:
        """Hold the warehouse against other publishers; the lock goes with the process."""
        self._root.mkdir(parents=True, exist_ok=True)
        with (self._root / ".lock").open("w") as f:
            until = time.monotonic() + self.wait_seconds
            while True:
                try:
                    fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError as e:
                    if time.monotonic() > until:
                        raise WarehouseError(f"{self.path}: another publisher is at work; try again when it has ended") from e
                    time.sleep(0.05)
            yield

    def _clear(self) -> list[str]:
        """Remove unfinished and pruned versions. A version that was written but never became visible was not a publication."""
        left = [p for p in self._root.iterdir() if p.name.startswith((".build-", ".old-", ".link-"))]
        now = self.current()
        if now:
            self._mark(now)
        if self._versions.exists():
            left += [v for v in self._versions.iterdir() if v.name != now and not (v / "published").exists()]
        for entry in left:
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        return sorted(entry.name for entry in left)

    def _point(self, publication_id: str) -> None:
        """The instant of publication. The mark that follows it is set again by the next `_clear`, should it be missed."""
        self._link(self._root / "current", f"versions/{publication_id}")
        self._mark(publication_id)

    def _mark(self, publication_id: str) -> None:
        mark = self._versions / publication_id / "published"
        if not mark.exists():
            mark.touch()
            _sync(mark.parent)

    def _link(self, link: Path, target: str) -> None:
        if link.is_symlink() and str(link.readlink()) == target:
            return
        fresh = self._root / f".link-{link.name}"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(target)
        fresh.replace(link)
        _sync(self._root)


def _attach(con: duckdb.DuckDBPyConnection, file: Path, name: str) -> None:
    con.execute(f"attach {literal(str(file))} as {name} (storage_version '{STORAGE_VERSION}')")


def _has_table(con: duckdb.DuckDBPyConnection, name: str) -> bool:
    sql = "select 1 from duckdb_tables() where database_name = 'warehouse' and schema_name = ? and table_name = ?"
    return con.execute(sql, [STORE, name]).fetchall() != []


def _has_schema(con: duckdb.DuckDBPyConnection, name: str) -> bool:
    return con.execute("select 1 from duckdb_schemas() where database_name = 'warehouse' and schema_name = ?", [name]).fetchall() != []


def _reshape(con: duckdb.DuckDBPyConnection, old: Mart, new: Mart) -> None:
    """Carry a mart's rows into its new columns: what both have is cast, what is new is null."""
    table, former = quoted(STORE, new.name), quoted(STORE, f"{new.name}__former")
    shared = [c for c in new.columns if c.name in old.column_names]
    con.execute(f"drop view if exists {quoted(old.schema, old.name)}")
    con.execute(f"create table {former} as {cast_query(shared, table)}")
    con.execute(f"drop table {table}")
    con.execute(f"create table {table} ({', '.join(f'{quoted(c.name)} {c.type}' for c in new.columns)})")
    con.execute(f"insert into {table} ({listed([c.name for c in shared])}) select * from {former}")
    con.execute(f"drop table {former}")


def _replace(con: duckdb.DuckDBPyConnection, name: str, rows: pa.Table) -> None:
    """Write an operations table anew."""
    columns = SLICE_COLUMNS if name == "slices" else columns_of(con, rows)
    con.register("_rows", rows)
    con.execute(f"create or replace table {quoted('operations', name)} as {cast_query(columns, '_rows')}")
    con.unregister("_rows")


def _is_bloated(con: duckdb.DuckDBPyConnection) -> bool:
    sql = "select total_blocks, free_blocks from pragma_database_size() where database_name = 'warehouse'"
    total, free = con.execute(sql).fetchall()[0]
    return bool(total > _REWRITE_MIN_BLOCKS and free > total * _REWRITE_FREE_SHARE)


def _rewrite(con: duckdb.DuckDBPyConnection, file: Path) -> None:
    """Write a file anew without its free space. (DuckDB reuses free blocks and merges thinned-out row groups by itself, so this is rare.)"""
    fresh = file.with_name("rewrite-" + file.name)
    con.execute(f"attach {literal(str(file))} as bloated (read_only)")
    _attach(con, fresh, "lean")
    con.execute("copy from database bloated to lean")
    con.execute("checkpoint lean")
    con.execute("detach lean")
    con.execute("detach bloated")
    fresh.replace(file)


def _copy(source: Path, target: Path) -> None:
    """Copy a file inside the kernel (sharing blocks where the file system can), writable by its owner alone."""
    with source.open("rb") as r, os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as w:
        left = os.fstat(r.fileno()).st_size
        try:
            while left > 0 and (n := os.copy_file_range(r.fileno(), w.fileno(), left)):
                left -= n
        except (AttributeError, OSError):  # not on this platform or file system: what is left goes the plain way
            r.seek(w.seek(0, os.SEEK_CUR))
        if left > 0:
            shutil.copyfileobj(r, w, 1 << 20)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
