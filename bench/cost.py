"""What each indicator costs: the seconds that dbt took for each model of a build, shared out by the rows of each indicator or measure in it.

A model whose rows name an indicator is shared out by its indicators' rows; one whose rows name a measure by its measures' rows, and a measure's share equally
over the indicators that read it. What names neither (rosters, days, results: read by many) is shared by all and is a line of its own.
dbt builds two models at a time, so that seconds are of its threads and add up to more than the clock shows.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import duckdb

from pipelines.lineage.graph import measures_of_indicators

SHARED = "shared_by_all"


def costs(build: Path, target: Path) -> dict[str, tuple[float, int]]:
    """Indicator (or SHARED) -> (seconds, rows), the dearest first, of the last `dbt build` whose results and manifest are in `target`."""
    nodes = json.loads((target / "manifest.json").read_text(encoding="utf-8"))["nodes"]
    results = json.loads((target / "run_results.json").read_text(encoding="utf-8"))["results"]
    readers = _readers()
    seconds: dict[str, float] = defaultdict(float)
    rows: dict[str, int] = defaultdict(int)
    with duckdb.connect(str(build), read_only=True) as db:
        for result in results:
            node = nodes[result["unique_id"]]
            if node["resource_type"] != "model":
                continue
            held = _held(db, node["schema"], node["alias"], readers)
            total = sum(held.values())
            for name, n in held.items():
                seconds[name] += result["execution_time"] * n / total
                rows[name] += round(n)
            if not total:
                seconds[SHARED] += result["execution_time"]
    return {name: (seconds[name], rows[name]) for name in sorted(seconds, key=lambda n: (-seconds[n], n))}


def _readers() -> dict[str, list[str]]:
    """Measure -> the indicators that read it."""
    found: dict[str, list[str]] = defaultdict(list)
    for indicator, measures in sorted(measures_of_indicators().items()):
        for measure in measures:
            found[measure].append(indicator)
    return found


def _held(db: duckdb.DuckDBPyConnection, schema: str, name: str, readers: dict[str, list[str]]) -> dict[str, float]:
    """Rows of a table by indicator; none of a view and of what names no indicator and no measure."""
    sql = (
        "select column_name from information_schema.columns join information_schema.tables using (table_schema, table_name)"
        " where table_type = 'BASE TABLE' and table_schema = ? and table_name = ? and column_name in ('indicator_id', 'measure_id')"
    )
    named = sorted(c for (c,) in db.execute(sql, [schema, name]).fetchall())
    found: dict[str, float] = defaultdict(float)
    if named:
        column = named[0]  # of a table with both, the indicator
        for value, n in db.execute(f'select {column}, count(*) from "{schema}"."{name}" where {column} is not null group by all').fetchall():
            of = [value] if column == "indicator_id" else readers.get(value) or [SHARED]
            for indicator in of:
                found[indicator] += n / len(of)
    return found
