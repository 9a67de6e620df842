"""The life of what is in quarantine, for everybody to see: which rule, since when, how often, whose it is, and what it does to the figures.

Belongs here: `operations.quarantine` (by table, rule and school), `operations.quarantine_groups` (by student group, so that nobody's disappearance goes
unnoticed), `operations.quarantine_effects` (by indicator) and `operations.quarantine_students` (by indicator, place and group, to stand beside each figure).
Counts of people below the minimum are left out, as in the figures; the rows themselves are restricted, and shown by `throughline quarantine`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.lineage.graph import registry
from pipelines.lineage.ledger import Ledger
from pipelines.publication.coverage import bounds
from pipelines.quality.expectations import load_suites
from pipelines.sources import ALL_TABLES
from pipelines.sources.shape import Table

# The names under which accepted tables hold a student and a school.
STUDENT = ("student_id", "student_sourced_id", "student_unique_id", "user_sourced_id")
SCHOOL = ("school_id", "school_sourced_id", "org_sourced_id")

_LIFE: tuple[tuple[str, pa.DataType], ...] = (
    ("table_name", pa.string()), ("rule", pa.string()), ("school_id", pa.string()), ("n_rows", pa.int64()), ("n_students", pa.int64()),
    ("first_seen_on", pa.date32()), ("last_seen_on", pa.date32()), ("age_days", pa.int64()), ("n_nights", pa.int64()),
    ("owner", pa.string()), ("message", pa.string()), ("remedy", pa.string()),
)  # fmt: skip
_GROUPS: tuple[tuple[str, pa.DataType], ...] = (
    ("table_name", pa.string()), ("rule", pa.string()), ("group_family", pa.string()), ("group_value", pa.string()), ("n_students", pa.int64()),
    ("n_in_group", pa.int64()), ("share_of_group", pa.float64()),
)  # fmt: skip
_EFFECTS: tuple[tuple[str, pa.DataType], ...] = (
    ("table_name", pa.string()), ("rule", pa.string()), ("indicator_id", pa.string()), ("school_year", pa.int64()), ("n_rows", pa.int64()),
    ("value", pa.float64()), ("value_if_none", pa.float64()), ("value_if_all", pa.float64()), ("words", pa.string()),
)  # fmt: skip
_STUDENTS: tuple[tuple[str, pa.DataType], ...] = (
    ("indicator_id", pa.string()), ("school_year", pa.int64()), ("school_id", pa.string()), ("group_family", pa.string()), ("group_value", pa.string()),
    ("n_students", pa.int64()), ("suppression", pa.string()),
)  # fmt: skip


def quarantine_tables(db: duckdb.DuckDBPyConnection, ledger: Ledger, behind: Mapping[str, frozenset[str]], min_n: int, as_of: date) -> dict[str, pa.Table]:
    """The four tables, from the build database as it stands after the models. Empty where nothing is in quarantine."""
    there = {n for (n,) in db.execute("select table_name from information_schema.tables where table_schema = 'quarantine'").fetchall()}
    waiting = [t for t in ALL_TABLES.values() if t.name in there and db.execute(f"select 1 from quarantine.{t.name} limit 1").fetchall()]
    dates = {r["run_id"]: date.fromisoformat(r["business_date"]) for r in ledger.rows("select run_id, business_date from runs")}
    life, groups, effects = [], [], []
    for table in waiting:
        life += _life(db, table, dates, min_n, as_of)
        groups += _groups(db, table, min_n)
        effects += _effects(db, table, behind, min_n)
    return {
        "quarantine": _table(_LIFE, life),
        "quarantine_groups": _table(_GROUPS, groups),
        "quarantine_effects": _table(_EFFECTS, effects),
        "quarantine_students": _table(_STUDENTS, _students(db, waiting, behind, min_n)),
    }


def _table(columns: Sequence[tuple[str, pa.DataType]], rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    return pa.table({name: pa.array([r[i] for r in rows], kind) for i, (name, kind) in enumerate(columns)})


def _column(table: Table, names: Sequence[str]) -> str:
    """The first of `names` that the table has, as SQL; null where it has none."""
    return next((f'"{n}"' for n in names if n in table.columns), "cast(null as varchar)")


def _life(db: duckdb.DuckDBPyConnection, table: Table, dates: Mapping[str, date], min_n: int, as_of: date) -> list[tuple[Any, ...]]:
    """By rule for the district, and by rule and school where the table names schools and enough students are concerned."""
    student, school = _column(table, STUDENT), _column(table, SCHOOL)
    rules = {r.id: r for r in load_suites("arrival")[table.name].rules}
    owner = load_suites("arrival")[table.name].owner
    rows = db.execute(f"""
        select _rule, case when grouping(school) = 0 then school end as school_id, count(distinct (_delivery_id, _line)), count(distinct student),
            list(distinct _first_seen_run), list(distinct _last_seen_run), max(_n_nights)
        from (select *, {student} as student, {school} as school from quarantine.{table.name}) q
        group by grouping sets ((_rule), (_rule, school)) having grouping(school) = 1 or school is not null order by all""").fetchall()
    found = []
    for rule_id, school_id, n_rows, n_students, first, last, n_nights in rows:
        if school_id is not None and n_students < min_n:
            continue
        since = min((dates[r] for r in first if r in dates), default=as_of)
        until = max((dates[r] for r in last if r in dates), default=as_of)
        rule = rules.get(rule_id)
        words = (rule.message, rule.remedy) if rule else ("The rule has gone since; the next run judges the rows again.", "")
        shown = int(n_students) if n_students >= min_n else None
        found.append((table.name, rule_id, school_id, int(n_rows), shown, since, until, (as_of - since).days, int(n_nights or 0), owner, *words))
    return found


def _groups(db: duckdb.DuckDBPyConnection, table: Table, min_n: int) -> list[tuple[Any, ...]]:
    """Students in quarantine by the group that they are in today, beside the size of the group; small counts of people are left out."""
    student = _column(table, STUDENT)
    if student.startswith("cast"):
        return []
    rows = db.execute(f"""
        with now as (
            select student_key, group_family, group_value from core.dim_student_groups
            where (select as_of from settings.night) >= valid_from and (select as_of from settings.night) < valid_to
        ), sizes as (select group_family, group_value, count(*) as n from now group by all),
        aside as (select distinct _rule, {student} as student_key from quarantine.{table.name})
        select a._rule, n.group_family, n.group_value, count(*) as n_students, any_value(s.n)
        from aside a join now n on n.student_key = a.student_key
        join sizes s on s.group_family = n.group_family and s.group_value = n.group_value
        group by all order by all""").fetchall()
    return [(table.name, rule, family, value, int(n), int(size), float(n / size)) for rule, family, value, n, size in rows if n >= min_n and size >= min_n]


def _students(db: duckdb.DuckDBPyConnection, waiting: Sequence[Table], behind: Mapping[str, frozenset[str]], min_n: int) -> list[tuple[Any, ...]]:
    """For each indicator, place and group: students enrolled in the newest school year who have rows in quarantine in a table behind the indicator. Groups
    and places are those of the figures (`rpt_excluded_students`), by the last day. No row is nobody; null is few, or few beside it in its family.
    """
    named = [(t, column) for t in waiting if not (column := _column(t, STUDENT)).startswith("cast")]
    pairs = [(i, t.name) for i, tables in sorted(behind.items()) for t, _ in named if t.name in tables]
    if not pairs:
        return []
    aside = " union ".join(f"select '{t.name}' as table_name, {column} as student_key from quarantine.{t.name}" for t, column in named)
    return db.execute(
        f"""with aside as ({aside}),
        of_indicator as (select unnest(?) as indicator_id, unnest(?) as table_name),
        concerned as (select distinct indicator_id, student_key from aside join of_indicator using (table_name)),
        memberships as (
            select signature, group_family, group_value from core.int_signatures_known
            union all select distinct signature, 'all', 'all' from core.int_signatures_known
        ), counted as (
            select c.indicator_id, p.school_year::bigint as school_year, nullif(p.place, '') as school_id, m.group_family, m.group_value, count(*) as n
            from concerned c
            join measurements.int_student_places p on p.student_key = c.student_key and p.membership_rule = 'last_day'
                and p.school_year = (select max(school_year) from measurements.int_student_places)
            join memberships m on m.signature = p.signature group by all
        ), judged as (
            select *, n < ? as is_small, bool_or(n < ?) over (partition by indicator_id, school_year, school_id, group_family) as is_beside from counted
        )
        select indicator_id, school_year, school_id, group_family, group_value, case when not is_beside then n end,
            case when is_small then 'primary' when is_beside then 'complementary' else 'none' end
        from judged order by all""",
        [[i for i, _ in pairs], [t for _, t in pairs], min_n, min_n],
    ).fetchall()


def _effects(db: duckdb.DuckDBPyConnection, table: Table, behind: Mapping[str, frozenset[str]], min_n: int) -> list[tuple[Any, ...]]:
    """Each indicator that stands on the table: the district's year to date, and its bounds if the rows counted against it or for it."""
    units = {r["measure_id"] for r in registry("row_units") if r["table_name"] == table.name}
    indicators = {i["indicator_id"]: i for i in registry("indicators")}
    counts = db.execute(f"select _rule, count(distinct (_delivery_id, _line)) from quarantine.{table.name} group by 1 order by 1").fetchall()
    figures = db.execute(
        """select indicator_id, max(school_year), arg_max(numerator, school_year), arg_max(denominator, school_year), arg_max(n_subjects, school_year)
           from marts.agg_indicator_values
           where school_id is null and grade_level is null and group_family = 'all' and period_type = 'year_to_date' group by 1"""
    ).fetchall()
    of = {r[0]: r[1:] for r in figures}
    found = []
    for rule, n_rows in counts:
        for indicator in sorted(i for i, tables in behind.items() if table.name in tables):
            i = indicators[indicator]
            year, *figure = of.get(indicator, (None, None, None, None))
            counted = i["denominator_measure"] in units and i["rollup"] == "sum" and year is not None
            value, low, high = bounds((figure[0], figure[1], figure[2]) if counted else None, int(n_rows), min_n)
            words = (
                f"between {low:.4f} and {high:.4f} if these rows counted; published {value:.4f}" if value is not None and low is not None and high is not None
                else "these rows decide who is counted, or how: no bounds can be given"
            )  # fmt: skip
            found.append((table.name, rule, indicator, year, int(n_rows), value, low, high, words))
    return found
