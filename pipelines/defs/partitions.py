"""Partitions: a day is a district's business date. https://docs.dagster.io/guides/build/partitions-and-backfills

What belongs here: partition definitions and nothing else. A run may span a range of days; it takes everything dated up to the last of them.
"""

from datetime import date

import dagster as dg


def daily(first: date, timezone: str) -> dg.DailyPartitionsDefinition:
    """One partition a day from the first day of the first school year, today included."""
    return dg.DailyPartitionsDefinition(start_date=first.isoformat(), timezone=timezone, end_offset=1)


def business_dates(context: dg.AssetExecutionContext) -> tuple[date, date]:
    """First and last business date of this run."""
    keys = context.partition_key_range
    return date.fromisoformat(keys.start), date.fromisoformat(keys.end)
