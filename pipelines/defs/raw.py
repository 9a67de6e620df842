"""Assets from landing to raw. https://docs.dagster.io/guides/build/assets

What belongs here: the declaration of landing and raw, and the step that takes files. Taking them is `pipelines.intake`.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import dagster as dg

from pipelines.dbt_process import make_ready
from pipelines.defs.partitions import business_dates
from pipelines.defs.resources import DistrictResource, Metadata, dbt_target, link, reporter
from pipelines.intake.take import take, unread_files
from pipelines.lineage.ledger import SETTLED, UNREAD, Check, Run, now
from pipelines.publication.publish import recover
from pipelines.publication.warehouse import open_warehouse
from pipelines.sources import ALL_TABLES


def landing_specs(sources: Sequence[tuple[str, str]], landing: Path) -> list[dg.AssetSpec]:
    """One external asset a source: the files that the district's systems send. `sources` are ids and paths below `landing`."""
    folder = {"folder": link(landing)}
    return [dg.AssetSpec(["landing", source_id], group_name="landing", description=f"Files at {path}", metadata=folder) for source_id, path in sources]


def raw_assets(fed_by: Mapping[str, Sequence[str]]) -> dg.AssetsDefinition:
    """All raw tables, taken in one step: a folder is listed once. `fed_by` has, of each table, the sources that can bring it."""
    specs = [
        dg.AssetSpec(["raw", t], deps=[["landing", s] for s in fed_by.get(t, ())], group_name="raw", kinds={"parquet"}, description="Every cell as delivered.")
        for t in ALL_TABLES
    ]

    @dg.multi_asset(name="intake", specs=specs, pool="build")
    def intake(context: dg.AssetExecutionContext, district: DistrictResource) -> Iterator[dg.MaterializeResult[None]]:
        first, last = business_dates(context)
        with district.ledger() as (settings, ledger):
            make_ready(dbt_target(settings))  # while files are taken and judged
            recover(ledger, open_warehouse(settings.warehouse_url))
            ledger.put(Run(context.run.run_id, now(), last, first if first != last else None))
            report = take(settings, ledger, context.run.run_id, last, reporter(context))
            ledger.put(*(Check(context.run.run_id, "arrival", w.name, SETTLED, "warning", False, 1, w.why) for w in report.waiting))
            ledger.put(*(Check(context.run.run_id, "arrival", place, UNREAD, "info", False, n, why) for place, why, n in unread_files(report.unmatched)))
            for name in ALL_TABLES:
                some = [d for d in report.taken if d.table_name == name]
                counts = {"deliveries": len(some), "rows": sum(d.n_rows for d in some)}
                folder = settings.data / "raw" / name
                links = {"ledger": link(ledger.path), **({"folder": link(folder)} if folder.is_dir() else {})}
                metadata: Metadata = {**counts, "up_to": last.isoformat(), **links}
                yield dg.MaterializeResult(asset_key=["raw", name], metadata=metadata)

    return intake
