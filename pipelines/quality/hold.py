"""Merging judged rows into `held`: for every source table, the last accepted version of every key.

Belongs here: the rules of precedence, withdrawal and restoration, as SQL over the build database. What is a good row is decided before
(`judge.py`). The merge commutes: a held row depends on the set of deliveries taken, not on the order in which they arrived.

A held row has the table's own columns and
`_precedence`         of the delivery its content is from (0: only a deletion, or a row in quarantine, is known), with `_delivery_id`,
                      `_line` and `_known_on` (its business date)
`_seen_precedence`    of the newest delivery that had the key at all, quarantined or not
`_closed_precedence`  of the newest delivery that deleted the key, `_closed_on` its business date
`_withdrawn_on`       first business date from which the key is no longer said to be true (null: still true)
`_is_open`            what staging reads: content is known, and it is not withdrawn (or withdrawal only ends it)
`_bad_precedence`     of the newest whole file whose row of this key was set aside (0: none)
`_is_marked`          that row is newer than what is held of the key
`_first_seen_on`      earliest business date on which the key was seen
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from pipelines.sources.shape import Table

SYSTEM = (
    "_scope varchar",
    "_precedence bigint",
    "_seen_precedence bigint",
    "_closed_precedence bigint",
    "_closed_on date",
    "_withdrawn_on date",
    "_delivery_id varchar",
    "_line bigint",
    "_known_on date",
    "_first_seen_on date",
    "_bad_precedence bigint",
    "_is_marked boolean",
    "_is_open boolean",
    "_content ubigint",
)


def quoted(names: Sequence[str], alias: str = "") -> str:
    return ", ".join(f'{alias}."{n}"' if alias else f'"{n}"' for n in names)


def same_key(table: Table, left: str, right: str) -> str:
    return " and ".join(f'{left}."{c}" = {right}."{c}"' for c in table.key)


def ensure_tables(db: duckdb.DuckDBPyConnection, tables: Sequence[Table]) -> None:
    """Create what is missing of `held`, `changes` and `quarantine`: schemas, tables, and columns that a table has been given since (blank in old rows)."""
    for schema in ("arrival", "judged", "held", "changes", "quarantine", "settings", "present"):
        db.execute(f"create schema if not exists {schema}")
    db.execute("create table if not exists held.bulk_scopes (table_name varchar, scope varchar, precedence bigint, business_date date)")
    db.execute("create table if not exists changes.bulk_scopes (table_name varchar, scope varchar)")
    for schema in ("held", "changes"):
        db.execute(f"create table if not exists {schema}.unknown_days (student_id varchar, school_id varchar, attendance_date varchar)")
    for table in tables:
        columns = ", ".join(f'"{c}" varchar' for c in table.columns)
        db.execute(f"create table if not exists held.{table.name} ({columns}, {', '.join(SYSTEM)})")
        db.execute(f"create table if not exists changes.{table.name} ({columns}, _withdrawn_on date, _is_open boolean)")
        db.execute(
            f"create table if not exists quarantine.{table.name} ({columns}, _is_deleted boolean, _delivery_id varchar, _file varchar, "
            "_line bigint, _defect varchar, _precedence bigint, _business_date date, _mode varchar, _source_id varchar, _content ubigint, "
            "_rule varchar, _first_seen_run varchar, _last_seen_run varchar, _n_nights integer)"
        )
    there = set(db.execute("select table_schema, table_name, column_name from information_schema.columns").fetchall())
    for table in tables:
        for schema in ("held", "changes", "quarantine"):
            for column in table.columns:
                if (schema, table.name, column) not in there:
                    blank = " default ''" if column in table.key else ""
                    db.execute(f'alter table {schema}.{table.name} add column "{column}" varchar{blank}')


def _scope_of(table: Table, alias: str) -> str:
    """The scope a row belongs to: its source for whole-table files, else the value of the scope column."""
    return f"{alias}._source_id" if table.scope == "table" else f"coalesce({alias}.\"{table.scope_column}\", '')"


def merge(db: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Merge `judged.<table>` (rows with `_outcome` accepted, or quarantined) into `held.<table>`, noting what changed in `changes.<table>`.

    Expects `arrival.deliveries` and, in `judged.<table>`, `_outcome` of `candidate` (may be merged), `quarantined` or `duplicate`; candidates that
    a newer delivery overrules become `superseded`, the others `accepted`. Runs inside the caller's transaction.
    """
    name, key = table.name, table.key
    keys, columns = quoted(key), quoted(table.columns)
    open_when = "_precedence > 0" + ("" if table.withdrawal == "ends" else " and _withdrawn_on is null")

    db.execute(f"""
        create or replace temp table said as
        select {keys}, _is_deleted, max(_precedence) as _precedence
        from judged.{name} where _outcome = 'candidate' group by all""")
    db.execute(f"""
        create or replace temp table won as
        select j.*, {_scope_of(table, "j")} as _scope
        from judged.{name} j join said s on {same_key(table, "j", "s")} and j._is_deleted = s._is_deleted and j._precedence = s._precedence
        where j._outcome = 'candidate'
        qualify row_number() over (partition by {quoted(key, "j")}, j._is_deleted order by j._delivery_id desc, j._line desc) = 1""")
    db.execute(f"""
        create or replace temp table before as
        select h.*, h.rowid as _row from held.{name} h semi join (
            select {keys} from said union all select {keys} from judged.{name} where _outcome = 'quarantined' and _mode = 'bulk'
        ) k on {same_key(table, "h", "k")}""")
    db.execute(f"""
        update judged.{name} as j set _outcome = case
            when j._precedence < s._precedence or j._precedence < coalesce(b._precedence, 0) then 'superseded' else 'accepted' end
        from said s left join before b on {same_key(table, "b", "s")}
        where j._outcome = 'candidate' and {same_key(table, "j", "s")} and j._is_deleted = s._is_deleted""")

    # The new state of every key that was mentioned.
    # Of two deliveries of one precedence (pages of one read) the same one wins, whichever came first.
    content = "case when w._precedence > coalesce(b._precedence, 0) or (w._precedence = b._precedence and w._delivery_id >= coalesce(b._delivery_id, '')) then"
    carried = ", ".join(f'{content} w."{c}" else b."{c}" end as "{c}"' for c in table.columns if c not in key)
    coalesced_keys = ", ".join(f'm."{c}"' for c in key)
    db.execute(f"""
        create or replace temp table after as
        with mentioned as (
            select {keys}, max(_precedence) as seen, min(_business_date) as first_seen, max(_precedence) filter (where _outcome = 'quarantined') as bad
            from judged.{name} where _outcome not in ('duplicate', 'blocked') and (_outcome <> 'quarantined' or _mode = 'bulk') group by {keys}
        ), state as (
            select {coalesced_keys}{", " + carried if carried else ""},
                coalesce(w._scope, b._scope, t._scope) as _scope,
                greatest(coalesce(w._precedence, 0), coalesce(b._precedence, 0)) as _precedence,
                greatest(m.seen, coalesce(b._seen_precedence, 0)) as _seen_precedence,
                greatest(coalesce(t._precedence, 0), coalesce(b._closed_precedence, 0)) as _closed_precedence,
                case when coalesce(t._precedence, 0) >= coalesce(b._closed_precedence, 0) then t._business_date else b._closed_on end as _closed_on,
                b._withdrawn_on,
                {content} w._delivery_id else b._delivery_id end as _delivery_id,
                {content} w._line else b._line end as _line,
                {content} w._business_date else b._known_on end as _known_on,
                least(m.first_seen, coalesce(b._first_seen_on, m.first_seen)) as _first_seen_on,
                greatest(coalesce(m.bad, 0), coalesce(b._bad_precedence, 0)) as _bad_precedence,
                greatest(coalesce(m.bad, 0), coalesce(b._bad_precedence, 0))
                    > greatest(coalesce(w._precedence, 0), coalesce(b._precedence, 0), coalesce(t._precedence, 0), coalesce(b._closed_precedence, 0))
                    as _is_marked,
                b._is_open,
                {content} w._content else b._content end as _content
            from mentioned m
            left join (from won where not _is_deleted) w on {same_key(table, "w", "m")}
            left join (from won where _is_deleted) t on {same_key(table, "t", "m")}
            left join before b on {same_key(table, "b", "m")}
        )
        select * from state where _precedence > 0 or _closed_precedence > 0 or _is_marked""")

    # Bulk files: which scopes they speak for, and so what they withdraw.
    scope_rows = {
        "table": "select d.source_id as scope, d.precedence, d.business_date from arrival.deliveries d where {where}",
        "business_date": "select strftime(d.business_date, '%Y-%m-%d') as scope, d.precedence, d.business_date from arrival.deliveries d where {where}",
        "rows": f"select distinct {_scope_of(table, 'j')} as scope, d.precedence, d.business_date "
        f"from arrival.deliveries d join judged.{name} j on j._delivery_id = d.delivery_id where {{where}}",
    }[table.scope].format(where=f"d.table_name = '{name}' and d.mode = 'bulk' and not d.is_blocked")
    db.execute(f"create or replace temp table spoke as {scope_rows}")
    db.execute(f"insert into changes.bulk_scopes select distinct '{name}', s.scope from spoke s "
               f"anti join held.bulk_scopes b on b.table_name = '{name}' and b.scope = s.scope")  # fmt: skip
    db.execute(f"insert into held.bulk_scopes select '{name}', s.* from spoke s anti join held.bulk_scopes b on b.table_name = '{name}' "
               "and b.scope = s.scope and b.precedence = s.precedence")  # fmt: skip
    # Rows of the scopes that a bulk spoke for tonight join those that were mentioned.
    db.execute(f"""
        insert into before by name
        select h.*, h.rowid as _row from held.{name} h semi join (select distinct scope from spoke) s on h._scope = s.scope
        where h.rowid not in (select _row from before)""")
    db.execute(f"""
        insert into after by name
        select b.* exclude (_row) from before b semi join (select distinct scope from spoke) s on b._scope = s.scope
        anti join after a on {same_key(table, "b", "a")}""")
    db.execute(f"""
        create or replace temp table bulks_after as
        select a.rowid as row_id, min(b.business_date) as gone_on
        from after a join held.bulk_scopes b on b.table_name = '{name}' and b.scope = a._scope and b.precedence > a._seen_precedence
        group by 1""")
    db.execute("""
        update after set _withdrawn_on = case when _closed_precedence > _precedence then _closed_on end""")
    db.execute("""
        update after set _withdrawn_on = least(coalesce(_withdrawn_on, g.gone_on), g.gone_on) from bulks_after g where after.rowid = g.row_id""")
    db.execute(f"update after set _is_open = ({open_when})")

    # What staging will see differently, old and new.
    db.execute(f"""
        create or replace temp table altered as
        select {quoted(key, "a")} from after a left join before b on {same_key(table, "a", "b")}
        where b._is_open is null and a._is_open or b._is_open <> a._is_open
           or a._is_open and (a._content is distinct from b._content or a._withdrawn_on is distinct from b._withdrawn_on
                              or a._first_seen_on is distinct from b._first_seen_on)""")
    for state in ("after", "before"):
        db.execute(f"insert into changes.{name} select {columns}, _withdrawn_on, _is_open from {state} h semi join altered k on {same_key(table, 'h', 'k')}")
    # Unchanged rows only move their marks; the others are written anew. Held rows are found by the place that `before` has of them, not by their key again.
    db.execute(f"""
        create or replace temp table moved as
        select a.*, b._row from after a left join before b on {same_key(table, "a", "b")}
        where b._precedence is null or b._content is distinct from a._content or b._is_open is distinct from a._is_open
           or b._withdrawn_on is distinct from a._withdrawn_on""")
    db.execute(f"delete from held.{name} where rowid in (select _row from moved)")
    marks = ("_precedence", "_seen_precedence", "_is_marked", "_bad_precedence", "_closed_precedence", "_closed_on", "_first_seen_on",
             "_delivery_id", "_line", "_known_on")  # fmt: skip
    db.execute(f"""
        update held.{name} as h set {", ".join(f"{m} = a.{m}" for m in marks)}
        from (
            select a.*, b._row from after a join before b on {same_key(table, "a", "b")}
            where b._precedence <> a._precedence or b._seen_precedence <> a._seen_precedence or b._bad_precedence <> a._bad_precedence
                or b._is_marked <> a._is_marked or b._closed_precedence <> a._closed_precedence or b._first_seen_on <> a._first_seen_on
        ) a
        where h.rowid = a._row""")
    # In the order of their days, as they come night by night: what then asks for days finds them together (after a first load of a whole history too).
    db.execute(f"insert into held.{name} by name select * exclude (_row) from moved order by _known_on")
