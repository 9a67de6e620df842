"""The arrival gate: raw deliveries in; accepted rows in `held`, the rest in quarantine, wrong files stopped at the door.

Belongs here: the order of the steps. Rules are in `expectations/arrival`, finding bad rows in `judge.py`, merging in `hold.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, replace
from datetime import date

import duckdb

from pipelines.district import District
from pipelines.lineage.ledger import Check, Delivery, Ledger
from pipelines.quality import frozen, grades, gx, hold, judge, known
from pipelines.quality.build import build_path, open_build, write_fed_tables, write_night, write_settings
from pipelines.quality.drift import drift
from pipelines.quality.expectations import NOT_LOADED, NOTE, PACKAGE, Rule, Suite, failing_sql, load_suites
from pipelines.quality.stopped import is_by_rule, package_of, standing
from pipelines.sources import ALL_TABLES
from pipelines.sources.answers import items_by_survey

READABLE = "file_is_readable"


class AccountingError(Exception):
    """Rows in are not accepted + quarantined + superseded + duplicate: a fault of ours, and nothing may be published on it."""


@dataclass(frozen=True)
class ArrivalReport:
    """What the gate did: tonight's deliveries with their counts, and every rule's result."""

    as_of: date
    deliveries: tuple[Delivery, ...]
    checks: tuple[Check, ...]


def arrive(district: District, ledger: Ledger, run_id: str, until: date, progress: Callable[[str], None]) -> ArrivalReport:
    """Judge and merge every raw delivery dated up to `until`. Safe to repeat after a kill at any point.

    Raises AccountingError when rows are not all accounted for, GateError when an expectation cannot be evaluated.
    """
    sources = {s.id for s in district.sources}
    before = [d for d in standing(ledger) if d.source_id in sources]
    again = {d.delivery_id for d in before if is_by_rule(d)}  # what they lacked may have come
    unread = {(d.source_id, package_of(d)) for d in before if d.table_name and not is_by_rule(d)}
    candidates = [d for d in ledger.deliveries(status=("raw", "blocked")) if d.business_date <= until and d.source_id in sources]
    tonight = [d for d in candidates if d.status == "raw" or d.delivery_id in again]
    suites = load_suites("arrival")
    released = frozenset(r["delivery_id"] for r in ledger.rows("select delivery_id from releases where table_name = ''"))
    at_the_door = [d for d in ledger.deliveries(status=("blocked", "unreadable")) if d.run_id == run_id and d.delivery_id not in again]
    assert_accounted(at_the_door)
    checks = [_unreadable(run_id, d) for d in at_the_door]

    with open_build(district) as db:
        hold.ensure_tables(db, list(ALL_TABLES.values()))
        write_settings(db, district)
        grades.ensure_table(db)
        frozen.load(db, district)
        as_of = write_night(db, until)
        waiting = {t for t in ALL_TABLES if db.execute(f"select 1 from quarantine.{t} limit 1").fetchall()}
        names = sorted({d.table_name for d in tonight} | waiting)
        if not names:
            write_fed_tables(db, _accepted_tables(ledger, sources))
            ledger.put(*checks)
            return ArrivalReport(as_of, (), tuple(checks))
        counts, tonight = _load(db, district, ledger, tonight, names, suites, released, progress)

    tested = {t: suites[t].rules for t in names if t in suites and suites[t].rules}
    progress(f"checking {sum(len(r) for r in tested.values())} expectations on {len(tested)} tables")
    holds = gx.validate(build_path(district), district.data / "tmp", tested, progress)

    with open_build(district) as db:
        failures = _failures(db, tested)
        for (table, rule_id), good in holds.items():
            found = counts[table].get(rule_id, 0) + len(failures.get((table, rule_id), ()))
            if good != (found == 0):
                raise gx.GateError(f"{table}: Great Expectations and our own count disagree on {rule_id} ({found} found)")
        stopped = _stopped(tonight, tested, failures, released, unread)
        progress(f"merging {len(tonight) - len(stopped)} deliveries" + (f", {len(stopped)} stopped" if stopped else ""))
        db.execute("begin")
        try:
            _merge(db, names, run_id, stopped)
            tonight = _account(db, tonight, names, stopped)
            write_fed_tables(db, _accepted_tables(ledger, sources) | {d.table_name for d in tonight if d.status == "accepted"})
        except BaseException:  # an interruption too: a merge that is not accounted for never was
            db.execute("rollback")
            raise
        db.execute("commit")
    for table, rules in tested.items():
        checks += _results(run_id, table, rules, counts[table], failures)
    checks += [_package_check(run_id, d, stopped[d.delivery_id]) for d in tonight if stopped.get(d.delivery_id) == PACKAGE]
    ledger.put(*tonight, *checks)
    return ArrivalReport(as_of, tuple(tonight), tuple(checks))


def _accepted_tables(ledger: Ledger, sources: Set[str]) -> set[str]:
    """Tables of which a delivery of one of these sources was ever accepted."""
    rows = ledger.rows("select distinct source_id, table_name from deliveries where status = 'accepted'")
    return {r["table_name"] for r in rows if r["source_id"] in sources}


def _load(
    db: duckdb.DuckDBPyConnection,
    district: District,
    ledger: Ledger,
    tonight: Sequence[Delivery],
    names: Sequence[str],
    suites: dict[str, Suite],
    released: frozenset[str],
    progress: Callable[[str], None],
) -> tuple[dict[str, dict[str, int]], list[Delivery]]:
    """Load and judge every table; returns bad rows by table and rule, and the deliveries with their header warnings."""
    items = items_by_survey(district)
    judge.load_deliveries(db, tonight, released)
    let_through = ledger.rows("select delivery_id, table_name, row_key from releases where table_name <> ''")
    judge.load_releases(db, [(r["delivery_id"], r["table_name"], r["row_key"]) for r in let_through])
    noted = {d.delivery_id: d for d in tonight}
    for name in names:
        some = [d for d in tonight if d.table_name == name]
        progress(f"loading {name}: {len(some)} deliveries, {sum(d.n_rows for d in some):,} rows")
        found = judge.load_candidates(db, district, ALL_TABLES[name], items, some, district.data)
        for delivery_id, n in found.n_rows.items():
            noted[delivery_id] = replace(noted[delivery_id], n_rows=n)
        for delivery_id, columns in found.unknown.items():
            old = noted[delivery_id]
            # where required columns are missing the first line may be no header but somebody's row: its cells are not repeated
            which = f"{len(columns)} columns" if delivery_id in found.missing else ", ".join(columns)
            noted[delivery_id] = replace(old, warnings=_once(old.warnings, [f"column_not_read: {which}"]))
        for delivery_id, formats in found.dates.items():
            old = noted[delivery_id]
            noted[delivery_id] = replace(old, warnings=_once(old.warnings, [f"date_format: {c} read as {f}" for c, f in formats]))
        for delivery_id, words in found.left_out.items():
            old = noted[delivery_id]
            noted[delivery_id] = replace(old, warnings=_once(old.warnings, [f"left_out: {words}"]))
        for delivery_id, remarks in found.remarks.items():
            old = noted[delivery_id]
            noted[delivery_id] = replace(old, warnings=_once(old.warnings, remarks))
        for delivery_id, remedies in found.notes.items():
            old = noted[delivery_id]
            noted[delivery_id] = replace(old, warnings=_once(old.warnings, [f"{NOTE}{r}" for r in remedies]))
    for delivery_id, changes in drift(ledger, tonight, district.data).items():
        noted[delivery_id] = replace(noted[delivery_id], warnings=_once(noted[delivery_id].warnings, changes))
    _previous_rows(db, ledger)
    packages = {(d.source_id, package_of(d)) for d in tonight if package_of(d)}
    of_the_days = ledger.deliveries(on={d.business_date for d in tonight}) if packages else []
    judge.load_packages(db, [d for d in of_the_days if (d.source_id, package_of(d)) in packages])
    for name, table in ALL_TABLES.items():
        judge.present_view(db, table, name in names)
        judge.package_view(db, table, name in names)
    known.write_views(db)
    counts: dict[str, dict[str, int]] = {}
    for name in names:
        progress(f"judging {name}")
        counts[name] = judge.judge(db, ALL_TABLES[name], [r for r in suites[name].rules if r.kind == "row"] if name in suites else [])
    return counts, list(noted.values())


def _previous_rows(db: duckdb.DuckDBPyConnection, ledger: Ledger) -> None:
    """`previous_rows` of a bulk delivery: the most rows of the last accepted one and of tonight's earlier ones (null: nothing to compare with)."""
    last = ledger.rows("""select source_id, table_name, n_rows, max(precedence) as precedence from deliveries
                          where status = 'accepted' and mode = 'bulk' group by source_id, table_name""")
    db.execute("create or replace temp table last_bulk (source_id varchar, table_name varchar, n_rows bigint, precedence bigint)")
    if last:
        db.executemany("insert into last_bulk values (?, ?, ?, ?)", [[r["source_id"], r["table_name"], r["n_rows"], r["precedence"]] for r in last])
    db.execute("""create or replace table arrival.deliveries as
        with known as (
            select source_id, table_name, n_rows, precedence from last_bulk
            union all select source_id, table_name, n_rows, precedence from arrival.deliveries where mode = 'bulk' and not is_retried
        )
        select d.*, (select max(k.n_rows) from known k where k.source_id = d.source_id and k.table_name = d.table_name and k.precedence < d.precedence)
            as previous_rows
        from arrival.deliveries d""")


def _failures(db: duckdb.DuckDBPyConnection, tested: dict[str, tuple[Rule, ...]]) -> dict[tuple[str, str], list[tuple[str, str]]]:
    """For delivery and school rules: the (delivery, school) pairs that fail."""
    found = {}
    for table, rules in tested.items():
        for rule in rules:
            if rule.kind in ("delivery", "school") and (rows := db.execute(failing_sql(rule, table)).fetchall()):
                found[table, rule.id] = sorted((str(d), str(s)) for d, s in rows)
    return found


def _stopped(
    tonight: Sequence[Delivery],
    tested: dict[str, tuple[Rule, ...]],
    failures: dict[tuple[str, str], list[tuple[str, str]]],
    released: frozenset[str],
    unread: Set[tuple[str, str]],
) -> dict[str, str]:
    """Deliveries that may not be merged, with the first rule each breaks. A bulk package is one snapshot: one wrong file stops it whole.

    `unread` are packages (with their source) of which intake could not use a file.
    """
    stopped: dict[str, str] = {}
    for table, rules in tested.items():
        for rule in rules:
            if rule.kind == "delivery" and rule.severity == "critical":
                for delivery_id, _ in failures.get((table, rule.id), ()):
                    if delivery_id not in released or rule.id in NOT_LOADED:  # there is no row of it to let through
                        stopped.setdefault(delivery_id, rule.id)
    broken = unread | {(d.source_id, package_of(d)) for d in tonight if d.delivery_id in stopped}
    for d in tonight:
        if package_of(d) and d.mode == "bulk" and (d.source_id, package_of(d)) in broken and d.delivery_id not in released:
            stopped.setdefault(d.delivery_id, PACKAGE)
    return stopped


def _merge(db: duckdb.DuckDBPyConnection, names: Sequence[str], run_id: str, stopped: dict[str, str]) -> None:
    for delivery_id in stopped:
        db.execute("update arrival.deliveries set is_blocked = true where delivery_id = ?", [delivery_id])
    for name in names:
        if stopped:
            db.execute(f"update judged.{name} set _outcome = 'blocked' where _delivery_id in (select delivery_id from arrival.deliveries where is_blocked)")
        hold.merge(db, ALL_TABLES[name])
        grades.note(db, name)
        judge.keep_quarantine(db, ALL_TABLES[name], run_id)
    judge.note_unknown_days(db)


def assert_accounted(deliveries: Sequence[Delivery]) -> None:
    """Rows in = accepted + quarantined + superseded + duplicate, of each delivery. Raises AccountingError."""
    for d in deliveries:
        accounted = d.n_accepted + d.n_quarantined + d.n_superseded + d.n_duplicate
        if d.n_rows != accounted:
            raise AccountingError(f"{d.name}: {d.n_rows} rows in, {accounted} accounted for")


def _account(db: duckdb.DuckDBPyConnection, tonight: Sequence[Delivery], names: Sequence[str], stopped: dict[str, str]) -> list[Delivery]:
    """Each delivery with its counts. Raises AccountingError."""
    union = " union all ".join(
        f"select _delivery_id, _line, case when _outcome = 'blocked' then 'quarantined' else _outcome end as _outcome from judged.{n} where not _is_retried"
        for n in names
    )
    # A survey line is one row in and many answers: it counts once, by its worst answer.
    rows = db.execute(f"""
        with worst as (
            select _delivery_id, _line, min(case _outcome when 'quarantined' then 1 when 'accepted' then 2 when 'superseded' then 3 else 4 end) as outcome
            from ({union}) group by all)
        select _delivery_id, outcome, count(*) from worst group by all""").fetchall()
    by_delivery: dict[str, dict[int, int]] = {}
    for delivery_id, outcome, n in rows:
        by_delivery.setdefault(delivery_id, {})[outcome] = n
    accounted = []
    for d in tonight:
        n = by_delivery.get(d.delivery_id, {})
        if d.delivery_id in stopped:
            n = {1: d.n_rows}
        why = "" if d.delivery_id not in stopped else f"{stopped[d.delivery_id]}"
        counts = {"n_quarantined": n.get(1, 0), "n_accepted": n.get(2, 0), "n_superseded": n.get(3, 0), "n_duplicate": n.get(4, 0)}
        accounted.append(replace(d, status="blocked" if why else "accepted", why=why, **counts))
    assert_accounted(accounted)
    return accounted


def _results(run_id: str, table: str, rules: Sequence[Rule], counts: dict[str, int], failures: dict[tuple[str, str], list[tuple[str, str]]]) -> list[Check]:
    results = []
    for rule in rules:
        base = Check(run_id, "arrival", table, rule.id, rule.severity, True, 0, rule.message)
        if rule.kind == "row":
            n = counts.get(rule.id, 0)
            results.append(replace(base, passed=n == 0, n_unexpected=n))
        elif found := failures.get((table, rule.id)):
            results += [replace(base, passed=False, n_unexpected=1, delivery_id=d, school_id=s) for d, s in found]
        else:
            results.append(base)
    return results


def _unreadable(run_id: str, d: Delivery) -> Check:
    return Check(run_id, "arrival", d.table_name or d.source_id, READABLE, "critical", False, 1, d.why, delivery_id=d.delivery_id)


def _package_check(run_id: str, d: Delivery, rule_id: str) -> Check:
    message = "Another file of this package is wrong, and a bulk package is one snapshot."
    return Check(run_id, "arrival", d.table_name, rule_id, "critical", False, 1, message, delivery_id=d.delivery_id)


def _once(before: tuple[str, ...], more: Sequence[str]) -> tuple[str, ...]:
    """Warnings without repeats: a stopped file is looked at again each night."""
    return tuple(dict.fromkeys((*before, *more)))
