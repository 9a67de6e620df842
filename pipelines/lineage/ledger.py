"""The ledger: every run, delivery, check, verdict and publication of one district, in one SQLite file.

Belongs here: recording and reading those facts. What they mean is decided elsewhere. SQLite because each fact is a small row that must
survive a kill at any moment, and because a reader (`doctor`, the pages) may look while a run writes. Times are UTC, ISO 8601.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal

DeliveryStatus = Literal["raw", "accepted", "blocked", "unreadable"]
Severity = Literal["critical", "warning", "info"]
Verdict = Literal["pass", "warning", "held"]
UNREAD = "file_is_read"  # the check of landing files that no source reads; its subject is their folder
SyncStatus = Literal["fetched", "unavailable", "absent", "failed"]
SETTLED = "file_is_settled"  # the check of a file that was left for the next run; its subject is the file
FETCHED = "resource_is_fetched"  # the check of a resource of an API; its subject is source/resource


@dataclass(frozen=True)
class Delivery:
    """One file (or one file of a package) that was taken. `name` is the path below the landing folder, `package.zip!file.csv` inside one.

    `precedence` orders deliveries of one table: business date, then source order in the settings, then sequence.
    """

    delivery_id: str
    source_id: str
    table_name: str  # "" where the package could not be opened
    business_date: date
    name: str
    sequence: int
    precedence: int
    mode: Literal["bulk", "delta"]
    sha256: str
    n_bytes: int
    run_id: str
    first_seen_at: str
    raw_path: str = ""  # below the data folder; "" where nothing could be read
    n_rows: int = 0
    status: DeliveryStatus = "raw"
    why: str = ""
    warnings: tuple[str, ...] = ()
    n_accepted: int = 0
    n_quarantined: int = 0
    n_superseded: int = 0
    n_duplicate: int = 0


@dataclass(frozen=True)
class Check:
    """One expectation's result. `school_id` is set where the failure is local to a school. No value of any person is in `message`."""

    run_id: str
    gate: Literal["arrival", "dbt", "publication"]
    subject: str  # table or mart; a file where it is of no table yet
    check_id: str
    severity: Severity
    passed: bool
    n_unexpected: int
    message: str
    indicator_id: str = ""
    school_year: int = 0
    school_id: str = ""
    delivery_id: str = ""


@dataclass(frozen=True)
class SliceVerdict:
    """What happened to one slice in one publication. `school_id` is "" for the whole indicator."""

    publication_id: str
    mart: str
    indicator_id: str
    school_year: int
    school_id: str
    verdict: Verdict
    why: str
    visible_publication_id: str  # the publication whose rows are now seen
    data_as_of: date
    n_rows: int = 0
    content_hash: str = ""
    override_by: str = ""
    override_reason: str = ""


@dataclass(frozen=True)
class Publication:
    publication_id: str
    run_id: str
    created_at: str
    as_of: date
    status: Literal["publishing", "published", "abandoned"]
    content_hash: str  # before suppression, over all marts
    open_hash: str  # after suppression
    code_version: str
    settings_fingerprint: str


@dataclass(frozen=True)
class Release:
    """A person let something through: a stopped delivery, or one quarantined row (`table_name` and `row_key`)."""

    released_at: str
    delivery_id: str
    table_name: str
    row_key: str
    released_by: str
    reason: str


@dataclass(frozen=True)
class Run:
    run_id: str
    started_at: str
    business_date: date
    from_date: date | None = None
    finished_at: str = ""
    status: Literal["running", "published", "held", "failed", "interrupted"] = "running"
    message: str = ""


@dataclass(frozen=True)
class Tombstone:
    """What is left of something that had to be deleted: how many rows there were, and why they went."""

    store: str
    delivery_id: str
    deleted_at: str
    n_rows: int
    reason: str


@dataclass(frozen=True)
class SeenFile:
    """A landing file that intake has dealt with, so that a night need not read it again.

    `stamp` is its size and time of change ("" where it was too fresh to trust), `read_with` a hash of the settings that it was read with.
    """

    source_id: str
    name: str
    stamp: str
    read_with: str


@dataclass(frozen=True)
class Sync:
    """How far the copy of one resource of an API goes.

    `saved` is the change version up to which everything has landed (none: nothing has, or the server keeps no versions). `pending` is a window that
    was begun and not finished, as JSON; `rundate` the date of the last files. `status` and `why` say what came of the last attempt.
    """

    source_id: str
    resource: str
    saved: int | None = None
    pending: str = ""
    rundate: date | None = None
    status: SyncStatus = "failed"
    why: str = ""
    asked_at: str = ""
    landed_at: str = ""  # of the last window that landed whole; "" before the first


KEYS: dict[type, tuple[str, ...]] = {
    Run: ("run_id",),
    Delivery: ("delivery_id",),
    Check: ("run_id", "gate", "subject", "check_id", "indicator_id", "school_year", "school_id", "delivery_id"),
    SliceVerdict: ("publication_id", "mart", "indicator_id", "school_year", "school_id"),
    Publication: ("publication_id",),
    SeenFile: ("source_id", "name"),
    Release: ("delivery_id", "table_name", "row_key"),
    Tombstone: ("store", "delivery_id"),
    Sync: ("source_id", "resource"),
}
TABLES: dict[type, str] = {
    Run: "runs",
    Delivery: "deliveries",
    Check: "checks",
    SliceVerdict: "verdicts",
    Publication: "publications",
    SeenFile: "seen_files",
    Release: "releases",
    Tombstone: "tombstones",
    Sync: "syncs",
}
Record = Run | Delivery | Check | SliceVerdict | Publication | Release | SeenFile | Tombstone | Sync


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _store(value: Any) -> Any:
    if isinstance(value, tuple):
        return json.dumps(value)
    if isinstance(value, date):
        return value.isoformat()
    return int(value) if isinstance(value, bool) else value


@dataclass
class Ledger:
    """Open (and create) the ledger at `path`. Each `put` is one transaction."""

    path: Path
    _db: sqlite3.Connection = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("pragma journal_mode=wal")
        self._db.execute("pragma synchronous=full")
        for kind, table in TABLES.items():
            columns = ", ".join(f'"{f.name}"' for f in fields(kind))
            self._db.execute(f"create table if not exists {table} ({columns}, primary key ({', '.join(KEYS[kind])}))")

    def close(self) -> None:
        self._db.close()

    def put(self, *records: Record) -> None:
        """Write records, replacing those with the same key, all or none."""
        self._db.execute("begin immediate")
        try:
            for record in records:
                values = {f.name: _store(getattr(record, f.name)) for f in fields(record)}
                names = ", ".join(f'"{n}"' for n in values)
                marks = ", ".join("?" * len(values))
                self._db.execute(f"insert or replace into {TABLES[type(record)]} ({names}) values ({marks})", list(values.values()))
            self._db.execute("commit")
        except BaseException:  # an interruption too: no half of a record may stay
            if self._db.in_transaction:  # a full disk has SQLite roll back by itself
                self._db.execute("rollback")
            raise

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Run a query over runs, deliveries, checks, verdicts and publications."""
        return [dict(r) for r in self._db.execute(sql, parameters)]

    def deliveries(
        self, *, status: Iterable[DeliveryStatus] = ("raw", "accepted", "blocked", "unreadable"), on: Iterable[date] | None = None
    ) -> list[Delivery]:
        """Deliveries in order of precedence, then of first sight; `on` keeps those of some business dates."""
        wanted = list(status)
        days = [d.isoformat() for d in on or ()]
        among = "" if on is None else f" and business_date in ({', '.join('?' * len(days))})"
        sql = f"select * from deliveries where status in ({', '.join('?' * len(wanted))}){among} order by business_date, precedence, table_name, name"
        return [_delivery(r) for r in self.rows(sql, [*wanted, *days])]

    def publications(self) -> list[Publication]:
        """All publications, oldest first."""
        return [Publication(**{**r, "as_of": date.fromisoformat(r["as_of"])}) for r in self.rows("select * from publications order by publication_id")]

    def syncs(self) -> list[Sync]:
        """The state of every resource that was ever asked of an API."""
        rows = self.rows("select * from syncs order by source_id, resource")
        return [Sync(**{**r, "rundate": date.fromisoformat(r["rundate"]) if r["rundate"] else None}) for r in rows]

    def verdicts(self, publication_id: str) -> list[SliceVerdict]:
        rows = self.rows("select * from verdicts where publication_id = ? order by mart, indicator_id, school_year, school_id", [publication_id])
        return [SliceVerdict(**{**r, "data_as_of": date.fromisoformat(r["data_as_of"])}) for r in rows]


def _delivery(row: dict[str, Any]) -> Delivery:
    return Delivery(**{**row, "business_date": date.fromisoformat(row["business_date"]), "warnings": tuple(json.loads(row["warnings"]))})


def as_row(record: Record) -> dict[str, Any]:
    """A record as plain values, for the `operations` tables."""
    return {k: _store(v) for k, v in asdict(record).items()}
