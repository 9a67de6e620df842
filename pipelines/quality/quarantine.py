"""What the arrival gate keeps back, for people to look at and to let through.

Belongs here: reading `quarantine` and the stopped deliveries, and recording releases. Letting a released row or file pass is the gate's affair
(`arrival.py`, `judge.py`); it happens with the next run. Rows are student level: restricted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import duckdb

from pipelines.lineage.graph import registry
from pipelines.lineage.ledger import Delivery, Ledger, Release, now
from pipelines.quality.expectations import NOT_LOADED, PACKAGE, in_plain_words, load_suites
from pipelines.quality.hold import quoted
from pipelines.quality.judge import row_key
from pipelines.quality.stopped import in_words, package_of
from pipelines.sources import ALL_TABLES
from pipelines.sources.shape import Table


class QuarantineError(Exception):
    """What was asked cannot be shown or let through; the message says why and what to do."""


@dataclass(frozen=True)
class SetAside:
    """Rows of one table that break one rule. `since` is the business date of the run that first set one of them aside."""

    table: str
    rule: str
    n_rows: int
    since: str
    message: str
    remedy: str
    owner: str
    indicators: tuple[str, ...]  # the rows are in none of their figures


def set_aside(db: duckdb.DuckDBPyConnection, ledger: Ledger, behind: Mapping[str, frozenset[str]], table: str | None = None) -> list[SetAside]:
    """What is in quarantine by table and rule. `behind` gives the tables behind each indicator. Raises QuarantineError for an unknown table."""
    names = [_table(table).name] if table else list(ALL_TABLES)
    dates = {r["run_id"]: r["business_date"] for r in ledger.rows("select run_id, business_date from runs")}
    suites = load_suites("arrival")
    indicators = {i["indicator_id"]: i["indicator_name"] for i in registry("indicators")}
    there = {name for (name,) in db.execute("select table_name from information_schema.tables where table_schema = 'quarantine'").fetchall()}
    found = []
    for name in names:
        if name not in there:
            continue
        sql = f"select _rule, count(distinct (_delivery_id, _line)), list(distinct _first_seen_run) from quarantine.{name} group by 1 order by 1"
        rules = {r.id: r for r in suites[name].rules}
        for rule_id, n, runs in db.execute(sql).fetchall():
            rule = rules.get(rule_id)
            since = min((dates[r] for r in runs if r in dates), default="")
            touched = tuple(indicators[i] for i, tables in behind.items() if name in tables)
            words = (rule.message, rule.remedy) if rule else ("The rule has gone since; the next run judges the rows again.", "")
            found.append(SetAside(name, rule_id, int(n), since, *words, suites[name].owner, touched))
    return found


def quarantined_rows(db: duckdb.DuckDBPyConnection, table: str, limit: int | None) -> list[dict[str, Any]]:
    """Rows of one table: `key` (what `release --key` takes), rule, file, line, and the cells as they were read.

    First the `problem` in words, where the table's rules have them.
    """
    shape = _table(table)
    most = "" if limit is None else f"limit {int(limit)}"
    result = db.execute(
        f"select {row_key(shape, 'q')} as key, _rule as rule, _file as file, _line as line, _delivery_id as delivery_id, {quoted(shape.columns)} "
        f"from quarantine.{shape.name} q order by _business_date, _file, _line {most}"
    )
    names = [c[0] for c in result.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    rules = {r.id: r for r in load_suites("arrival")[shape.name].rules if r.must}
    if not rules:
        return rows
    said = [in_plain_words(rules[r["rule"]], shape.name, r["line"], r[rules[r["rule"]].column]) if r["rule"] in rules else "" for r in rows]
    return [{"problem": words, **r} for words, r in zip(said, rows, strict=True)]


def release_delivery(ledger: Ledger, delivery_id: str, by: str, reason: str) -> list[Delivery]:
    """Let a stopped delivery through the file rules; its bad rows are still set aside. Gives the deliveries that the next run takes up.

    The other files of its package, stopped only because the package was not whole, come with it. Raises QuarantineError.
    """
    stopped = ledger.deliveries(status=("blocked", "unreadable"))
    found = [d for d in stopped if d.delivery_id.startswith(delivery_id)]
    if len(found) != 1:
        raise QuarantineError(f"{len(found) or 'no'} stopped deliveries have an id that begins with {delivery_id}; see `throughline quarantine list`")
    (delivery,) = found
    if not delivery.raw_path or not _is_id(delivery.why):
        raise QuarantineError(f"{delivery.name} cannot be let through: it could not be read ({delivery.why})")
    if delivery.why in NOT_LOADED:
        raise QuarantineError(f"{in_words(delivery)}: this cannot be let through, no row of it can be read so")
    package = package_of(delivery)
    others = [d for d in stopped if d.why == PACKAGE and d.source_id == delivery.source_id and package_of(d) == package and d != delivery]
    again = [replace(d, status="raw", why="", n_accepted=0, n_quarantined=0, n_superseded=0, n_duplicate=0) for d in (delivery, *others)]
    ledger.put(Release(now(), delivery.delivery_id, "", "", by, reason), *again)
    return again


def release_row(db: duckdb.DuckDBPyConnection, ledger: Ledger, table: str, key: str, by: str, reason: str) -> dict[str, Any]:
    """Let one quarantined row through the row rules: this row of this file, not what a later file says under the key. Raises QuarantineError."""
    shape = _table(table)
    sql = f"select _delivery_id, _file, _line, _rule, _defect from quarantine.{shape.name} q where {row_key(shape, 'q')} = ? order by _precedence desc, _line"
    found = db.execute(sql, [key]).fetchall()
    if not found:
        raise QuarantineError(f"{shape.name} has no row {key!r} in quarantine; see `throughline quarantine show {shape.name}`")
    delivery_id, file, line, rule, defect = found[0]
    if defect:
        raise QuarantineError(f"{file}, line {line}: cannot be let through, its cells cannot be told apart ({defect}); mend it at its source")
    if sum(row[0] == delivery_id for row in found) > 1:
        raise QuarantineError(f"{file}: two lines say different things of {key!r}; letting both through would be a guess. Decide at the source")
    ledger.put(Release(now(), delivery_id, shape.name, key, by, reason))
    return {"table": shape.name, "key": key, "file": file, "line": line, "rule": rule}


def _is_id(why: str) -> bool:
    """The gate says the rule's id; intake says a sentence, of a file that it could not read."""
    return why.isidentifier()


def _table(name: str) -> Table:
    if name not in ALL_TABLES:
        raise QuarantineError(f"there is no table {name}; the tables are {', '.join(ALL_TABLES)}")
    return ALL_TABLES[name]
