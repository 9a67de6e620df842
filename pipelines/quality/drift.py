"""Columns that came or went: a delivery's columns beside those of the delivery before it, of the same source and table.

Belongs here: saying so, by name. What a missing column does to a file is the projection's and the arrival rules' affair.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq

from pipelines.lineage.ledger import Delivery, Ledger
from pipelines.sources.shape import file_columns


def drift(ledger: Ledger, deliveries: Sequence[Delivery], data: Path) -> dict[str, list[str]]:
    """Warnings `column_gone` and `column_new` by delivery: against the last accepted one, or one of `deliveries` that comes before it.

    A file older than what was last accepted is not compared: it says nothing of today's layout. Nor is one whose forerunner's raw file was cleared away.
    """
    last: dict[tuple[str, str], tuple[int, str]] = {}
    sql = "select source_id, table_name, raw_path, max(precedence) as precedence from deliveries where status = 'accepted' and raw_path <> '' group by 1, 2"
    for r in ledger.rows(sql):
        last[r["source_id"], r["table_name"]] = r["precedence"], r["raw_path"]
    said: dict[str, list[str]] = {}
    for d in sorted((d for d in deliveries if d.raw_path), key=lambda d: d.precedence):
        precedence, before = last.get((d.source_id, d.table_name), (-1, ""))
        if precedence >= d.precedence:
            continue
        last[d.source_id, d.table_name] = d.precedence, d.raw_path
        if before and (data / before).exists():
            was, now = _columns(data / before), _columns(data / d.raw_path)
            gone, new = [c for c in was if c not in now], [c for c in now if c not in was]
            said[d.delivery_id] = [f"column_{what}: {', '.join(names)}" for what, names in (("gone", gone), ("new", new)) if names]
    return said


def _columns(path: Path) -> list[str]:
    return file_columns(pq.read_schema(path).names)
