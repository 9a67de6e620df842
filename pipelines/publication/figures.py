"""Reading figures back from the warehouse as people see them: suppressed, with their freshness.

Belongs here: picking rows of the open mart. What they mean is in the registry, how they came about in `lineage/trace.py`.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.lineage.graph import registry
from pipelines.publication.warehouse import Warehouse

MART = "agg_indicator_values"


def district_figures(warehouse: Warehouse, publication_id: str | None = None) -> list[dict[str, Any]]:
    """Each indicator's figure for the whole district, year to date, in the newest school year; in the registry's order, its words besides."""
    all_of_it = warehouse.read(MART, publication_id)
    whole = pc.field("school_id").is_null() & pc.field("grade_level").is_null() & (pc.field("group_family") == "all")
    rows = all_of_it.filter(whole & (pc.field("period_type") == "year_to_date")).to_pylist()
    newest = max((r["school_year"] for r in rows), default=0)
    found = []
    for profile in registry("indicator_profiles"):
        indicator = next(i for i in registry("indicators") if i["indicator_id"] == profile["indicator_id"])
        words = {k: indicator[k] for k in ("indicator_name", "value_kind", "unit", "numerator_words", "denominator_words", "direction")}
        found += [
            {**r, **words}
            for r in rows
            if r["school_year"] == newest and (r["indicator_id"], r["profile_id"]) == (profile["indicator_id"], profile["profile_id"])
        ]
    order = [i["indicator_id"] for i in registry("indicators")]
    return sorted(found, key=lambda r: order.index(r["indicator_id"]))


def published_figure(warehouse: Warehouse, value_key: str) -> dict[str, Any] | None:
    """The row that people see under this key, or None where nothing is published there."""
    if warehouse.current() is None:
        return None
    rows: pa.Table = warehouse.read(MART).filter(pc.field("value_key") == value_key)
    return rows.to_pylist()[0] if rows.num_rows else None
