"""Candidates and verdicts on them: tonight's raw rows, and those still in quarantine, judged by the row rules.

Belongs here: `arrival.<table>` (every candidate, as text), `present.<table>` (candidates and held rows, for rules that look across tables) and
`judged.<table>` (the candidates with an outcome). Merging is `hold.py`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.district import District
from pipelines.lineage.ledger import Delivery
from pipelines.quality.expectations import Rule, condition
from pipelines.quality.hold import quoted, same_key
from pipelines.sources import format_of
from pipelines.sources.shape import Reading, Table

CANDIDATE = (
    "_is_deleted", "_delivery_id", "_file", "_line", "_defect", "_precedence", "_business_date", "_mode", "_source_id", "_content",
)  # fmt: skip


@dataclass(frozen=True)
class Candidates:
    """By delivery: what its header lacks or has besides, and how many of its lines are rows where some only describe the columns."""

    missing: Mapping[str, tuple[str, ...]]
    unknown: Mapping[str, tuple[str, ...]]
    notes: Mapping[str, tuple[str, ...]]
    n_rows: Mapping[str, int]


def load_deliveries(db: duckdb.DuckDBPyConnection, deliveries: Sequence[Delivery], released: frozenset[str]) -> None:
    """Fill `arrival.deliveries`, one row a delivery of tonight."""
    rows = [(d.delivery_id, d.source_id, d.table_name, d.business_date, d.name, d.mode, d.precedence, d.n_rows, d.delivery_id in released) for d in deliveries]
    names = ("delivery_id", "source_id", "table_name", "business_date", "name", "mode", "precedence", "n_rows", "is_released")
    types = (pa.string(), pa.string(), pa.string(), pa.date32(), pa.string(), pa.string(), pa.int64(), pa.int64(), pa.bool_())
    incoming = pa.table({n: pa.array([r[i] for r in rows], t) for i, (n, t) in enumerate(zip(names, types, strict=True))})
    db.register("incoming", incoming)
    db.execute("""create or replace table arrival.deliveries as
        select *, 0::bigint as n_bad, '' as missing, false as is_blocked from incoming""")
    db.unregister("incoming")


def load_releases(db: duckdb.DuckDBPyConnection, releases: Sequence[tuple[str, str, str]]) -> None:
    """Note the rows that a person has let through: delivery, table and key (see `row_key`)."""
    db.execute("create or replace temp table released_rows (delivery_id varchar, table_name varchar, row_key varchar)")
    if releases:
        db.executemany("insert into released_rows values (?, ?, ?)", [list(r) for r in releases])


def row_key(table: Table, alias: str) -> str:
    """The key of a row as one text, as people name it in a release."""
    return f"concat_ws('|', {quoted(table.key, alias)})"


def load_candidates(
    db: duckdb.DuckDBPyConnection, district: District, table: Table, items: Mapping[str, frozenset[str]], deliveries: Sequence[Delivery], data: Path
) -> Candidates:
    """Fill `arrival.<table>` from the raw files of `deliveries` and from open quarantine."""
    db.execute(f"create or replace temp table loaded as select * exclude (_rule, _first_seen_run, _last_seen_run) from quarantine.{table.name}")
    groups: dict[tuple[str, str, str, tuple[str, ...]], list[Delivery]] = defaultdict(list)
    for d in deliveries:
        source = district.source(d.source_id)
        kind = format_of(source).kind_of(source, d.name).name
        groups[d.source_id, d.mode, kind, tuple(pq.read_schema(data / d.raw_path).names)].append(d)
    missing: dict[str, tuple[str, ...]] = {}
    unknown: dict[str, tuple[str, ...]] = {}
    content = f"hash({quoted(table.columns, 'c')})"
    notes: dict[str, tuple[str, ...]] = {}
    n_rows: dict[str, int] = {}
    for (source_id, mode, kind, columns), some in groups.items():
        source = district.source(source_id)
        projection = format_of(source).projection(table, source, columns, Reading(mode, items, kind))  # type: ignore[arg-type]  # the ledger's own values
        notes.update({d.delivery_id: projection.notes for d in some if projection.notes})
        missing.update({d.delivery_id: projection.missing for d in some if projection.missing})
        unknown.update({d.delivery_id: projection.unknown for d in some if projection.unknown})
        if projection.missing:
            continue
        files = ", ".join("'" + str(data / d.raw_path).replace("'", "''") + "'" for d in some)
        db.execute(f"create or replace temp view raw as select * from read_parquet([{files}], hive_partitioning=false)")
        if projection.context != "false":
            counted = db.execute(f"select _delivery_id, count(*) from raw where not ({projection.context}) group by 1").fetchall()
            n_rows.update(dict.fromkeys((d.delivery_id for d in some), 0) | {str(d): int(n) for d, n in counted})
        db.execute(f"""
            insert into loaded by name
            select c.*, {content} as _content, d.precedence as _precedence, d.business_date as _business_date, d.mode as _mode, d.source_id as _source_id
            from ({projection.sql}) c join arrival.deliveries d on d.delivery_id = c._delivery_id""")
    keys = quoted(table.key)
    db.execute(f"""
        create or replace temp table repeats as
        select _delivery_id, {keys}, count(distinct _content) as n_contents, min(_line) as first_line
        from loaded where _defect is null group by all having count(*) > 1""")
    db.execute(f"""
        create or replace table arrival.{table.name} as
        select l.*, coalesce(n.n_contents > 1, false) as _is_conflict,
            coalesce(n.n_contents = 1 and l._line > n.first_line, false) as _is_repeat,
            q._rule is not null as _is_retried
        from loaded l
        left join repeats n on l._defect is null and n._delivery_id = l._delivery_id and {same_key(table, "l", "n")}
        left join quarantine.{table.name} q on q._delivery_id = l._delivery_id and q._line = l._line and {same_key(table, "l", "q")}""")
    db.execute("drop table loaded")
    for delivery_id, names in missing.items():
        db.execute("update arrival.deliveries set missing = ? where delivery_id = ?", [", ".join(names), delivery_id])
    for delivery_id, n in n_rows.items():
        db.execute("update arrival.deliveries set n_rows = ? where delivery_id = ?", [n, delivery_id])
    return Candidates(missing, unknown, notes, n_rows)


def present_view(db: duckdb.DuckDBPyConnection, table: Table, has_candidates: bool) -> None:
    """`present.<table>`: what is held and open, and tonight's candidates."""
    columns = quoted(table.columns)
    tonight = f" union all select {columns} from arrival.{table.name} where not _is_deleted" if has_candidates else ""
    db.execute(f"create or replace view present.{table.name} as select {columns} from held.{table.name} where _is_open{tonight}")


def judge(db: duckdb.DuckDBPyConnection, table: Table, rules: Sequence[Rule]) -> dict[str, int]:
    """Fill `judged.<table>`: `_outcome` candidate, quarantined or duplicate, and `_rule` for what is quarantined. Returns bad rows by rule."""
    named = ", ".join(f"case when {condition(r)} then '{r.id}' end" for r in rules)
    critical = ", ".join(f"'{r.id}'" for r in rules if r.severity == "critical")
    db.execute("create temp table if not exists released_rows (delivery_id varchar, table_name varchar, row_key varchar)")
    let_through = "false"
    if db.execute("select 1 from released_rows where table_name = ?", [table.name]).fetchall():
        let_through = f"(t._delivery_id, {row_key(table, 't')}) in (select (delivery_id, row_key) from released_rows where table_name = '{table.name}')"
    db.execute(f"""
        create or replace table judged.{table.name} as
        with tested as (
            select r.*, {f"list_filter([{named}], lambda x: x is not null)" if named else "[]::varchar[]"} as _rules from arrival.{table.name} r
        ), first_rule as (
            select *, case when not {let_through} then list_filter(_rules, lambda x: x in ({critical or "''"}))[1] end as _rule from tested t
        )
        select *, case when _rule is not null then 'quarantined' when _is_repeat then 'duplicate' else 'candidate' end as _outcome
        from first_rule""")
    db.execute(f"""
        update arrival.deliveries as d set n_bad = b.n
        from (select _delivery_id, count(*) as n from judged.{table.name} where _outcome = 'quarantined' and not _is_retried group by 1) b
        where b._delivery_id = d.delivery_id""")
    counts = db.execute(f"select unnest(_rules) as rule, count(*) from judged.{table.name} where len(_rules) > 0 group by 1").fetchall()
    return {str(rule): int(n) for rule, n in counts}


def keep_quarantine(db: duckdb.DuckDBPyConnection, table: Table, run_id: str) -> None:
    """Make `quarantine.<table>` what `judged.<table>` says, keeping when each key first broke its rule.

    A row leaves when it is accepted, when a newer version of its key is held, or when a newer bulk file speaks for its scope.
    """
    scope = {
        "table": "j._source_id",
        "business_date": "strftime(j._business_date, '%Y-%m-%d')",
        "rows": f"coalesce(j.\"{table.scope_column}\", '')",
    }[table.scope]
    db.execute(
        f"""
        create or replace temp table quarantined_now as
        with first_seen as (
            select {quoted(table.key)}, _rule, min(_first_seen_run) as _first_seen_run from quarantine.{table.name} group by all
        ), newest_bulk as (
            select scope, max(precedence) as precedence from held.bulk_scopes where table_name = '{table.name}' group by scope
        )
        select {quoted((*table.columns, *CANDIDATE), "j")}, j._rule, coalesce(q._first_seen_run, $run) as _first_seen_run, $run as _last_seen_run
        from judged.{table.name} j
        left join first_seen q on q._rule = j._rule and {same_key(table, "q", "j")}
        left join held.{table.name} h on {same_key(table, "h", "j")}
        left join newest_bulk b on j._mode = 'bulk' and b.scope = {scope}
        where j._outcome = 'quarantined' and coalesce(h._precedence, 0) <= j._precedence and coalesce(b.precedence, 0) <= j._precedence""",
        {"run": run_id},
    )
    db.execute(f"delete from quarantine.{table.name}")
    db.execute(f"insert into quarantine.{table.name} by name select * from quarantined_now")
