"""The publication gate: everything that is wrong tonight, as issues on slices.

Belongs here: collecting. Five things speak: files that were stopped at the door and are not yet mended, schools missing from a file, resources of an
API that could not be fetched, dbt nodes that failed, and the publication expectations that Great Expectations runs on the staged marts. What follows
from it is `verdicts.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace

import duckdb

from pipelines.district import District
from pipelines.lineage.graph import Manifest, models_behind_indicators, models_behind_lists, registry, tables_behind_indicators, tables_behind_lists
from pipelines.lineage.ledger import Check, Delivery, Ledger, Severity
from pipelines.publication.verdicts import Issue
from pipelines.quality import gx
from pipelines.quality.build import build_path, open_build
from pipelines.quality.expectations import Suite, failing_sql
from pipelines.quality.stopped import in_words, is_mended, open_deliveries, root_of
from pipelines.sources import ALL_TABLES, format_of


@dataclass(frozen=True)
class NodeResult:
    """How a dbt test came out, or a model that was not built."""

    unique_id: str
    status: str  # pass, fail, warn, error or skipped
    message: str
    n_failures: int = 0


def arrival_issues(db: duckdb.DuckDBPyConnection, district: District, ledger: Ledger, manifest: Manifest) -> list[Issue]:
    """What the arrival gate left open: stopped files, and schools that a file left out and that no other file has filled in since."""
    behind = tables_behind_indicators(manifest) | tables_behind_lists(manifest)
    issues = []
    stopped = open_deliveries(ledger)
    for d in stopped:
        tables = {d.table_name} if d.table_name else _tables_of(district, ledger, d.source_id)
        touched = frozenset(i for i, some in behind.items() if some & tables)
        issues.append(Issue(touched, "critical", f"stopped at the door: {in_words(root_of(d, stopped))}"))
    accepted = ledger.deliveries(status=("accepted",))
    by_id = {d.delivery_id: d for d in accepted}
    rows = ledger.rows(
        "select subject, check_id, severity, school_id, delivery_id, message from checks where passed = 0 and school_id <> '' and gate = 'arrival'"
    )
    for r in rows:
        delivery = by_id.get(r["delivery_id"])
        if delivery and not is_mended(delivery, accepted) and not _is_filled_in(db, delivery, r["school_id"]):
            touched = frozenset(i for i, some in behind.items() if r["subject"] in some)
            issues.append(Issue(touched, r["severity"], f"{delivery.name}: {r['message']}", school_id=r["school_id"]))
    return issues + fetch_issues(district, ledger, behind)


def fetch_issues(district: District, ledger: Ledger, behind: Mapping[str, Set[str]]) -> list[Issue]:
    """Resources of an API that could not be had, on the indicators that stand on their tables (`behind`).

    What was there before and cannot be had now is out of date, and holds; what this client may not read and never could is said with the figure.
    """
    issues = []
    for sync in ledger.syncs():
        source = next((s for s in district.sources if s.id == sync.source_id and sync.resource in s.fetched), None)
        if source is None or sync.status in ("fetched", "absent"):
            continue
        tables = format_of(source).tables_of(source, f"{source.root}/{sync.resource}/full/rundate={sync.asked_at[:10]}/00001.all.jsonl")
        names = set() if isinstance(tables, str) else {t.name for t in tables}
        severity: Severity = "critical" if sync.landed_at or sync.status == "failed" else "warning"
        touched = frozenset(i for i, some in behind.items() if some & names)
        issues.append(Issue(touched, severity, f"not fetched: {sync.source_id}/{sync.resource}: {sync.why}"))
    return issues


def _is_filled_in(db: duckdb.DuckDBPyConnection, delivery: Delivery, school_id: str) -> bool:
    """Whether the school's rows of that day are now held after all (a correction brought them): at least four fifths of its fullest day."""
    table = ALL_TABLES[delivery.table_name]
    if table.scope != "business_date" or "school_id" not in table.columns:
        return False
    sql = f"""select coalesce(max(n) filter (where day = ?), 0) * 5 >= max(n) * 4
              from (select "{table.scope_column}" as day, count(*) as n from held.{table.name} where school_id = ? and _is_open group by 1)"""
    return bool(db.execute(sql, [delivery.business_date.isoformat(), school_id]).fetchall()[0][0])


def _tables_of(district: District, ledger: Ledger, source_id: str) -> set[str]:
    """The tables that a source has sent before, or could send."""
    seen = {r["table_name"] for r in ledger.rows("select distinct table_name from deliveries where source_id = ? and table_name <> ''", [source_id])}
    if seen or source_id not in {s.id for s in district.sources}:
        return seen
    source = district.source(source_id)
    return {t.name for t in format_of(source).feeds(source)}


def all_slices(manifest: Manifest) -> frozenset[str]:
    """Everything that is published or held by itself: indicators, and lists of their own."""
    return frozenset({*(i["indicator_id"] for i in registry("indicators")), *manifest.lists()})


def with_wholes(issues: Sequence[Issue]) -> list[Issue]:
    """What is wrong with an indicator is wrong with what is made of it too: flags together, daily averages."""
    found = []
    for issue in issues:
        indicators = set(issue.indicators)
        for part in registry("indicator_parts"):
            if part["part_indicator_id"] in indicators:
                indicators.add(part["indicator_id"])
        found.append(replace(issue, indicators=frozenset(indicators)))
    return found


def with_lists(issues: Sequence[Issue], made_of: Mapping[str, Set[str]]) -> list[Issue]:
    """What is wrong with an indicator is wrong with each list too that is `made_of` it: slice to indicators."""
    return [replace(i, indicators=i.indicators | {own for own, some in made_of.items() if i.indicators & some}) for i in issues]


def dbt_checks(run_id: str, manifest: Manifest, results: Sequence[NodeResult]) -> list[Check]:
    """Every dbt test that ran, and every model that ended in an error, for the ledger. What was skipped was not looked at: why, the failed node says."""
    return [
        Check(run_id, "dbt", manifest.tested(r.unique_id), _plain_name(r.unique_id), "warning" if r.status == "warn" else "critical", r.status == "pass",
              r.n_failures or int(r.status != "pass"), r.message)
        for r in results if r.status != "skipped"
    ]  # fmt: skip


def _plain_name(unique_id: str) -> str:
    """The name of a dbt node in its id: `test.<project>.<name>.<hash>`, `model.<project>.<name>`."""
    return unique_id.split(".")[2]


def dbt_issues(manifest: Manifest, results: Sequence[NodeResult]) -> list[Issue]:
    """A failed model or error test holds the indicators that pass through it; one on a mart, or behind everything, holds them all."""
    everyone = all_slices(manifest)
    behind = models_behind_indicators(manifest) | models_behind_lists(manifest)
    issues = []
    for r in results:
        if r.status in ("pass", "skipped"):
            continue  # what made it skip is listed itself
        model = manifest.tested(r.unique_id)
        through = frozenset(i for i, nodes in behind.items() if any(n.rsplit(".", 1)[-1] == model for n in nodes))
        severity: Severity = "warning" if r.status == "warn" else "critical"
        issues.append(Issue(through or everyone, severity, f"{_plain_name(r.unique_id)}: {r.message or r.status}"))
    return issues


def run_expectations(district: District, run_id: str, suites: Mapping[str, Suite], school_years: Sequence[int]) -> tuple[list[Issue], list[Check]]:
    """Evaluate the publication expectations on `staged.<mart>`; the build database must not be open for writing."""
    rules = {mart: suite.rules for mart, suite in suites.items()}
    holds = gx.validate(build_path(district), district.data / "tmp", rules)
    issues: list[Issue] = []
    checks: list[Check] = []
    with open_build(district, read_only=True) as db:
        for mart, some in rules.items():
            for rule in some:
                base = Check(run_id, "publication", mart, rule.id, rule.severity, True, 0, rule.message)
                if holds[mart, rule.id]:
                    checks.append(base)
                    continue
                for indicator, year, school in _failing(db, failing_sql(rule, mart)):
                    checks.append(Check(run_id, "publication", mart, rule.id, rule.severity, False, 1, rule.message, indicator, int(year), school))
                    if rule.severity != "info":
                        issues.append(Issue(frozenset({indicator}), rule.severity, f"{rule.id}: {rule.message}", int(year), school))
    return issues, checks


def _failing(db: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[str, int, str]]:
    return [(str(i), int(y), str(s or "")) for i, y, s in db.execute(f"select distinct indicator_id, school_year, school_id from ({sql})").fetchall()]
