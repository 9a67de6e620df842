"""The arrival gate as assets and blocking asset checks. https://docs.dagster.io/guides/test/asset-checks

What belongs here: the declaration of accepted tables and their checks, made by one factory. Judging is `pipelines.quality`.

A file that fails is stopped at the door and the table's last accepted version stays, so the night goes on: the check then warns. Where nothing was
ever accepted there is nothing to go on with: the check is an error, and blocks what is downstream.
"""

from collections.abc import Iterator, Mapping, Sequence

import dagster as dg

from pipelines.defs.partitions import business_dates
from pipelines.defs.resources import DistrictResource, Metadata, link, reporter
from pipelines.lineage.ledger import Check
from pipelines.quality.arrival import arrive
from pipelines.quality.build import build_path, open_build
from pipelines.quality.expectations import ROOT as RULES
from pipelines.quality.stopped import in_words, open_deliveries
from pipelines.sources import ALL_TABLES

CHECK = "arrival_expectations"


def arrival_checks(keys: Mapping[str, Sequence[str]]) -> list[dg.AssetCheckSpec]:
    """The factory: one blocking check a table, named after the expectations file that it runs."""
    return [
        dg.AssetCheckSpec(CHECK, asset=dg.AssetKey(key), blocking=True, description=f"expectations/arrival/{table}.yml, by Great Expectations")
        for table, key in keys.items()
    ]


def held_assets() -> dg.AssetsDefinition:
    """All accepted tables, judged and merged in one step."""
    keys = {t: ["held", t] for t in ALL_TABLES}
    specs = [
        dg.AssetSpec(key, deps=[["raw", t]], group_name="held", kinds={"duckdb"}, description="The last accepted version of every key.")
        for t, key in keys.items()
    ]

    @dg.multi_asset(name="arrival_gate", specs=specs, check_specs=arrival_checks(keys), pool="build")
    def arrival_gate(context: dg.AssetExecutionContext, district: DistrictResource) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        _, last = business_dates(context)
        with district.ledger() as (settings, ledger):
            report = arrive(settings, ledger, context.run.run_id, last, reporter(context))
            with open_build(settings, read_only=True) as db:
                held = {t: db.execute(f"select count(*) from held.{t}").fetchall()[0][0] for t in ALL_TABLES}
            stopped = [in_words(d) for d in open_deliveries(ledger)]
        nothing_to_go_on = bool(stopped) and not any(held.values())
        for table, key in keys.items():
            some = [d for d in report.deliveries if d.table_name == table]
            metadata: Metadata = {
                "rows_in": sum(d.n_rows for d in some),
                "accepted": sum(d.n_accepted for d in some),
                "quarantined": sum(d.n_quarantined for d in some),
                "superseded": sum(d.n_superseded for d in some),
                "duplicate": sum(d.n_duplicate for d in some),
                "held": held[table],
                "rules": link(RULES / "arrival" / f"{table}.yml"),
                "build": link(build_path(settings)),
            }
            yield dg.MaterializeResult(asset_key=key, metadata=metadata)
            failed = [c for c in report.checks if c.subject == table and not c.passed]
            yield _result(key, failed, nothing_to_go_on=nothing_to_go_on)
        if nothing_to_go_on:  # Dagster would end the step with the names of the checks alone
            raise dg.Failure("\n".join(["nothing was ever accepted, so there is nothing to build:", *stopped]))

    return arrival_gate


def _result(key: Sequence[str], failed: Sequence[Check], *, nothing_to_go_on: bool) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=not failed,
        check_name=CHECK,
        asset_key=dg.AssetKey(key),
        severity=dg.AssetCheckSeverity.ERROR if nothing_to_go_on else dg.AssetCheckSeverity.WARN,
        metadata={c.check_id: c.n_unexpected for c in failed},
        description="; ".join(dict.fromkeys(c.message for c in failed)),
    )
