"""The publication gate and the warehouse. https://docs.dagster.io/guides/test/asset-checks

What belongs here: the declaration of published marts and their checks. Gating and publishing are `pipelines.publication`.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from pipelines.defs.resources import DistrictResource, Metadata, dbt_target, link, reporter
from pipelines.defs.transform import parse_results
from pipelines.lineage.graph import Manifest
from pipelines.publication.publish import publish, run_of

CHECK = "publication_expectations"


def published_assets(partitions: dg.PartitionsDefinition, manifest: Path) -> dg.AssetsDefinition:
    """Every published mart, in one step: a publication becomes visible whole."""
    marts = [m.name for m in Manifest(manifest).marts()]
    specs = [dg.AssetSpec(["warehouse", m], deps=[["marts", m]], group_name="warehouse", description="What people see.") for m in marts]
    checks = [
        dg.AssetCheckSpec(CHECK, asset=["warehouse", m], blocking=True, description=f"expectations/publication/{m}.yml and dbt's tests, as verdicts")
        for m in marts
    ]

    @dg.multi_asset(name="publish", specs=specs, check_specs=checks, partitions_def=partitions, pool="build", backfill_policy=dg.BackfillPolicy.single_run())
    def publish_marts(context: dg.AssetExecutionContext, district: DistrictResource) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        with district.ledger() as (settings, ledger):
            results = parse_results(json.loads((dbt_target(settings) / "run_results.json").read_text(encoding="utf-8")))
            run = run_of(ledger, context.run.run_id)
            report = publish(settings, ledger, run, manifest, results, whole=False, progress=reporter(context))
        for mart in marts:
            mine = [v for v in report.verdicts if v.mart == mart]
            held = [v for v in mine if v.verdict == "held"]
            metadata: Metadata = {
                "publication": report.publication.publication_id,
                "as_of": report.publication.as_of.isoformat(),
                "rows": sum(v.n_rows for v in mine if not v.school_id),
                "slices_published": len(mine) - len(held),
                "slices_held": len(held),
                "warehouse": link(report.location),
                "ledger": link(ledger.path),
            }
            yield dg.MaterializeResult(asset_key=["warehouse", mart], metadata=metadata)
            yield dg.AssetCheckResult(
                passed=not held,
                check_name=CHECK,
                asset_key=dg.AssetKey(["warehouse", mart]),
                severity=dg.AssetCheckSeverity.WARN,
                description="; ".join(sorted({f"{v.indicator_id} {v.school_year} {v.school_id}: {v.why}" for v in held})),
            )

    return publish_marts
