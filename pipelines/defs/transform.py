"""The dbt project as assets and checks. https://docs.dagster.io/integrations/libraries/dbt

What belongs here: declaring the models and running `dbt build`. A failed test or model does not end the night: the publication gate reads the
results and holds what depends on them.
"""

import json
import os
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtCliInvocation, dbt_assets
from packaging.version import Version

from pipelines.dbt_process import DbtProcess
from pipelines.defs.resources import DistrictResource, dbt_environment, dbt_target, link, reporter
from pipelines.district import District
from pipelines.lineage.graph import PROJECT, Manifest
from pipelines.publication import assemble
from pipelines.publication.gate import NodeResult
from pipelines.publication.publish import definitions_hash, publish, run_of
from pipelines.quality import frozen
from pipelines.quality.build import begin_build, fed_tables, finish_night, is_built_with, open_build, stands
from pipelines.sources import ALL_TABLES


def build_arguments(*, whole: bool, with_views: bool) -> list[str]:
    """Arguments of `dbt build`: all tables from scratch where a definition or a setting changed, else with what tonight touched.

    Views and seeds stand as they were last made: nothing in them changes but with a definition.
    """
    build = ["build", "--exclude-resource-type", "unit_test", *["--full-refresh"] * whole]  # unit tests test the code, not the night: `make test` runs them
    return build if with_views else [*build, "--exclude-resource-type", "seed", "--exclude", "config.materialized:view"]


def parse_results(results: dict[str, Any]) -> list[NodeResult]:
    """Tests, and what else failed, warned or was skipped, from dbt's run_results.json."""
    found = []
    for r in results["results"]:
        status = "error" if r["status"] == "runtime error" else r["status"]
        if r["unique_id"].startswith("test.") or status in ("error", "fail", "warn", "skipped"):
            found.append(NodeResult(r["unique_id"], status, _first_line(r.get("message")), int(r.get("failures") or 0)))
    return found


def _first_line(message: str | None) -> str:
    lines = [line.strip() for line in (message or "").splitlines() if line.strip()]
    return lines[0] if lines else ""


def looks_at_a_night_alone(results: Sequence[NodeResult], manifest: Path) -> bool:
    """Whether a test failed that looks at what the night wrote alone and would pass the next night: the night is not finished then, and all built anew."""
    failed = {r.unique_id for r in results if r.status == "fail"}
    nodes = json.loads(manifest.read_text(encoding="utf-8"))["nodes"] if failed else {}
    return any(nodes[test].get("test_metadata", {}).get("name") == "unique_where_touched" for test in failed & nodes.keys())


def start_dbt(arguments: list[str], district: District, context: dg.AssetExecutionContext, manifest: Path) -> DbtCliInvocation:
    """Start dbt in a process that was made ready before (`dbt_process.py`); its events become Dagster's.

    `DbtCliResource.cli` would first ask dbt for its version, in another process, and load its adapter into this one: seconds of every night, for column
    metadata and row counts that are not asked for.
    """
    target = dbt_target(district)
    paths = {"DBT_PROJECT_DIR": str(PROJECT), "DBT_PROFILES_DIR": str(PROJECT), "DBT_TARGET_PATH": str(target)}
    environment = {**os.environ, **dbt_environment(district), **paths, "DBT_LOG_FORMAT": "json"}
    return DbtCliInvocation(
        process=DbtProcess(arguments, environment, PROJECT, target),  # type: ignore[arg-type]  # it has what it is asked for
        manifest=json.loads(manifest.read_text(encoding="utf-8")),
        dagster_dbt_translator=DagsterDbtTranslator(),
        project_dir=PROJECT,
        target_path=target,
        raise_on_error=False,
        context=context,
        cli_version=Version(version("dbt-core")),
    )


def build_fingerprint(district: District, fed: Sequence[str]) -> str:
    """Settings, definitions, and which tables of events were ever delivered: when it changes, everything is built anew."""
    return "-".join([district.fingerprint(), definitions_hash(), *fed])


def transform_assets(manifest: Path) -> dg.AssetsDefinition:
    """All models, in one step."""

    @dbt_assets(manifest=manifest, name="transform", pool="build")
    def transform(context: dg.AssetExecutionContext, district: DistrictResource) -> Iterator[Any]:
        progress = reporter(context)
        if context.is_subset:
            raise dg.Failure("the models are built together, or what a night changed would reach some and be forgotten: materialize all of them")
        with district.ledger() as (settings, ledger):
            with open_build(settings) as db:
                fingerprint, definitions = build_fingerprint(settings, fed_tables(db)), definitions_hash()
                whole = not is_built_with(db, fingerprint, Manifest(manifest).relations())
                with_views = not stands(db, definitions, Manifest(manifest).standing())
                begin_build(db, with_views=with_views)
            progress("building every model from scratch" if whole else "building what tonight touched")
            target = dbt_target(settings)
            (target / "run_results.json").unlink(missing_ok=True)
            invocation = start_dbt(build_arguments(whole=whole, with_views=with_views), settings, context, manifest)
            links = {"dbt_log": link(target / "logs" / "dbt.log"), "run_results": link(target / "run_results.json")}
            for event in invocation.stream():
                yield event.with_metadata({**event.metadata, **links}) if isinstance(event, dg.Output) else event
            # 0: all built, 1: something failed and is told; anything else ended before its time, whatever it wrote of what it had done
            if not (target / "run_results.json").exists() or invocation.process.returncode not in (0, 1):
                raise dg.Failure(f"dbt did not finish; see {target / 'logs' / 'dbt.log'}")
            results = parse_results(json.loads((target / "run_results.json").read_text(encoding="utf-8")))
            with open_build(settings) as db:
                if not any(r.status in ("error", "skipped") for r in results) and not looks_at_a_night_alone(results, manifest):
                    assemble.note_pending(db, Manifest(manifest).marts(), whole=whole)
                    finish_night(db, list(ALL_TABLES), fingerprint, definitions)
                    frozen.freeze(db, settings)
            marts = {m.name for m in Manifest(manifest).marts()}
            if any(r.unique_id.rsplit(".", 1)[-1] in marts and r.status in ("error", "skipped") for r in results):
                # the steps below need marts that were not built: hold everything here, and say so
                publish(settings, ledger, run_of(ledger, context.run.run_id), manifest, results, whole=whole, progress=progress)

    return transform
