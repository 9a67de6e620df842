"""The SQL of `agg_indicator_values` itself, run on moments that a test makes: the interval under test is the one that is published."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import jinja2
import pandas as pd

PROJECT = Path(__file__).resolve().parents[1] / "dbt_project"
PERIOD = {"period_type": "year_to_date", "period_start": pd.Timestamp("2025-07-01"), "school_year": 2026}
SEEDS = ("indicators", "indicator_profiles", "measures", "t_quantiles")


def _rendered() -> str:
    """The model as SQL: `ref` names a table here; configuration, which only dbt reads, is left out."""
    text = (PROJECT / "models/marts/leading_indicators/agg_indicator_values.sql").read_text(encoding="utf-8")
    macros = (PROJECT / "macros/engine/text.sql").read_text(encoding="utf-8").split("{#- A key of 32")[0]
    stubs: dict[str, Any] = {"ref": lambda name: name, "config": lambda **_: "", "is_touched_build": lambda: False}
    return jinja2.Environment(extensions=["jinja2.ext.do"]).from_string(macros + text).render(**stubs)


def intervals(moments: pd.DataFrame) -> pd.DataFrame:
    """value, ci_low, ci_high and ci_method for each row of `moments`, in its order.

    `moments` has indicator_id, n_subjects, sum_n, sum_d, sum_nn, sum_dd, sum_nd, in the measures' whole units.
    """
    profiles = pd.read_csv(PROJECT / "seeds" / "indicator_profiles.csv").query("is_reference").set_index("indicator_id")["profile_id"]
    cells = moments.assign(**PERIOD, profile_id=moments["indicator_id"].map(profiles), school_id=[str(k) for k in range(len(moments))])
    cells = cells.assign(value_key=cells["school_id"])
    cells = cells.assign(grade_level=None, group_family="all", group_value="all")
    whole = ("n_subjects", "sum_n", "sum_d", "sum_nn", "sum_dd", "sum_nd")
    with duckdb.connect(":memory:") as db:
        for seed in SEEDS:
            db.execute(f"create table {seed} as select * from read_csv('{PROJECT / 'seeds' / seed}.csv', header = true)")
        db.register("cells", cells)
        kinds = ", ".join(f"cast({c} as bigint) as {c}" for c in whole)
        db.execute(f"create table int_cell_moments as select * replace ({kinds}, cast(period_start as date) as period_start) from cells")
        db.execute("create table dim_periods as select distinct period_type, period_start, school_year, period_start + 364 as period_end "
                   "from int_cell_moments")  # fmt: skip
        db.execute("""create table int_daily_averages (value_key varchar, school_year int, school_id varchar, grade_level varchar, group_family varchar,
            group_value varchar, period_type varchar, period_start date, indicator_id varchar, profile_id varchar, n_subjects bigint, total bigint,
            scale bigint, n_days bigint, average_thousandths bigint)""")
        found = db.execute(f"select * from ({_rendered()}) order by cast(school_id as bigint)").df()
    if len(found) != len(moments):
        raise AssertionError(f"{len(moments)} cells went in and {len(found)} came out")
    return found
