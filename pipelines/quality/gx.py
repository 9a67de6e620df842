"""Running expectations with Great Expectations, in SQL, on the DuckDB build database.

Belongs here: the bridge to Great Expectations and nothing that decides. Results are `BOOLEAN_ONLY` so that no student's value enters them;
counts come from our own queries, and the expectation asks for no rows. The engine settings are what GX needs on DuckDB: it fetches after closing its
connection, so the connection must be static, in autocommit and never reset.
"""

from __future__ import annotations

import logging
import os
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from pipelines.quality.build import bounds
from pipelines.quality.expectations import Rule, failing_sql, relation_of


class GateError(Exception):
    """Great Expectations could not evaluate an expectation; nothing may be published on its word."""


def validate(build: Path, spill: Path, suites: Mapping[str, tuple[Rule, ...]], progress: Callable[[str], None] = lambda _: None) -> dict[tuple[str, str], bool]:
    """Evaluate every rule of every table; True where it holds, keyed by table and rule.

    The build database must not be open for writing in this process while this runs. What does not fit into memory goes into `spill`.
    """
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    import great_expectations as gx  # 6 s; imported once a run, only by a run that has something to check
    from great_expectations.core.result_format import ResultFormat
    from great_expectations.data_context.types.base import ProgressBarsConfig
    from sqlalchemy.pool import StaticPool

    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    source = context.data_sources.add_sql(  # type: ignore[call-arg]  # the stub lacks `kwargs`, which SQLAlchemy gets
        "build",
        connection_string=f"duckdb:///{build}",
        create_temp_table=False,
        kwargs={
            "isolation_level": "AUTOCOMMIT",
            "skip_autocommit_rollback": True,
            "pool_reset_on_return": None,
            "poolclass": StaticPool,
            "connect_args": {"read_only": True, "config": bounds(spill)},
        },
    )
    outcome: dict[tuple[str, str], bool] = {}
    try:
        by_relation: dict[tuple[str, str], list[Rule]] = defaultdict(list)
        for table, rules in suites.items():
            for rule in rules:
                by_relation[table, relation_of(rule, table)].append(rule)
        for (table, relation), rules_here in by_relation.items():
            schema, name = relation.split(".")
            progress(f"checking {table}")
            label = f"{table}@{relation}"
            asset = source.add_table_asset(label, table_name=name, schema_name=schema)
            batch = asset.add_batch_definition_whole_table("whole").get_batch()
            # made whole: a suite that belongs to a context compares and stores all that it has at each expectation that is added
            suite = gx.ExpectationSuite(name=label, expectations=[_expectation(rule, table) for rule in rules_here])
            for result in batch.validate(suite, result_format=ResultFormat.BOOLEAN_ONLY).results:
                meta = result.expectation_config.meta if result.expectation_config else None
                rule_id = str((meta or {})["rule"])
                if raised := _exception(result.exception_info):
                    raise GateError(f"{table}: rule {rule_id} could not be evaluated: {raised}")
                outcome[table, rule_id] = bool(result.success)
    finally:
        source.get_execution_engine().close()
        source.get_engine().dispose()
    if missing := [(t, r.id) for t, rules in suites.items() for r in rules if (t, r.id) not in outcome]:
        raise GateError(f"Great Expectations returned no result for {missing}")
    return outcome


def _expectation(rule: Rule, table: str) -> Any:
    """That no row of the batch fails the rule."""
    from great_expectations.expectations.metadata_types import FailureSeverity

    query = f"select * from ({failing_sql(rule, table, '(select * from <batch>)')}) limit 1"
    query = query.replace("{", "{{").replace("}", "}}").replace("<batch>", "{batch}")
    return no_such_rows()(unexpected_rows_query=query, description=rule.message, severity=FailureSeverity(rule.severity), meta={"rule": rule.id})


@cache
def no_such_rows() -> type[Any]:
    """The expectation that a query finds nothing: Great Expectations' own, of which the query is run once, for its count, and not once more for the rows."""
    from great_expectations.expectations.core.unexpected_rows_expectation import UnexpectedRowsExpectation

    class ExpectNoSuchRows(UnexpectedRowsExpectation):
        metric_dependencies: ClassVar[tuple[str, ...]] = ("unexpected_rows_query.row_count",)

        def _validate(self, metrics: dict[str, Any], runtime_configuration: object = None, execution_engine: object = None) -> dict[str, Any]:
            return {"success": metrics["unexpected_rows_query.row_count"] == 0}

    return ExpectNoSuchRows


def _exception(info: Mapping[str, object] | None) -> str:
    """GX gives exceptions flat or by metric; the first message, or nothing."""
    for part in [info or {}, *(v for v in (info or {}).values() if isinstance(v, dict))]:
        if part.get("raised_exception"):
            return str(part.get("exception_message"))
    return ""
