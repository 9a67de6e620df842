"""The nightly job, its schedule, and the sensor of the landing folder. https://docs.dagster.io/guides/automate

What belongs here: when things run. The command line runs this very job.
"""

import hashlib
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg

from pipelines.defs.resources import DistrictResource
from pipelines.district import District
from pipelines.intake.scan import find, look
from pipelines.lineage.ledger import Ledger

JOB = "nightly"


def nightly_job() -> Any:  # dagster gives its type no public name
    """From landing to warehouse, in one process: the steps are few and fat, and share what they import."""
    return dg.define_asset_job(JOB, selection=dg.AssetSelection.all(), executor_def=dg.in_process_executor, tags={"throughline": JOB})


def nightly_schedule(timezone: str) -> dg.ScheduleDefinition:
    """At two in the morning of the district's own clock, for the day that has ended."""

    @dg.schedule(name="nightly_at_two", job_name=JOB, cron_schedule="0 2 * * *", execution_timezone=timezone)
    def nightly_at_two(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        day = context.scheduled_execution_time.astimezone(ZoneInfo(timezone)).date() - timedelta(days=1)
        return dg.RunRequest(run_key=day.isoformat(), partition_key=day.isoformat())

    return nightly_at_two


def landing_sensor() -> dg.SensorDefinition:
    """Runs the job when files have come that no run has dealt with, by size and time of change and never by date: a late file cannot be missed.

    The cursor is a day of the district's clock and the files that were asked for on it: each is asked for once a day, also while a run is taking them. A run
    that fails leaves them to the nightly schedule or to the first tick of the next day; asking at each tick would repeat a failure that stays.
    """

    @dg.sensor(name="landing", job_name=JOB, minimum_interval_seconds=300, default_status=dg.DefaultSensorStatus.STOPPED)
    def landing(context: dg.SensorEvaluationContext, district: DistrictResource) -> Iterator[dg.RunRequest | dg.SkipReason]:
        settings = district.load()
        today = settings.today()
        fresh = _not_dealt_with(settings, today)
        if not fresh:
            yield dg.SkipReason("no file that has not been dealt with")
            return
        asked = {today.isoformat(), *(hashlib.sha256(f.encode()).hexdigest()[:16] for f in fresh)}
        if asked <= set((context.cursor or "").split()):
            yield dg.SkipReason(f"{len(fresh)} files have been asked for already today")
            return
        cursor = " ".join(sorted(asked))
        context.update_cursor(cursor)
        yield dg.RunRequest(run_key=hashlib.sha256(cursor.encode()).hexdigest(), partition_key=today.isoformat())

    return landing


def _not_dealt_with(district: District, until: date) -> list[str]:
    """The landing files up to a day that are not as intake remembers them, each with its size and time of change."""
    ledger = Ledger(district.data / "ledger.sqlite")
    try:
        seen = {(r["source_id"], r["name"]): r["stamp"] for r in ledger.rows("select * from seen_files")}
    finally:
        ledger.close()
    fresh = []
    for f in find(district, until)[0]:
        try:
            stamp = look(f).stamp
        except OSError:
            continue  # gone since, or not whole yet: the next tick sees
        if stamp != seen.get((f.source.id, f.name)):
            fresh.append(f"{f.source.id} {f.name} {stamp}")
    return fresh
