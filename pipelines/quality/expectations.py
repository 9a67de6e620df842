"""Reading `expectations/`: what must hold, how badly it matters, why, and what happens to what fails.

Belongs here: the typed form of the YAML. A rule's `bad_when` is a DuckDB condition that is true of what is wrong; `{table}` in it names all rows of
an accepted table, tonight's candidates included. Great Expectations runs each rule (`gx.py`); the same condition finds the rows.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipelines.lineage.ledger import Severity

ROOT = Path(__file__).resolve().parents[2] / "expectations"
EVERY_TABLE = "_every_table"
PACKAGE = "package_is_whole"  # stops the other files of a bulk package of which one is stopped
NOT_LOADED = ("required_columns", "dates_are_settled")  # a file stopped by one of these has no rows that could be let through
NOTE = "header: "  # begins a delivery's warning that says what its header lacks, and what to do


class Rule(BaseModel):
    """One expectation.

    `row`: `bad_when` over a candidate `r`; critical rows go to quarantine. `delivery`: `bad_when` over a delivery `d` (see `arrival.deliveries`); critical
    ones stop the file. `school`: a query giving `delivery_id, school_id` for each school whose part is wrong; critical ones hold that school's figures.
    `slice` (publication): a query giving `indicator_id, school_year, school_id` of the slices that must not go out.
    Where a row rule is about one `column`, and says what it `must` be, the people who typed the row are told so (`in_plain_words`).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    kind: Literal["row", "delivery", "school", "slice"]
    severity: Severity = "critical"
    judges_deletions: bool = False  # row rules: whether a row that only deletes its key is judged too; it need not be whole
    bad_when: str
    message: str
    why: str = ""
    remedy: str = ""
    column: str = ""
    must: str = ""


class Suite(BaseModel):
    """All rules of one table or mart."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    table: str
    owner: str
    without: tuple[str, ...] = ()  # rules of `_every_table.yml` that do not fit this table
    rules: tuple[Rule, ...]


class ExpectationError(Exception):
    """An expectations file cannot be used; the message names the file and the place."""


def load_suites(gate: Literal["arrival", "publication"], root: Path = ROOT) -> dict[str, Suite]:
    """All suites of one gate by table; the rules of `_every_table.yml` come first in each arrival suite."""
    suites: dict[str, Suite] = {}
    for path in sorted((root / gate).glob("*.yml")):
        try:
            suite = Suite.model_validate(read_yaml(path))
        except (yaml.YAMLError, ValidationError) as e:
            raise ExpectationError(f"{path}: {e}") from e
        if suite.table != path.stem:
            raise ExpectationError(f"{path}: says table: {suite.table}; the file must be named after its table")
        ids = [r.id for r in suite.rules]
        if twice := sorted({i for i in ids if ids.count(i) > 1}):
            raise ExpectationError(f"{path}: rule ids used twice: {', '.join(twice)}")
        suites[suite.table] = suite
    common = suites.pop(EVERY_TABLE, None)
    if common:
        known = {r.id for r in common.rules}
        for name, suite in suites.items():
            if unknown := sorted(set(suite.without) - known):
                raise ExpectationError(f"{name}.yml: without names {', '.join(unknown)}, which is no rule of {EVERY_TABLE}.yml")
            kept = [r for r in common.rules if r.id not in suite.without]
            suites[name] = suite.model_copy(update={"rules": (*kept, *suite.rules)})
    return suites


def read_yaml(path: Path) -> Any:
    """What a YAML file of ours says, as plain values; by libyaml where PyYAML has it, which is much quicker."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  # both are safe loaders


def in_plain_words(rule: Rule, table: str, line: int, value: str | None) -> str:
    """A row's problem as a sentence for who typed it. It holds the value: for those who may see the row."""
    what = f"is {value!r}" if value else "is blank"
    return f"Row {line} of sheet {table.partition('__')[2]!r}: {rule.column!r} {what}, it must be {rule.must}"


def relation_of(rule: Rule, table: str) -> str:
    """The relation that a rule is checked on."""
    return {"row": f"arrival.{table}", "slice": f"staged.{table}"}.get(rule.kind, "arrival.deliveries")


def condition(rule: Rule) -> str:
    """The rule's SQL with `{table}` pointing at the rows that are present, `{package:table}` at those of tonight's packages."""
    return re.sub(r"\{(package:)?([a-z]+__[a-z_]+)\}", lambda m: f"{'package' if m[1] else 'present'}.{m[2]}", rule.bad_when)


def row_condition(rule: Rule) -> str:
    """A row rule's condition, over a candidate `r`."""
    return condition(rule) if rule.judges_deletions else f"not r._is_deleted and ({condition(rule)})"


def failing_sql(rule: Rule, table: str, relation: str | None = None) -> str:
    """A query over the build database whose rows are what the rule forbids, read from `relation` (by default where they stand)."""
    of = relation or relation_of(rule, table)
    if rule.kind == "row":
        return f"select r._delivery_id, r._line from {of} r where {row_condition(rule)}"
    if rule.kind == "delivery":
        return f"select d.delivery_id, '' as school_id from {of} d where d.table_name = '{table}' and ({condition(rule)})"
    return condition(rule).replace("{deliveries}", of).replace("{mart}", of)
