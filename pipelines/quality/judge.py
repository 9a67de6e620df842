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

from pipelines.district import District, Source
from pipelines.lineage.ledger import Delivery
from pipelines.quality import dates
from pipelines.quality.expectations import Rule, row_condition
from pipelines.quality.hold import quoted, same_key
from pipelines.sources import format_of
from pipelines.sources.shape import Items, Projection, Reading, Table

CANDIDATE = (
    "_is_deleted", "_delivery_id", "_file", "_line", "_defect", "_precedence", "_business_date", "_mode", "_source_id", "_content",
)  # fmt: skip


@dataclass(frozen=True)
class Candidates:
    """By delivery: what its header lacks or has besides, how many of its lines are rows where some only describe the columns, which format its date
    columns were found to be in, the date columns whose format stays open (its rows are then not loaded), and what is said of lines.
    """

    missing: dict[str, tuple[str, ...]]
    unknown: dict[str, tuple[str, ...]]
    notes: dict[str, tuple[str, ...]]
    n_rows: dict[str, int]
    dates: dict[str, tuple[tuple[str, str], ...]]
    unsettled: dict[str, tuple[str, ...]]
    left_out: dict[str, str]  # rows of the file that are no answers by its own account, in words
    remarks: dict[str, tuple[str, ...]]


def load_deliveries(db: duckdb.DuckDBPyConnection, deliveries: Sequence[Delivery], released: frozenset[str]) -> None:
    """Fill `arrival.deliveries`, one row a delivery of tonight."""
    rows = [
        (d.delivery_id, d.source_id, d.table_name, d.business_date, d.name, d.mode, d.precedence, d.n_rows, d.delivery_id in released, d.status != "raw")
        for d in deliveries
    ]
    names = ("delivery_id", "source_id", "table_name", "business_date", "name", "mode", "precedence", "n_rows", "is_released", "is_retried")
    types = (pa.string(), pa.string(), pa.string(), pa.date32(), pa.string(), pa.string(), pa.int64(), pa.int64(), pa.bool_(), pa.bool_())
    incoming = pa.table({n: pa.array([r[i] for r in rows], t) for i, (n, t) in enumerate(zip(names, types, strict=True))})
    db.register("incoming", incoming)
    db.execute("""create or replace table arrival.deliveries as
        select *, 0::bigint as n_bad, '' as missing, '' as unsettled, false as is_blocked from incoming""")
    db.unregister("incoming")


def load_releases(db: duckdb.DuckDBPyConnection, releases: Sequence[tuple[str, str, str]]) -> None:
    """Note the rows that a person has let through: delivery, table and key (see `row_key`)."""
    db.execute("create or replace temp table released_rows (delivery_id varchar, table_name varchar, row_key varchar)")
    if releases:
        db.executemany("insert into released_rows values (?, ?, ?)", [list(r) for r in releases])


def row_key(table: Table, alias: str) -> str:
    """The key of a row as one text, as people name it in a release."""
    return f"concat_ws('|', {quoted(table.key, alias)})"


def load_candidates(db: duckdb.DuckDBPyConnection, district: District, table: Table, items: Items, deliveries: Sequence[Delivery], data: Path) -> Candidates:
    """Fill `arrival.<table>` from the raw files of `deliveries` and from open quarantine."""
    # A file that is read from raw tonight brings its quarantined rows itself: after a kill, a row that was set aside already must not come twice.
    again = ", ".join(f"'{d.delivery_id}'" for d in deliveries) or "''"
    db.execute(f"create or replace temp table loaded as select * exclude (_rule, _first_seen_run, _last_seen_run, _n_nights), true as _is_retried "
               f"from quarantine.{table.name} where _delivery_id not in ({again})")  # fmt: skip
    found = Candidates({}, {}, {}, {}, {}, {}, {}, {})
    groups: dict[tuple[str, str, str, tuple[str, ...], str], list[Delivery]] = defaultdict(list)
    heads: dict[str, tuple[Mapping[str, str], ...]] = {}
    for d in deliveries:
        source = district.source(d.source_id)
        format_ = format_of(source)
        head = _head(db, data / d.raw_path, format_.n_head)
        heads[repr(head)] = head
        groups[d.source_id, d.mode, format_.kind_of(source, d.name).name, tuple(pq.read_schema(data / d.raw_path).names), repr(head)].append(d)
    for (source_id, mode, kind, columns, head_text), some in groups.items():
        reading = Reading(mode, items, heads[head_text], kind)  # type: ignore[arg-type]  # the ledger's own values
        _load_alike(db, table, district.source(source_id), columns, reading, some, data, found)
    keys = quoted(table.key)
    db.execute(f"""
        create or replace temp table repeats as
        select _delivery_id, {keys}, count(distinct _content) as n_contents, min(_line) as first_line
        from loaded where _defect is null group by all having count(*) > 1""")
    db.execute(f"""
        create or replace table arrival.{table.name} as
        select l.* exclude (_is_retried), coalesce(n.n_contents > 1, false) as _is_conflict,
            coalesce(n.n_contents = 1 and l._line > n.first_line, false) as _is_repeat, l._is_retried
        from loaded l
        left join repeats n on l._defect is null and n._delivery_id = l._delivery_id and {same_key(table, "l", "n")}""")
    db.execute("drop table loaded")
    for delivery_id, names in found.missing.items():
        db.execute("update arrival.deliveries set missing = ? where delivery_id = ?", [", ".join(names), delivery_id])
    for delivery_id, names in found.unsettled.items():
        db.execute("update arrival.deliveries set unsettled = ? where delivery_id = ?", [", ".join(names), delivery_id])
    for delivery_id, n in found.n_rows.items():
        db.execute("update arrival.deliveries set n_rows = ? where delivery_id = ?", [n, delivery_id])
    return found


def _load_alike(
    db: duckdb.DuckDBPyConnection,
    table: Table,
    source: Source,
    columns: Sequence[str],
    reading: Reading,
    deliveries: Sequence[Delivery],
    data: Path,
    found: Candidates,
) -> None:
    """Add the candidates of deliveries with the same columns, each file's dates read as that file writes them; tell `found` what their headers lack."""
    project = format_of(source).projection
    projection = project(table, source, columns, reading)
    ids = [d.delivery_id for d in deliveries]
    for told, said in ((found.notes, projection.notes), (found.missing, projection.missing), (found.unknown, projection.unknown)):
        told.update(dict.fromkeys(ids, said) if said else {})
    if projection.missing:
        return
    _view_raw(db, deliveries, data)
    if projection.context != "false" or projection.left_out:
        found.n_rows.update(dict.fromkeys(ids, 0))
        for delivery_id, n, *not_answers in db.execute(_count_rows(projection)).fetchall():
            found.n_rows[str(delivery_id)] = int(n)
            reasons = [f"{m:,} {words}" for m, (words, _) in zip(not_answers, projection.left_out, strict=True) if m]
            found.left_out.update({str(delivery_id): ", ".join(reasons)} if reasons else {})
    for condition_, warning in projection.remarks:
        name, _, text = warning.partition(": ")
        for delivery_id, n in db.execute(f"select _delivery_id, count(*) from raw where {condition_} group by 1").fetchall():
            found.remarks[str(delivery_id)] = (*found.remarks.get(str(delivery_id), ()), f"{name}: {n:,} {text}")
    open_columns = [c for c in table.dates if c not in source.date_formats and c not in source.constants]
    settled = dates.settle(db, f"(select * from ({projection.sql}) where _defect is null)", open_columns)
    alike: dict[tuple[tuple[str, str], ...], list[Delivery]] = defaultdict(list)
    for d in deliveries:
        mine = {column: s for (delivery_id, column), s in settled.items() if delivery_id == d.delivery_id}
        if unsettled := {column: s.why for column, s in mine.items() if s.why}:
            found.unsettled[d.delivery_id] = tuple(unsettled)
            place = f"under [sources.date_formats] of source {source.id} in district.toml, such as"
            remedies = tuple(f'{c}: {why}. Set {c} {place} {c} = "%m/%d/%Y".' for c, why in unsettled.items())
            found.notes[d.delivery_id] = (*found.notes.get(d.delivery_id, ()), *remedies)
            continue
        formats = tuple((column, s.date_format) for column, s in mine.items() if s.date_format)
        if formats:
            found.dates[d.delivery_id] = formats
        alike[formats].append(d)
    for formats, some in alike.items():
        _view_raw(db, some, data)
        as_written = source.model_copy(update={"date_formats": {**source.date_formats, **dict(formats)}})
        content = content_of(table.columns, "c")
        db.execute(f"""
            insert into loaded by name
            select c.*, {content} as _content, d.precedence as _precedence, d.business_date as _business_date, d.mode as _mode, d.source_id as _source_id,
                false as _is_retried
            from ({project(table, as_written, columns, reading).sql}) c join arrival.deliveries d on d.delivery_id = c._delivery_id""")


def content_of(columns: Sequence[str], alias: str) -> str:
    """What a row says, as a number: of its cells as text, each with its length and `-` where it is null, the MD5. Whether two rows are the same is asked of it
    alone, and DuckDB's own hash() is the same for some texts that differ in two places.
    """
    cells = [f"coalesce(length({alias}.{quoted([c])}) || ':' || {alias}.{quoted([c])}, '-')" for c in columns]
    return f"md5_number_lower(concat({', '.join(cells)}))"


def _view_raw(db: duckdb.DuckDBPyConnection, deliveries: Sequence[Delivery], data: Path) -> None:
    files = ", ".join("'" + str(data / d.raw_path).replace("'", "''") + "'" for d in deliveries)
    db.execute(f"create or replace temp view raw as select * from read_parquet([{files}], hive_partitioning=false)")


def _head(db: duckdb.DuckDBPyConnection, raw: Path, n: int) -> tuple[Mapping[str, str], ...]:
    """The first `n` rows of a raw file, cells by column, with `_line`."""
    if not n:
        return ()
    result = db.execute(
        f"select * exclude (_delivery_id, _file, _defect, _text) from read_parquet(?, hive_partitioning=false) order by _line limit {n}", [str(raw)]
    )
    names = [str(c[0]) for c in result.description or ()]
    return tuple({name: "" if v is None else str(v) for name, v in zip(names, row, strict=True)} for row in result.fetchall())


def _count_rows(projection: Projection) -> str:
    """By delivery: the rows that are candidates, then those left out by each reason, a row by its first."""
    counts: list[str] = []
    before = [projection.context]
    for _, condition_ in projection.left_out:
        counts.append(f"count(*) filter (where {' and '.join(f'not ({b})' for b in before)} and ({condition_}))")
        before.append(condition_)
    rows = f"count(*) filter (where {' and '.join(f'not ({b})' for b in before)})"
    return f"select {', '.join(['_delivery_id', rows, *counts])} from raw group by 1"


def present_view(db: duckdb.DuckDBPyConnection, table: Table, has_candidates: bool) -> None:
    """`present.<table>`: what is held and open, and tonight's candidates."""
    columns = quoted(table.columns)
    tonight = f" union all select {columns} from arrival.{table.name} where not _is_deleted" if has_candidates else ""
    db.execute(f"create or replace view present.{table.name} as select {columns} from held.{table.name} where _is_open{tonight}")


def load_packages(db: duckdb.DuckDBPyConnection, deliveries: Sequence[Delivery]) -> None:
    """Fill `arrival.package_files`: each file of the packages that came tonight, those of its files included that were taken on an earlier night."""
    rows = [(d.delivery_id, d.name[: max(d.name.rfind("!"), d.name.rfind("/")) + 1], d.table_name, d.mode) for d in deliveries]
    db.execute("create or replace table arrival.package_files (delivery_id varchar, package varchar, table_name varchar, mode varchar)")
    if rows:
        db.executemany("insert into arrival.package_files values (?, ?, ?, ?)", [list(r) for r in rows])


def package_view(db: duckdb.DuckDBPyConnection, table: Table, has_candidates: bool) -> None:
    """`package.<table>`: the ids that each of tonight's packages defines. Of a file of changes it is everything held: the changes are to that."""
    db.execute("create schema if not exists package")
    key = f'"{table.key[-1]}"'
    tonight = f"""select f.package, a.{key} from arrival.{table.name} a join arrival.package_files f on f.delivery_id = a._delivery_id
        where not a._is_retried and not a._is_deleted union all""" if has_candidates else ""  # fmt: skip
    db.execute(f"""create or replace view package.{table.name} as {tonight}
        select f.package, h.{key} from held.{table.name} h join arrival.package_files f on f.delivery_id = h._delivery_id where h._is_open
        union all
        select f.package, h.{key} from held.{table.name} h, (
            select distinct package from arrival.package_files where table_name = '{table.name}' and mode = 'delta') f where h._is_open""")


def judge(db: duckdb.DuckDBPyConnection, table: Table, rules: Sequence[Rule]) -> dict[str, int]:
    """Fill `judged.<table>`: `_outcome` candidate, quarantined or duplicate, and `_rule` for what is quarantined. Returns bad rows by rule."""
    named = ", ".join(f"case when {row_condition(r)} then '{r.id}' end" for r in rules)
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


def note_unknown_days(db: duckdb.DuckDBPyConnection) -> None:
    """`held.unknown_days`: the student-days of which the last word is in quarantine. Where only exceptions are reported, no row would else mean present."""
    db.execute("""
        create or replace temp table unknown_now as
        select student_id, school_id, attendance_date from quarantine.extract__attendance
        union
        select student_unique_id, school_id, event_date from quarantine.edfi__student_school_attendance_events""")
    for one, other in (("unknown_now", "held.unknown_days"), ("held.unknown_days", "unknown_now")):
        db.execute(f"insert into changes.unknown_days select * from {one} except select * from {other}")
    db.execute("delete from held.unknown_days")
    db.execute("insert into held.unknown_days select * from unknown_now")


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
            select {quoted(table.key)}, _rule, min(_first_seen_run) as _first_seen_run,
                max(_n_nights - case when _last_seen_run = $run then 1 else 0 end) as _n_nights
            from quarantine.{table.name} group by {quoted(table.key)}, _rule
        ), newest_bulk as (
            select scope, max(precedence) as precedence from held.bulk_scopes where table_name = '{table.name}' group by scope
        )
        select {quoted((*table.columns, *CANDIDATE), "j")}, j._rule, coalesce(q._first_seen_run, $run) as _first_seen_run, $run as _last_seen_run,
            coalesce(q._n_nights, 0) + 1 as _n_nights
        from judged.{table.name} j
        left join first_seen q on q._rule = j._rule and {same_key(table, "q", "j")}
        left join held.{table.name} h on {same_key(table, "h", "j")}
        left join newest_bulk b on j._mode = 'bulk' and b.scope = {scope}
        where j._outcome = 'quarantined' and coalesce(h._precedence, 0) <= j._precedence and coalesce(b.precedence, 0) <= j._precedence""",
        {"run": run_id},
    )
    db.execute(f"delete from quarantine.{table.name}")
    db.execute(f"insert into quarantine.{table.name} by name select * from quarantined_now")
