"""The Dagster code location: gathers `defs/` for one district, nothing else.

The district is the folder named by THROUGHLINE_DISTRICT, or the one that one stands in. Loading reads its settings and the parsed dbt manifest;
it opens no database, looks into neither the landing nor the data folder, and imports neither Great Expectations nor pandas.
"""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from pipelines.defs.automation import landing_sensor, nightly_job, nightly_schedule
from pipelines.defs.fetch import fetched_assets
from pipelines.defs.partitions import daily
from pipelines.defs.publication import published_assets
from pipelines.defs.quality import held_assets
from pipelines.defs.raw import landing_specs, raw_assets
from pipelines.defs.resources import DistrictResource, district_folder, manifest_path
from pipelines.defs.transform import transform_assets
from pipelines.district import load_district
from pipelines.intake.fetch import api_sources
from pipelines.sources import format_of


def build_definitions(folder: Path) -> dg.Definitions:
    """All definitions for the district in `folder`. Raises SettingsError where its settings cannot be used."""
    district = load_district(folder)
    timezone = district.district.timezone
    partitions = daily(district.school_years[0].start, timezone)
    manifest = manifest_path()
    fetched = [s.id for s in api_sources(district)]
    landing = landing_specs([(s.id, s.path) for s in district.sources if s.id not in fetched], district.landing)
    fed_by: dict[str, list[str]] = {}
    for source in district.sources:
        for table in format_of(source).feeds(source):
            fed_by.setdefault(table.name, []).append(source.id)
    return dg.Definitions(
        assets=[
            *landing,
            *fetched_assets(partitions, fetched),
            raw_assets(fed_by),
            held_assets(),
            transform_assets(manifest),
            published_assets(partitions, manifest),
        ],
        jobs=[nightly_job()],
        schedules=[nightly_schedule(timezone)],
        sensors=[landing_sensor()],
        resources={"district": DistrictResource(folder=str(folder))},
    )


@dg.definitions
def defs() -> dg.Definitions:
    return build_definitions(district_folder())
