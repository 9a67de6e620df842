"""The publication expectations on an index, over a few rows: what is right passes, what is wrong is named; and what of it is hidden where the minimum rises."""

from __future__ import annotations

import duckdb
import pytest

from pipelines.privacy.suppress import hiding, suppressed_select
from pipelines.quality.expectations import failing_sql, load_suites

COLUMNS = ["part", "domain", "measured_indicator_id", "measured_profile_id", "measured_profile_version", "weight", "n_measures", "n_measures_there",
           "n_subjects", "value", "missing"]  # fmt: skip
# levels 4 and 9 of weights 1 and 3 are 7.75 of the first domain; the second has one level, 2, and a measure of too few; stated, the domains weigh 60 and 40
ROWS = [
    ("measure", "learn", "i1", "p", 1, 1, 1, 1, 30, 4, None),
    ("measure", "learn", "i2", "p", 2, 3, 1, 1, 25, 9, None),
    ("measure", "belong", "i3", "p", 1, 1, 1, 1, 40, 2, None),
    ("measure", "belong", "i4", "p", 1, 1, 1, 0, 19, None, "no figure: fewer than 20 students"),
    ("measure", "safe", "i5", "p", None, 1, 1, 0, None, None, "not measured here"),
    ("domain", "learn", None, None, None, 60, 2, 2, 25, 7.75, None),
    ("domain", "belong", None, None, None, 40, 2, 1, 40, 2, "Four: no figure: fewer than 20 students"),
    ("domain", "safe", None, None, None, 10, 1, 0, None, None, "all of the domain safe (Five: not measured here)"),
    ("index", None, None, None, None, None, 5, 3, 25, 5.45, "..."),
]
FIGURES, MEAN, LEVEL = "stands_on_the_published_figure", "is_the_mean_of_its_levels", "a_level_is_from_1_to_10_and_of_enough_people"
CUT = "a_level_is_that_of_its_cut_points"


@pytest.fixture
def db() -> duckdb.DuckDBPyConnection:
    db = duckdb.connect()
    db.execute("create schema marts")
    db.execute("create schema core")
    db.execute(
        "create table core.dim_index_measures as select 'q' as index_id, 'i' || k as indicator_id, 'p' as profile_id, 20 as least_n from range(1, 6) t(k)"
    )
    db.execute("""create table marts.rpt_index (part varchar, domain varchar, measured_indicator_id varchar, measured_profile_id varchar,
        measured_profile_version int, weight decimal(18, 3), n_measures bigint, n_measures_there bigint, n_subjects bigint, value double, missing varchar)""")
    db.executemany(f"insert into marts.rpt_index values ({', '.join('?' * len(COLUMNS))})", ROWS)
    place = {"index_id": "'q'", "indicator_id": "'index'", "place_key": "'k'", "school_id": "null::varchar", "school_year": "2026"}
    group = {"group_family": "'all'", "group_value": "'all'", "period_type": "'year_to_date'", "period_start": "date '2025-08-18'"}
    for column, value in (place | group).items():
        db.execute(f"create or replace table marts.rpt_index as select *, {value} as {column} from marts.rpt_index")
    db.execute("""create table marts.agg_indicator_values as select * exclude (index_id, place_key, part, domain, weight, missing, value, n_measures,
        n_measures_there, indicator_id, measured_indicator_id, measured_profile_id, measured_profile_version), null::varchar as grade_level,
        coalesce(if(measured_indicator_id = 'i3', 10 - value, value), 1)::decimal(18, 3) as numerator, 10::decimal(18, 3) as denominator,
        measured_indicator_id as indicator_id, measured_profile_id as profile_id, measured_profile_version as profile_version
        from marts.rpt_index where part = 'measure' and n_subjects is not null""")
    db.execute("""create table core.dim_index_cut_points as select i.indicator_id, 'p' as profile_id, k as level, 100::decimal(12, 6) as out_of,
        (if(i.indicator_id = 'i3', 10 - k, k) * 10)::decimal(12, 6) as bound, if(i.indicator_id = 'i3', 'lower_is_better', 'higher_is_better') as direction
        from core.dim_index_measures i, range(2, 11) t(k)""")
    return db


def failing(db: duckdb.DuckDBPyConnection) -> set[str]:
    return {rule.id for rule in load_suites("publication")["rpt_index"].rules if db.execute(failing_sql(rule, "m", "marts.rpt_index")).fetchall()}


@pytest.mark.parametrize(
    ("change", "rules"),
    [
        ("update marts.rpt_index set school_year = 2026", set()),
        ("update marts.agg_indicator_values set n_subjects = 31 where indicator_id = 'i1'", {FIGURES}),
        ("update marts.agg_indicator_values set profile_version = 3 where indicator_id = 'i2'", {FIGURES}),
        ("delete from marts.agg_indicator_values where indicator_id = 'i4'", {FIGURES}),
        ("insert into marts.agg_indicator_values by name select * replace ('i5' as indicator_id) from marts.agg_indicator_values where indicator_id = 'i1'",
         {FIGURES}),
        ("update marts.rpt_index set value = 7.74 where domain = 'learn' and part = 'domain'", {MEAN}),
        ("update marts.rpt_index set value = 9.1 where part = 'index'", {MEAN}),
        ("update marts.rpt_index set value = 1.9 where part = 'index'", {MEAN}),
        ("update marts.rpt_index set value = null where part = 'index'", {MEAN}),
        ("update marts.rpt_index set value = 5.46 where part = 'index'", {MEAN}),
        ("update marts.rpt_index set weight = 1 where part = 'domain'", {MEAN}),
        ("update marts.rpt_index set weight = null where part = 'domain'", {MEAN}),
        ("update marts.rpt_index set weight = null, value = if(part = 'index', 6.6, value) where part <> 'measure'", set()),
        ("update marts.rpt_index set missing = null where part = 'index'", {MEAN}),
        ("update marts.rpt_index set missing = 'no' where measured_indicator_id = 'i1'", {MEAN}),
        ("delete from marts.rpt_index where part = 'index'", {MEAN}),
        ("update marts.rpt_index set value = case when part = 'index' then 5 when domain = 'belong' then 2 when part = 'domain' then 7 else 7 end "
         "where value is not null", {CUT}),
        ("update marts.agg_indicator_values set numerator = 3.999 where indicator_id = 'i1'", {CUT}),
        ("update marts.agg_indicator_values set numerator = 4.999 where indicator_id = 'i1'", set()),
        ("update marts.agg_indicator_values set numerator = 8.001 where indicator_id = 'i3'", {CUT}),
        ("update marts.agg_indicator_values set numerator = 999999999999999.999, denominator = 999999999999999.999 where indicator_id = 'i2'", {CUT}),
        ("update marts.rpt_index set value = 1 where part = 'domain' and domain = 'safe'", {MEAN}),
        ("update marts.rpt_index set n_measures_there = 4 where part = 'index'", {MEAN}),
        ("update marts.rpt_index set n_measures = 1 where part = 'domain' and domain = 'belong'", {MEAN}),
        ("update marts.rpt_index set n_subjects = 30 where part = 'index'", {MEAN}),
        ("update marts.rpt_index set value = 11 where measured_indicator_id = 'i3'", {LEVEL, MEAN, CUT}),
        ("update marts.rpt_index set value = 2.5 where measured_indicator_id = 'i3'", {LEVEL, MEAN, CUT}),
        ("update core.dim_index_measures set least_n = 19", {LEVEL}),
        ("update core.dim_index_measures set least_n = 41 where indicator_id = 'i3'", {LEVEL}),
    ],
)  # fmt: skip
def test_an_index_that_cannot_be_is_named(db: duckdb.DuckDBPyConnection, change: str, rules: set[str]) -> None:
    db.execute(change)
    assert failing(db) == rules


@pytest.mark.parametrize(("min_n", "shown"), [(20, {4, 9, 2, 7.75, 5.45}), (25, {4, 9, 2, 7.75, 5.45}), (26, {4, 2}), (31, {2}), (41, set())])
def test_what_stands_on_a_figure_that_is_hidden_is_hidden(db: duckdb.DuckDBPyConnection, min_n: int, shown: set[float]) -> None:
    """Staged anew, or carried over from an earlier publication: of each level by its figure's people, of each mean by those of its smallest figure."""
    columns = [c for (c,) in db.execute("select column_name from information_schema.columns where table_name = 'rpt_index'").fetchall()]
    db.execute(f"create table t as {suppressed_select(columns, 'marts.rpt_index', min_n)}")
    db.execute("create table kept as select *, 'none' as suppression from marts.rpt_index")
    sets, which = hiding(columns, min_n)
    db.execute(f"update kept set {sets} where {which}")
    for table in ("t", "kept"):
        rows = db.execute(f"select value, n_subjects, suppression from {table}").fetchall()
        assert {v for v, _, _ in rows} - {None} == shown
        assert all(n is None or n >= min_n for _, n, _ in rows)
        assert all(v is None for v, _, why in rows if why != "none")
