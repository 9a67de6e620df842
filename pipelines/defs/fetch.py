"""The step before intake: sources with an API are fetched into the landing folder. https://docs.dagster.io/guides/build/assets

What belongs here: the declaration of fetched sources and their check. Fetching is `pipelines.intake.fetch`. A resource that cannot be had warns and
stops nothing: the publication gate holds what stands on it.
"""

from collections.abc import Iterator, Sequence

import dagster as dg

from pipelines.defs.partitions import business_dates
from pipelines.defs.resources import DistrictResource, Metadata, link, reporter
from pipelines.intake.fetch import checks, fetch
from pipelines.lineage.ledger import FETCHED


def fetched_assets(partitions: dg.PartitionsDefinition, source_ids: Sequence[str]) -> list[dg.AssetsDefinition]:
    """The landing files of every source with an API, in one step; nothing where there is none."""
    if not source_ids:
        return []
    keys = {s: dg.AssetKey(["landing", s]) for s in source_ids}
    specs = [dg.AssetSpec(k, group_name="landing", kinds={"json"}, description="Records of an Ed-Fi ODS/API, as its server sent them.") for k in keys.values()]
    check_specs = [dg.AssetCheckSpec(FETCHED, asset=k, description="Every resource of the source could be fetched.") for k in keys.values()]

    @dg.multi_asset(name="fetch", specs=specs, check_specs=check_specs, partitions_def=partitions, pool="build", backfill_policy=dg.BackfillPolicy.single_run())
    def fetch_sources(context: dg.AssetExecutionContext, district: DistrictResource) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        _, last = business_dates(context)
        for source_id, key in keys.items():
            with district.ledger() as (settings, ledger):
                results = fetch(settings, ledger, settings.source(source_id), last, reporter(context))
                ledger.put(*checks(context.run.run_id, results))
            missing = [r for r in results if r.status in ("failed", "unavailable")]
            metadata: Metadata = {"records": sum(r.n_records for r in results), "resources_missing": len(missing), "folder": link(settings.landing)}
            yield dg.MaterializeResult(asset_key=key, metadata=metadata)
            said = "; ".join(f"{r.resource}: {r.why}" for r in missing)
            yield dg.AssetCheckResult(passed=not missing, check_name=FETCHED, asset_key=key, severity=dg.AssetCheckSeverity.WARN, description=said)

    return [fetch_sources]
