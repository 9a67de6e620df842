"""The nightly job, its schedule, and the sensor of the landing folder. https://docs.dagster.io/guides/automate

What belongs here: when things run. The command line runs this very job.
"""

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg

from pipelines.defs.resources import DistrictResource
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


def landing_sensor(timezone: str) -> dg.SensorDefinition:
    """Runs the job when files have come that no run has dealt with. The cursor is the set of those files, never a time: a late file cannot be missed."""

    @dg.sensor(name="landing", job_name=JOB, minimum_interval_seconds=300, default_status=dg.DefaultSensorStatus.STOPPED)
    def landing(context: dg.SensorEvaluationContext, district: DistrictResource) -> Iterator[dg.RunRequest | dg.SkipReason]:
        settings = district.load()
        today = datetime.now(ZoneInfo(timezone)).date()
        ledger = Ledger(settings.data / "ledger.sqlite")
        try:
            seen = {(r["source_id"], r["name"]): r["stamp"] for r in ledger.rows("select * from seen_files")}
        finally:
            ledger.close()
        found, _ = find(settings, today)
        fresh = sorted(f"{f.source.id} {f.name} {stamp}" for f in found if (stamp := look(f).stamp) != seen.get((f.source.id, f.name)))
        cursor = hashlib.sha256("\n".join(fresh).encode()).hexdigest()
        if not fresh:
            yield dg.SkipReason("no file that has not been dealt with")
            return
        if cursor == context.cursor:
            yield dg.SkipReason(f"{len(fresh)} files have been asked for already")
            return
        context.update_cursor(cursor)
        yield dg.RunRequest(run_key=cursor, partition_key=today.isoformat())

    return landing
