"""The conformance rules as SQL: from the columns of the standard and `expectations/conformance/oneroster.yml` to one query for each rule and column.

Belongs here: what a breach is. A query gives the `_line` of each row that breaks its rule. Relations: `pkg.<file>`, the well-formed rows under the
standard's column names; `ids.<file>`, the ids that a file defines, malformed lines included, so that one bad line is not reported twice.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipelines.lineage.ledger import Severity
from pipelines.quality.expectations import ROOT, ExpectationError, read_yaml
from pipelines.sources import oneroster
from pipelines.sources.oneroster import Column
from pipelines.sources.shape import literal, quoted

RULES = ROOT / "conformance" / "oneroster.yml"
ROWS = "line_is_well_formed"
_BLANK_IN_BULK = ("status", "dateLastModified")
# Words of older versions: column -> word. They are read here, so they are a finding of their own.
_LEGACY_WORDS = {"status": "inactive", "scoreStatus": "late"}


class Rule(BaseModel):
    """One rule: `kinds` or `on` say for which columns `bad_when` is asked; without `bad_when` it is found by other means."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    severity: Severity
    place: str
    message: str
    remedy: str
    kinds: tuple[str, ...] = ()
    on: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()
    bad_when: str = ""


@dataclass(frozen=True)
class Breach:
    """What breaks a rule in one column of one file: a condition over its rows `r` (`where`), or a query for the lines (`sql`)."""

    rule: str
    file: str = ""
    column: str = ""
    where: str = ""
    sql: str = ""
    severity: Severity | None = None


def load_rules(path: Path = RULES) -> dict[str, Rule]:
    """The rules by id. Raises ExpectationError naming the file."""
    try:
        rules = [Rule.model_validate(r) for r in read_yaml(path)["rules"]]
    except (yaml.YAMLError, ValidationError, KeyError, TypeError) as e:
        raise ExpectationError(f"{path}: {e}") from e
    if len({r.id for r in rules}) < len(rules):
        raise ExpectationError(f"{path}: a rule id is used twice")
    return {r.id: r for r in rules}


def define_files(db: duckdb.DuckDBPyConnection, version: str, columns: Mapping[str, Mapping[str, str]], parquet: Mapping[str, Path]) -> None:
    """Create `pkg` and `ids` for every file of the version. `columns` gives, by file, the quoted raw name of each standard column that it has."""
    for schema in ("pkg", "ids"):
        db.execute(f"create schema {schema}")
    for file in oneroster.FILES:
        names = oneroster.header(file, version)
        if names is None:
            continue
        have = columns.get(file, {})
        cells = ", ".join(f"{have.get(n, 'cast(null as varchar)')} as {quoted(n)}" for n in names)
        raw = f"read_parquet({literal(str(parquet[file]))})" if file in parquet else "(select 0::bigint as _line, '' as _defect where false)"
        db.execute(f"create view pkg.{file} as select {cells}, _line from {raw} where _defect is null")
        db.execute(f"create view ids.{file} as select {have.get('sourcedId', 'cast(null as varchar)')} as id from {raw}")
        db.execute(f"create view pkg.{file}_lines as select _line, _defect from {raw}")


def breaches(rules: Mapping[str, Rule], version: str, modes: Mapping[str, str], columns: Mapping[str, Mapping[str, str]]) -> Iterator[Breach]:
    """Every query for the files of a package, given with their modes (bulk, delta, unknown) and, of those that could be read, the columns."""
    for file, mode in modes.items():
        if file not in columns:
            continue
        yield Breach(ROWS, file, sql=f"select _line from pkg.{file}_lines where _defect is not null")
        yield Breach("sourced_id_is_unique", file, "sourcedId", sql=f"""
            select r._line from pkg.{file} r join (select sourcedId, min(_line) as first from pkg.{file} where sourcedId <> '' group by 1 having count(*) > 1) d
            on r.sourcedId = d.sourcedId and r._line > d.first""")  # fmt: skip
        for column in oneroster.columns_of(file, version):
            if column.name not in columns[file]:
                continue
            for breach in (*_cells(rules, column), *_values(column, mode), *_words(column, version), *_references(column, mode, modes)):
                yield replace(breach, file=file, column=column.name)
            for rule in rules.values():
                if f"{file}.{column.name}" in rule.on and all(modes.get(f) == "bulk" for f in rule.whole):
                    yield Breach(rule.id, file, column.name, sql=_rows(column, _with_files(rule, column)))


def _rows(column: Column, condition: str) -> str:
    """The lines whose cell says something and meets the condition."""
    return f"select r._line from pkg.{column.file} r where {_says(column, condition)}"


def _says(column: Column, condition: str) -> str:
    return f"{_cell(column)} <> '' and ({condition})"


def _cell(column: Column) -> str:
    return f"r.{quoted(column.name)}"


def _with_files(rule: Rule, column: Column) -> str:
    begin = "startDate" if column.file == "academicSessions" else "beginDate"
    text = rule.bad_when.replace("{c}", _cell(column)).replace("{begin}", f"r.{quoted(begin)}")
    return re.sub(r"\{(\w+)\}", lambda m: f"pkg.{m[1]}" if m[1] in oneroster.FILES else m[0], text)


def _cells(rules: Mapping[str, Rule], column: Column) -> Iterator[Breach]:
    """What the type of a column asks of its cells."""
    for rule in rules.values():
        if column.kind in rule.kinds:
            yield Breach(rule.id, where=_says(column, rule.bad_when.replace("{c}", _cell(column))))


def _values(column: Column, mode: str) -> Iterator[Breach]:
    """What must be filled in, and what must not."""
    blank = f"coalesce({_cell(column)}, '') = ''"
    if column.name in _BLANK_IN_BULK and mode == "bulk":
        yield Breach("blank_in_bulk", where=f"not ({blank})")
    elif column.name in _BLANK_IN_BULK:
        yield Breach("required_in_delta", where=blank)
    elif column.required:
        living = "" if column.name == "sourcedId" else " and coalesce(lower(r.status), '') not in ('tobedeleted', 'inactive')"
        yield Breach("required_value", where=blank + (living if mode == "delta" else ""), severity="critical" if column.needed else "warning")


def _words(column: Column, version: str) -> Iterator[Breach]:
    """Words that are not in the column's vocabulary."""
    if not column.vocabulary:
        return
    words, is_extensible = oneroster.vocabulary(column.vocabulary, version)
    legacy = _LEGACY_WORDS.get(column.name, "")
    if legacy:
        yield Breach("legacy_word", where=_says(column, f"{_cell(column)} = {literal(legacy)}"))
    known = ", ".join(literal(w) for w in sorted({*words, legacy} - {""}))
    extended = " and not starts_with(x, 'ext:')" if is_extensible else ""
    listed = f"string_split({_cell(column)}, ',')" if column.kind == "list" else f"[{_cell(column)}]"
    condition = f"len(list_filter({listed}, lambda x: x not in ({known}){extended} and x <> '')) > 0"
    yield Breach("grade_is_known" if column.vocabulary == "grade" else "vocabulary", where=_says(column, condition))


def _references(column: Column, mode: str, modes: Mapping[str, str]) -> Iterator[Breach]:
    """Ids that the package does not define. Where it brings changes only, the receiver may hold what they name: nothing can be said."""
    target = modes.get(column.target, "absent")
    if not column.target or target in ("delta", "unknown") or (target == "absent" and mode == "delta"):
        return
    cell, well_formed = _cell(column), "regexp_full_match({}, '[0-9A-Za-z./@_-]{{1,255}}')"  # what is not is a finding of its own
    ids = f"select id from ids.{column.target} where id is not null"
    if column.kind == "guids":
        query = f"select distinct _line from (select r._line, unnest(string_split({cell}, ',')) as id from pkg.{column.file} r where {cell} <> '')"
        yield Breach("reference_is_in_the_package", sql=f"{query} where {well_formed.format('id')} and id not in ({ids})")
    else:
        yield Breach("reference_is_in_the_package", sql=_rows(column, f"{well_formed.format(cell)} and {cell} not in ({ids})"))


def count(db: duckdb.DuckDBPyConnection, some: Sequence[Breach], examples: int) -> list[tuple[Breach, int, list[int]]]:
    """How often each of these happens, and the first lines. What is a condition over one row is asked of a file in one pass."""
    found = []
    by_file: dict[str, list[Breach]] = defaultdict(list)
    for breach in some:
        if breach.where:
            by_file[breach.file].append(breach)
        else:
            (n, lines) = db.execute(f"select count(*), min(_line, {examples}) from ({breach.sql})").fetchall()[0]
            found.append((breach, n, lines or []))
    for file, here in by_file.items():
        asked = ", ".join(f"count(*) filter (where {b.where}), min(r._line, {examples}) filter (where {b.where})" for b in here)
        told = db.execute(f"select {asked} from pkg.{file} r").fetchall()[0]
        found += [(b, told[2 * i], told[2 * i + 1] or []) for i, b in enumerate(here)]
    return [f for f in found if f[1]]
