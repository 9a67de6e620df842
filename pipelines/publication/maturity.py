"""Weekly figures kept as people saw them 7, 14 and 28 days after the week, and their changes at equal maturity.

Belongs here: `marts.agg_indicator_values_kept` and `operations.kept_weeks`. What was known when is the history of publications and no content of one: the
same files give the same content in whatever nights they came, and other kept values. So nothing of it is in a fingerprint or made by a model. The build
database has every kept row (`publish.kept_values`), the warehouse shows them; after a rollback, a kill or a build from nothing each part is taken from
whichever of the two has it of the later publication. A moment on which nothing was published is a hole, which is said and never filled.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pyarrow as pa

from pipelines.lineage.graph import MartModel
from pipelines.privacy.suppress import SUPPRESSION, hiding, suppressed_select
from pipelines.publication.assemble import mart_of
from pipelines.publication.figures import MART
from pipelines.publication.verdicts import SliceKey
from pipelines.publication.warehouse import Column, Mart, MartChange, Warehouse

KEPT = "agg_indicator_values_kept"
WEEKS = "kept_weeks"
PART = ("school_year", "period_start", "kept_at_days")
_COMPARISONS = ("week_before", "last_year", "term_start")
_SERIES = ("school_id", "grade_level", "group_family", "group_value", "indicator_id", "profile_id")
_FIGURE = ("value_key", "school_year", "period_start", *_SERIES, "profile_version", "numerator", "denominator", "n_subjects", "value")
_OWN = ("kept_at_days", "known_on", "known_days", "publication_id")
_BASE = (*_FIGURE, *_OWN, SUPPRESSION)


def prepare(db: duckdb.DuckDBPyConnection, model: MartModel) -> None:
    """Make what is missing of the kept rows. `kept_now` is what tonight keeps: it counts once people can see it."""
    types = {c.name: c.type for c in mart_of(model).columns} | {c.name: c.type for c in _own_columns()}
    columns = ", ".join(f"{c} {types[c]}" for c in _BASE)
    for name in ("kept_values", "kept_now"):
        db.execute(f"create table if not exists publish.{name} ({columns})")
    for name in ("kept_parts", "kept_parts_now"):
        db.execute(
            f"create table if not exists publish.{name} (school_year integer, period_start date, kept_at_days integer, known_on date, publication_id varchar)"
        )


def mart(model: MartModel) -> Mart:
    """The warehouse's shape of it."""
    types = {c.name: c for c in (*mart_of(model).columns, *_own_columns())}
    beside = tuple(
        Column(f"{name}_{column}", kind)
        for name in _COMPARISONS
        for column, kind in (("start", "date"), ("n_subjects", "bigint"), ("value", "double"), ("change", "double"), ("why_not", "varchar"))
    )
    return Mart(KEPT, "marts", (*(types[c] for c in _BASE), *beside), ("value_key", *PART), PART)


def _own_columns() -> tuple[Column, ...]:
    return Column("kept_at_days", "integer"), Column("known_on", "date"), Column("known_days", "integer"), Column("publication_id", "varchar")


def keep(
    db: duckdb.DuckDBPyConnection, warehouse: Warehouse, model: MartModel, held: Sequence[SliceKey], publication_id: str, min_n: int, *, hide: bool
) -> tuple[MartChange, pa.Table]:
    """Keep the weeks that are of one of the ages tonight, and give what of all kept is not yet shown, with the table of weeks.

    Costs what is kept tonight. Of a slice that is held people see what they saw before, and it stays kept as it was. With `hide` all obeys today's minimum.
    """
    prepare(db, model)
    shown = _catch_up(db, warehouse)
    _keep_tonight(db, model, held, publication_id, min_n)
    columns = [c.name for c in mart(model).columns]
    if hide:
        sets, which = hiding(_BASE, min_n)
        for name in ("kept_values", "kept_now"):
            db.execute(f"update publish.{name} set {sets} where {which}")
    db.register("shown", shown)
    db.execute(f"""
        create or replace table publish.kept_missing as
        select {", ".join(PART)} from publish.kept_parts_now
        union
        select {", ".join(f"k.{c}" for c in PART)} from publish.kept_parts k
        where not exists (select 1 from shown s where {_same(PART, "s", "k")} and s.publication_id >= k.publication_id)""")
    db.unregister("shown")
    db.execute(f"create or replace table publish.{KEPT} as {_compared()}")
    change = MartChange(mart(model), f"publish.{KEPT}", "publish.kept_missing", hide=hiding(columns, min_n) if hide else None)
    return change, _weeks(db)


def note_seen(db: duckdb.DuckDBPyConnection) -> None:
    """People see what was kept tonight: it is kept."""
    db.execute("begin")
    for name, now in (("kept_values", "kept_now"), ("kept_parts", "kept_parts_now")):
        db.execute(f"delete from publish.{name} k where exists (select 1 from publish.kept_parts_now n where {_same(PART, 'n', 'k')})")
        db.execute(f"insert into publish.{name} select * from publish.{now}")
    db.execute("commit")


def _catch_up(db: duckdb.DuckDBPyConnection, warehouse: Warehouse) -> pa.Table:
    """Take from the warehouse the parts that it has of a later publication than the build (a build from nothing has none); gives all parts that it shows."""
    empty = db.execute("select * from publish.kept_parts where false").to_arrow_table()
    if warehouse.current() is None or KEPT not in {m.name for m in warehouse.marts()}:
        return empty
    shown = warehouse.read_operations(WEEKS)
    db.register("shown", shown)
    shown = db.execute(f"select {', '.join(PART)}, known_on, publication_id from shown where publication_id is not null").to_arrow_table()
    db.register("shown", shown)
    db.execute(f"""
        create or replace temp table later as select * from shown s
        where not exists (select 1 from publish.kept_parts k where {_same(PART, "k", "s")} and k.publication_id >= s.publication_id)""")
    if db.execute("select 1 from later limit 1").fetchall():
        db.register("rows", warehouse.read(KEPT))
        db.execute("begin")
        for name, source in (("kept_values", "rows"), ("kept_parts", "shown")):
            db.execute(f"delete from publish.{name} k where exists (select 1 from later l where {_same(PART, 'l', 'k')})")
            db.execute(f"insert into publish.{name} by name select {'r.*' if source == 'shown' else ', '.join(f'r.{c}' for c in _BASE)} "
                       f"from {source} r where exists (select 1 from later l where {_same(PART, 'l', 'r')})")  # fmt: skip
        db.execute("commit")
        db.unregister("rows")
    db.execute("drop table later")
    db.unregister("shown")
    return shown


def _keep_tonight(db: duckdb.DuckDBPyConnection, model: MartModel, held: Sequence[SliceKey], publication_id: str, min_n: int) -> None:
    """A week is kept on each night of the few days before one of its ages, the later in the place of the earlier: it stays as it was seen on the last."""
    db.execute("delete from publish.kept_parts_now")
    db.execute("delete from publish.kept_now")
    db.execute(f"insert into publish.kept_parts_now select school_year, period_start, maturity_days, as_of, ? from ({_ages()}) where is_now", [publication_id])
    db.execute("create or replace temp table held_now (indicator_id varchar, school_year integer, school_id varchar)")
    if held:
        db.executemany("insert into held_now values (?, ?, ?)", [list(h) for h in held])
    is_held = "exists (select 1 from held_now h where h.indicator_id = r.indicator_id and h.school_year = r.school_year and h.school_id in ('', r.school_id))"
    figures = f"""(select v.* from marts.{MART} v where v.period_type = 'week'
        and exists (select 1 from publish.kept_parts_now p where {_same(PART[:2], "p", "v")}))"""
    rows = suppressed_select([n for n, _ in model.columns], figures, min_n)
    db.execute(f"""
        insert into publish.kept_now by name
        select {", ".join(f"r.{c}" for c in _FIGURE)}, p.kept_at_days, p.known_on,
            date_diff('day', r.period_end, p.known_on)::integer as known_days, p.publication_id, r.{SUPPRESSION}
        from ({rows}) r join publish.kept_parts_now p on {_same(PART[:2], "p", "r")} where not {is_held}
        union all by name
        select r.* from publish.kept_values r where {is_held} and exists (select 1 from publish.kept_parts_now p where {_same(PART, "p", "r")})""")
    db.execute("drop table held_now")


def _ages() -> str:
    """Every week with school of the years so far at each age: whether it is of that age now, and whether that is past."""
    return """
        select w.school_year, w.period_start, w.period_end, m.maturity_days, n.as_of,
            w.period_end + m.least_days::integer as opens, w.period_end + m.maturity_days::integer as closes,
            n.as_of between w.period_end + m.least_days::integer and w.period_end + m.maturity_days::integer as is_now,
            n.as_of > w.period_end + m.maturity_days::integer as is_past
        from core.dim_periods w cross join settings.night n cross join registry.maturities m
        where w.period_type = 'week' and w.period_start <= n.as_of and exists (
            select 1 from core.dim_school_days d where d.is_instructional and d.calendar_date between w.period_start and w.period_end)"""


def _all_parts() -> str:
    return f"""(select * from publish.kept_parts_now union all
        select * from publish.kept_parts k where not exists (select 1 from publish.kept_parts_now n where {_same(PART, "n", "k")}))"""


def _compared() -> str:
    """The rows to be shown, each beside those of the weeks that it is compared with, as these were known at the same age."""
    rows = f"""(select * from publish.kept_now union all
        select * from publish.kept_values k where not exists (select 1 from publish.kept_parts_now n where {_same(PART, "n", "k")}))"""
    series = " and ".join(f"coalesce({{0}}.{c}, '') = coalesce(r.{c}, '')" for c in _SERIES)
    shown, joins = [], []
    for name in _COMPARISONS:
        shown.append(f"""{name}_week.compared_start as {name}_start, {name}.n_subjects as {name}_n_subjects, {name}.value as {name}_value,
            case when r.profile_version = {name}.profile_version then round(r.value - {name}.value, 12) end as {name}_change,
            case when {name}_week.compared_start is null then {name}_week.no_week_words
                when {name}.value_key is not null and (r.{SUPPRESSION} <> 'none' or {name}.{SUPPRESSION} <> 'none') then 'hidden: too few people'
                when r.profile_version <> {name}.profile_version then 'that week was kept by another version of the definition'
                when {name}.value_key is not null then null
                when {name}_part.publication_id is null then 'that week was not kept at ' || r.kept_at_days || ' days'
                else 'there is no figure of that week at ' || r.kept_at_days || ' days' end as {name}_why_not""")
        at_the_age = (
            f"{{0}}.school_year = {name}_week.compared_school_year and {{0}}.period_start = {name}_week.compared_start and {{0}}.kept_at_days = r.kept_at_days"
        )
        joins.append(f"""join core.int_week_comparisons {name}_week on {_same(PART[:2], f"{name}_week", "r")} and {name}_week.comparison = '{name}'
            left join {_all_parts()} {name}_part on {at_the_age.format(f"{name}_part")}
            left join {rows} {name} on {at_the_age.format(name)} and {series.format(name)}""")
    missing = f"exists (select 1 from publish.kept_missing p where {_same(PART, 'p', 'r')})"
    return f"select r.*, {', '.join(shown)} from {rows} r {' '.join(joins)} where {missing}"


def _weeks(db: duckdb.DuckDBPyConnection) -> pa.Table:
    """`operations.kept_weeks`: each week at each age, on which day it was known so, and of what no publication was made in time."""
    return db.execute(f"""
        select a.school_year, a.period_start, a.period_end as week_end, a.maturity_days as kept_at_days, p.known_on,
            date_diff('day', a.period_end, p.known_on)::integer as known_days, p.publication_id,
            case when p.publication_id is null then 'not kept: nothing was published from ' || a.opens || ' to ' || a.closes
                else 'kept' end as words
        from ({_ages()}) a left join {_all_parts()} p
            on p.school_year = a.school_year and p.period_start = a.period_start and p.kept_at_days = a.maturity_days
        where a.is_past or p.publication_id is not null order by all""").to_arrow_table()


def _same(columns: Sequence[str], left: str, right: str) -> str:
    return " and ".join(f"{left}.{c} = {right}.{c}" for c in columns)
