"""Partitions: a day is a district's business date. https://docs.dagster.io/guides/build/partitions-and-backfills

What belongs here: partition definitions and nothing else. A run may span a range of days; it takes everything dated up to the last of them. Only what is
fetched and what is published has partitions: Dagster records each asset of a partitioned step once for each day of the range (decision 11).
"""

from datetime import date

import dagster as dg


def daily(first: date, timezone: str) -> dg.DailyPartitionsDefinition:
    """One partition a day from the first day of the first school year, today included."""
    return dg.DailyPartitionsDefinition(start_date=first.isoformat(), timezone=timezone, end_offset=1)


def business_dates(context: dg.AssetExecutionContext) -> tuple[date, date]:
    """First and last business date of this run, also for a step without partitions. Raises dagster.Failure where the run was started without a date."""
    tags = context.run.tags
    one = tags.get("dagster/partition")
    first, last = (tags.get(f"dagster/asset_partition_range_{end}", one) for end in ("start", "end"))
    if not first or not last:
        raise dg.Failure("this run has no business date: start the job `nightly` and choose the date as its partition")
    return date.fromisoformat(first), date.fromisoformat(last)
