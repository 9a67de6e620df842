"""The PostgreSQL warehouse's tables: made, changed in shape, filled from the version before, emptied, granted.

Belongs here: DDL and server-side statements on a connection that the caller holds; when they run is `postgres.py`'s matter.
Publishing and pruning take no lock that a reader could wait for. Only a mart whose columns or key change makes readers wait, for a catalogue
change (columns removed or added) or for a rewrite (a type or the key changed), and then only once no reader holds it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from pipelines.publication.changes import kept
from pipelines.publication.warehouse import STORE, Column, Mart, MartChange, MartSchema, WarehouseError, listed, mart_to_json, public_select, quoted

OPERATIONS = "operations__"  # the store's prefix for operations tables
_TYPES = {"varchar": "text", "double": "double precision"}
_PARTS = "_parts__"  # the store's prefix for the staged parts of a change
_FIRST_SLOTS = 8
_MORE_SLOTS = 4
_SPARE_SLOTS = 2
_ATTEMPTS = 30  # to take a lock for a change of shape, each for at most _LOCK_TIMEOUT
_LOCK_TIMEOUT = "1s"


@dataclass(frozen=True)
class Relation:
    """A table of the store and the view over it. `shape` is what `_contents` keeps of it, as JSON.

    Every row has a `version`. A mart's table is partitioned by it, and its versions are the numbers of slots that are used again; an
    operations table is small and plain, and its versions count on.
    """

    name: str
    schema: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    shape: dict[str, Any]
    mart: Mart | None = None

    @property
    def view(self) -> str:
        return quoted(self.schema, self.name.removeprefix(OPERATIONS))

    @property
    def is_restricted(self) -> bool:
        return self.schema == "marts_restricted"

    @property
    def view_columns(self) -> tuple[Column, ...]:
        return self.mart.public_columns if self.mart else self.columns


def mart_relation(mart: Mart) -> Relation:
    return Relation(mart.name, mart.schema, mart.columns, mart.key, mart_to_json(mart), mart)


def operations_relation(name: str, columns: tuple[Column, ...]) -> Relation:
    shape = {"columns": [{"name": c.name, "type": c.type} for c in columns]}
    key = ("mart", "indicator_id", "school_year", "school_id") if name == "slices" else ()
    return Relation(OPERATIONS + name, "operations", columns, key, shape)


def slot_table(relation: str, slot: int) -> str:
    return quoted(STORE, f"{relation}__{slot:03}")


def ensure_store(db: psycopg.Connection) -> None:
    """The schemas and the pointer. Changes nothing where they are."""
    pointer = f"select c.relation, c.version from {STORE}._contents c join {STORE}._current using (publication_id)"
    with db.transaction():
        for schema in (STORE, "marts", "marts_restricted", "operations"):
            if not _row(db, "select 1 from pg_namespace where nspname = %s", schema):
                db.execute(f"create schema {quoted(schema)}")
        if _row(db, "select to_regclass(%s)", f"{STORE}._pointer") != (None,):
            return
        db.execute(f"create table {STORE}._publications (publication_id text primary key, published_at timestamptz not null default now())")
        db.execute(
            f"create table {STORE}._contents (publication_id text references {STORE}._publications, relation text, version integer not null,"
            " shape jsonb not null, primary key (publication_id, relation))"
        )
        db.execute(
            f"create table {STORE}._current (is_row boolean primary key default true check (is_row),"
            f" publication_id text not null references {STORE}._publications)"
        )
        db.execute(f"create table {STORE}._slots (relation text, slot integer, is_clean boolean not null, primary key (relation, slot))")
        db.execute(f"create view {STORE}._pointer as {pointer}")


def ensure_relation(db: psycopg.Connection, relation: Relation) -> None:
    """The table and its view, with the columns and the key that the relation has now.

    Added columns are null in earlier versions; removed ones go from them; changed types are cast in them.
    """
    found = _row(db, "select to_regclass(%s)::text", quoted(STORE, relation.name))
    if found == (None,):
        with db.transaction():
            _create(db, relation)
        return
    columns = db.execute(
        "select attname, format_type(atttypid, atttypmod) from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped",
        [quoted(STORE, relation.name)],
    ).fetchall()
    have = {str(name): str(kind) for name, kind in columns}
    want = {c.name: _type(c) for c in relation.columns}
    removed = [c for c in have if c not in want and c != "version"]
    retyped = [c for c in want if c in have and _canonical(have[c]) != _canonical(want[c])]
    added = [c for c in want if c not in have]
    rekeyed = _key(db, relation) != relation.key
    if not (removed or retyped or added or rekeyed):
        return

    def change() -> None:
        table = quoted(STORE, relation.name)
        grants: list[str] = []
        if removed or retyped:
            grants = _grants(db, relation)
            db.execute(f"drop view {relation.view}")
        for name in added:
            db.execute(f"alter table {table} add column {quoted(name)} {want[name]}")
        for name in retyped:
            db.execute(f"alter table {table} alter column {quoted(name)} type {want[name]} using {quoted(name)}::{want[name]}")
        for name in removed:
            db.execute(f"alter table {table} drop column {quoted(name)}")
        if _key(db, relation) != relation.key:  # an index goes with a column of its own
            _index(db, relation)
        _view(db, relation)
        for grant in grants:
            db.execute(grant)
        db.execute(f"update {STORE}._contents set shape = %s where relation = %s", [Jsonb(relation.shape), relation.name])

    try:
        _patiently(db, change)
    except psycopg.errors.DependentObjectsStillExist:
        lost = ", ".join(removed + retyped)
        raise WarehouseError(f"{relation.view}: {lost} changes, and a view or policy of yours depends on it; drop that first") from None


def _create(db: psycopg.Connection, relation: Relation) -> None:
    table = quoted(STORE, relation.name)
    columns = ", ".join(f"{quoted(c.name)} {_type(c)}" for c in relation.columns)
    db.execute(f"create table {table} ({columns}, version integer not null) {'partition by list (version)' if relation.mart else ''}")
    _index(db, relation)
    if relation.mart:
        add_slots(db, relation, _FIRST_SLOTS)
    if relation.is_restricted:  # no row for anyone but the owner until a policy says otherwise
        db.execute(f"alter table {table} enable row level security")
        for (role,) in db.execute(
            "select distinct r.rolname from pg_namespace n, aclexplode(n.nspacl) a join pg_roles r on r.oid = a.grantee"
            " where n.nspname = 'marts_restricted' and a.grantee <> n.nspowner"
        ).fetchall():
            db.execute(f"grant select on {table} to {quoted(role)}")
    _view(db, relation)


def _index_name(relation: Relation) -> str:
    return f"{relation.name}__key"


def _index(db: psycopg.Connection, relation: Relation) -> None:
    """The key's index, on the table and so on every slot."""
    name = _index_name(relation)
    db.execute(f"drop index if exists {quoted(STORE, name)}")
    on = f"index {quoted(name)} on {quoted(STORE, relation.name)}"
    if relation.key:
        db.execute(f"create unique {on} ({listed((*relation.key, 'version'))}) nulls not distinct")
    else:
        db.execute(f"create {on} (version)")


def _key(db: psycopg.Connection, relation: Relation) -> tuple[str, ...]:
    """The key that the index stands for."""
    rows = db.execute(
        "select attname from pg_attribute where attrelid = to_regclass(%s) and attname <> 'version' order by attnum",
        [quoted(STORE, _index_name(relation))],
    ).fetchall()
    return tuple(str(r[0]) for r in rows)


def _view(db: psycopg.Connection, relation: Relation) -> None:
    """Make or replace the view. A column that a view has keeps its place, as PostgreSQL wants it; new ones come after."""
    rows = at_version(relation.name, f"select p.version from {STORE}._pointer p where p.relation = '{relation.name}'")
    have = db.execute(
        "select attname from pg_attribute where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped order by attnum", [relation.view]
    ).fetchall()
    names = [c.name for c in relation.view_columns]
    order = [*(n for (n,) in have), *(n for n in names if (n,) not in have)]
    query = public_select(relation.mart, rows, "operations.slices", order) if relation.mart else f"select {listed(order)} from {rows} m"
    # A restricted view reads its table with the rights of whoever asks, so that row policies hold; an open one with its owner's.
    option = "with (security_invoker = true)" if relation.is_restricted else ""
    db.execute(f"create or replace view {relation.view} {option} as {query}")


def at_version(relation: str, version: str) -> str:
    """SQL: a relation's rows of one version, which a scalar query gives, so that only that slot is scanned."""
    return f"(select * from {quoted(STORE, relation)} where version = ({version}))"


def add_slots(db: psycopg.Connection, relation: Relation, n: int) -> None:
    """Attach `n` more empty partitions. Attaching takes no lock that a reader could wait for."""
    with db.transaction():
        row = _row(db, f"select coalesce(max(slot), 0) from {STORE}._slots where relation = %s", relation.name)
        last = int(row[0]) if row else 0
        for slot in range(last + 1, last + n + 1):
            table = slot_table(relation.name, slot)
            # Rows of a slot are deleted, not truncated, and its file is not cut: either would disturb readers.
            db.execute(f"create table {table} (like {quoted(STORE, relation.name)}) with (vacuum_truncate = false)")
            db.execute(f"alter table {quoted(STORE, relation.name)} attach partition {table} for values in ({slot})")
            db.execute(f"insert into {STORE}._slots values (%s, %s, true)", [relation.name, slot])


def take_slot(db: psycopg.Connection, relation: Relation) -> int:
    """A clean slot, marked as in use before it is filled."""
    clean = f"select min(slot) from {STORE}._slots where relation = %s and is_clean"
    row = _row(db, clean, relation.name)
    if row == (None,):
        add_slots(db, relation, _MORE_SLOTS)
        row = _row(db, clean, relation.name)
    slot = int(row[0]) if row else 0
    db.execute(f"update {STORE}._slots set is_clean = false where relation = %s and slot = %s", [relation.name, slot])
    return slot


def spare_slots(db: psycopg.Connection, relation: Relation) -> None:
    """See to it that the next publications find slots that have been there for some time."""
    row = _row(db, f"select count(*) from {STORE}._slots where relation = %s and is_clean", relation.name)
    if row and row[0] < _SPARE_SLOTS:
        add_slots(db, relation, _MORE_SLOTS)


def next_version(db: psycopg.Connection, relation: Relation) -> int:
    """The number for a new version of an operations table."""
    row = _row(db, f"select coalesce(max(version), 0) + 1 from {STORE}._contents where relation = %s", relation.name)
    return int(row[0]) if row else 1


def stage_parts(db: psycopg.Connection, change: MartChange) -> str:
    """An empty table for the parts that a change replaces; gives its name."""
    types = {c.name: _type(c) for c in change.mart.columns}
    name = _PARTS + change.mart.name
    db.execute(f"create unlogged table {quoted(STORE, name)} ({', '.join(f'{quoted(c)} {types[c]}' for c in change.mart.part)})")
    return name


def carry_over(db: psycopg.Connection, change: MartChange, parts: str, before: int, slot: int) -> None:
    """Copy from the version before what a change leaves as it was, on the server; then drop `parts`."""
    mart, staged = change.mart, quoted(STORE, parts)
    db.execute(f"analyze {staged}")
    row = _row(db, f"select {', '.join(f'count(*) > count({quoted(c)})' for c in mart.part)} from {staged}") or ()
    # "is not distinct from" cannot be hashed; equality can, so it is used wherever the parts have no null.
    same = " and ".join(
        f"(m.{quoted(c)} is null) = (p.{quoted(c)} is null) and coalesce(m.{quoted(c)}::text, '') = coalesce(p.{quoted(c)}::text, '')"
        if has_null
        else f"m.{quoted(c)} = p.{quoted(c)}"
        for c, has_null in zip(mart.part, row, strict=True)
    )
    into = f"insert into {slot_table(mart.name, slot)} ({listed(mart.column_names)}, version)"
    copy = f"{into} select {listed(mart.column_names, 'm')}, {slot} from {slot_table(mart.name, before)} m"
    replaced = f"exists (select 1 from {staged} p where {same})"
    db.execute(f"{copy} where not {replaced}")
    if change.keep:
        db.execute(f"{copy} where {replaced} and {kept(change, 'm')}")
    if change.hide:
        db.execute(f"update {slot_table(mart.name, slot)} set {change.hide[0]} where {change.hide[1]}")
    db.execute(f"drop table {staged}")


def clear(db: psycopg.Connection) -> list[str]:
    """Empty what belongs to no publication; gives the names of what was emptied or dropped.

    Rows are deleted, so that a transaction which still sees an old publication goes on seeing it; vacuum then frees their space.
    """
    gone: list[str] = []
    tables = db.execute("select relname, relkind::text from pg_class where relnamespace = %s::regnamespace order by relname", [STORE]).fetchall()
    for name, kind in tables:
        if kind == "r" and name.startswith(_PARTS):
            db.execute(f"drop table {quoted(STORE, name)}")
            gone.append(name)
        elif kind == "r" and name.startswith(OPERATIONS):
            unused = f"version not in (select version from {STORE}._contents where relation = %s)"
            if db.execute(f"delete from {quoted(STORE, name)} where {unused}", [name]).rowcount:
                gone.append(name)
    for name, slot in db.execute(
        f"select relation, slot from {STORE}._slots s where not is_clean"
        f" and not exists (select 1 from {STORE}._contents c where c.relation = s.relation and c.version = s.slot) order by 1, 2"
    ).fetchall():
        table = slot_table(name, slot)
        db.execute(f"delete from {table}")
        with suppress(psycopg.errors.LockNotAvailable):  # autovacuum is at it already
            db.execute(f"vacuum {table}")
        db.execute(f"update {STORE}._slots set is_clean = true where relation = %s and slot = %s", [name, slot])
        gone.append(f"{name}__{slot:03}")
    return gone


def add_rights(db: psycopg.Connection, role: str, schema: MartSchema) -> None:
    """Grant `role` what reading a schema's marts takes, for those that are and those that come."""
    to = quoted(role)
    with db.transaction():
        for name in (schema, "operations"):
            db.execute(f"grant usage on schema {name} to {to}")
            db.execute(f"grant select on all tables in schema {name} to {to}")
            db.execute(f"alter default privileges in schema {name} grant select on tables to {to}")
        if schema == "marts_restricted":
            db.execute(f"grant usage on schema {STORE} to {to}")
            db.execute(f"grant select on {STORE}._pointer to {to}")
            views = "select c.relname from pg_class c where c.relnamespace = 'marts_restricted'::regnamespace and c.relkind = 'v'"
            for (mart,) in db.execute(views).fetchall():
                db.execute(f"grant select on {quoted(STORE, mart)} to {to}")


def _patiently(db: psycopg.Connection, change: Callable[[], None]) -> None:
    """Run a change that needs an exclusive lock, giving way to readers between short attempts."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with db.transaction():
                db.execute(f"set local lock_timeout = '{_LOCK_TIMEOUT}'")
                change()
            return
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            if attempt == _ATTEMPTS:
                raise
            time.sleep(0.2)


def _grants(db: psycopg.Connection, relation: Relation) -> list[str]:
    """The GRANTs on a view, to be given again once it has been made anew."""
    rows = db.execute(
        "select coalesce(quote_ident(r.rolname), 'public'), a.privilege_type, a.is_grantable from pg_class c, aclexplode(c.relacl) a"
        " left join pg_roles r on r.oid = a.grantee where c.oid = %s::regclass and a.grantee <> c.relowner",
        [relation.view],
    ).fetchall()
    return [f"grant {kind} on {relation.view} to {role}{' with grant option' if again else ''}" for role, kind, again in rows]


def _type(column: Column) -> str:
    if column.type == "timestamp":
        return "timestamp without time zone"
    return column.type.replace("decimal", "numeric") if column.type.startswith("decimal") else _TYPES.get(column.type, column.type)


def _canonical(kind: str) -> str:
    return kind.replace(" ", "").lower()


def _row(db: psycopg.Connection, sql: str, *parameters: object) -> tuple[Any, ...] | None:
    return db.execute(sql, parameters).fetchone()
