"""Taking a night's files: landing -> raw Parquet and a delivery in the ledger for each.

A file is a new delivery when its bytes differ from the latest delivery of the same source, table, date and name. Its raw file is made lasting
first and the delivery recorded after, so that a kill at any moment leaves either nothing or the same work to do again.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Literal, cast

from pipelines.district import District, Source
from pipelines.intake.examine import Examined, examine
from pipelines.intake.package import Part, parts_of
from pipelines.intake.scan import MAX_SEQUENCE, SENT_AGAIN, Found, Look, Waiting, find, look, settled
from pipelines.intake.unpack import Unreadable
from pipelines.intake.write import settle, write_raw
from pipelines.lineage.ledger import Delivery, DeliveryStatus, Ledger, SeenFile, now
from pipelines.sources import format_of, oneroster

_EPOCH = date(1970, 1, 1)
_CHANGED = "it changed while it was looked at, as a file does that is still being written; it is taken with the next run"


@dataclass(frozen=True)
class IntakeReport:
    """`taken` in order of precedence, those that cannot be used included; `waiting` for the next run; `unmatched` in words."""

    taken: tuple[Delivery, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    unmatched: tuple[str, ...] = ()


class _Changed(Exception):
    """The file changed while it was being read."""


@dataclass
class _Night:
    """What taking one file needs to know."""

    district: District
    ledger: Ledger
    run_id: str
    scratch: Path
    earlier: dict[tuple[str, str, date], list[Delivery]]  # by source, table and business date


def take(district: District, ledger: Ledger, run_id: str, until: date, progress: Callable[[str], None]) -> IntakeReport:
    """Take every landing file up to the business date `until` that is new or has changed.

    A bad file becomes a delivery that is blocked or unreadable and says why; it stops nothing else. Raises SettingsError where the landing
    folder or a source's table does not exist, OSError where the data folder cannot be written.
    """
    scratch = district.data / "tmp" / "intake"
    shutil.rmtree(scratch, ignore_errors=True)  # what a killed run left
    found, unmatched = find(district, until)
    fresh, looks, waiting = _fresh(found, ledger, district)
    steady = settled(fresh, looks, district.intake.settle_seconds)
    waiting += [Waiting(f.name, _CHANGED) for f in fresh if f not in steady]
    night = _Night(district, ledger, run_id, scratch, _earlier(ledger, {f.business_date for f in steady}))
    taken: list[Delivery] = []
    try:
        for f in fresh:
            if f in steady:
                progress(f"taking {f.name}")
                try:
                    _take(night, f, looks[f], taken)
                except _Changed:
                    waiting.append(Waiting(f.name, _CHANGED))
                except OSError as e:
                    if e.filename is None or not Path(e.filename).is_relative_to(district.landing):
                        raise
                    waiting.append(Waiting(f.name, f"it cannot be read ({e.strerror}); see that it is there and that this account may read it"))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    taken.sort(key=lambda d: (d.precedence, d.table_name, d.name))
    return IntakeReport(tuple(taken), tuple(waiting), tuple(unmatched))


def _fresh(found: Iterable[Found], ledger: Ledger, district: District) -> tuple[list[Found], dict[Found, Look], list[Waiting]]:
    """Files whose size or time of change is not as remembered, or that could not be read and whose settings have changed since."""
    seen = {(r["source_id"], r["name"]): (r["stamp"], r["read_with"]) for r in ledger.rows("select * from seen_files")}
    failed = ledger.rows("select source_id, name from deliveries where status in ('blocked', 'unreadable') and raw_path = ''")
    retry = {(r["source_id"], r["name"].partition("!")[0]) for r in failed}
    retry |= {(s, n.rpartition("/")[0] + "/manifest.csv") for s, n in retry}
    fresh, looks, waiting = [], {}, []
    for f in found:
        try:
            looks[f] = look(f)
        except OSError as e:
            waiting.append(Waiting(f.name, f"it cannot be looked at ({e.strerror})"))
            continue
        stamp, read_with = seen.get((f.source.id, f.name), ("", ""))
        changed_settings = (f.source.id, f.name) in retry and read_with != _read_with(district, f.source)
        if stamp != looks[f].stamp or changed_settings:
            fresh.append(f)
    return fresh, looks, waiting


def _read_with(district: District, source: Source) -> str:
    """A hash of the settings that decide how a source's files are read."""
    return hashlib.sha256((source.model_dump_json() + district.intake.model_dump_json()).encode()).hexdigest()[:16]


def _earlier(ledger: Ledger, days: set[date]) -> dict[tuple[str, str, date], list[Delivery]]:
    """Deliveries of these business dates, in the order in which they came."""
    out: dict[tuple[str, str, date], list[Delivery]] = {}
    for d in sorted(ledger.deliveries(on=days), key=lambda d: d.sequence):
        out.setdefault((d.source_id, d.table_name, d.business_date), []).append(d)
    return out


def _take(night: _Night, found: Found, first: Look, taken: list[Delivery]) -> None:
    """Take one file or package and add its deliveries to `taken`. Raises _Changed."""
    night.scratch.mkdir(parents=True, exist_ok=True)
    unpacked = night.scratch / "package"
    shutil.rmtree(unpacked, ignore_errors=True)
    unpacked.mkdir()
    try:
        if found.tables:
            parts = [Part(found.name, found.path, table, found.kind.mode or found.source.mode, "", "") for table in found.tables]
        else:
            parts = parts_of(found, unpacked, night.district.intake)
        _unchanged(found, first)
    except Unreadable as e:
        _unchanged(found, first)
        parts = []
        if refused := _refuse(night, found, str(e)):
            taken.append(refused)
    for part in parts:
        delivery = _deliver(night, found, part, first)
        if delivery is not None:
            taken.append(delivery)
    shutil.rmtree(unpacked, ignore_errors=True)
    night.ledger.put(SeenFile(found.source.id, found.name, first.remembered(time.time()), _read_with(night.district, found.source)))


def _unchanged(found: Found, first: Look) -> None:
    """Raise _Changed unless the file is as it was first seen."""
    try:
        if look(found) != first:
            raise _Changed
    except FileNotFoundError as e:
        raise _Changed from e


def _refuse(night: _Night, found: Found, why: str) -> Delivery | None:
    """The delivery of a package that could not be opened; None where that is known of these very bytes."""
    digest = hashlib.sha256()
    with found.path.open("rb") as f:
        while chunk := f.read(1 << 20):
            digest.update(chunk)
    examined = Examined(digest.hexdigest(), found.path.stat().st_size, "", why=why)
    delivery, known = _identity(night, found, "", found.name, found.source.mode, examined)
    refused = replace(delivery, status="unreadable", why=why)
    return None if known and known.why == why else _record(night, refused)


def _deliver(night: _Night, found: Found, part: Part, first: Look) -> Delivery | None:
    """Write one data file to raw and record it; None where its latest delivery has the same bytes."""
    source = found.source
    if part.path is None:
        examined = Examined("", 0, "", why=part.why)
    else:
        place = f"encoding of source {source.id} in district.toml"
        examined = examine(part.path, part.name, source.encoding, place, may_be_blank=source.file_type == "json")
    _unchanged(found, first)
    mode = cast(Literal["bulk", "delta"], part.mode)
    delivery, known = _identity(night, found, part.table.name, part.name, mode, examined)
    why = part.why or examined.why
    if known and (known.raw_path or known.status in ("raw", "accepted") or known.why == why):
        return None
    delivery = replace(delivery, warnings=part.warnings)
    if why or part.path is None:
        return _record(night, replace(delivery, status="blocked", why=why))
    temporary = night.scratch / f"{delivery.delivery_id}.parquet.tmp"
    written = write_raw(part.path, temporary, part.name, delivery.delivery_id, source, examined, _redacted(source))
    _unchanged(found, first)
    warnings = (*part.warnings, *written.warnings)
    if part.file:
        warnings += oneroster.header_warnings(part.file, part.version, written.header)
    else:
        warnings += _not_redacted(source, written.header)
    status: DeliveryStatus = "blocked" if written.why else "raw"
    raw_path = ""
    if written.columns or not written.why:
        raw_path = f"raw/{delivery.table_name}/{delivery.business_date}/{delivery.delivery_id}.parquet"
        settle(temporary, night.district.data / raw_path)
    return _record(night, replace(delivery, raw_path=raw_path, n_rows=written.n_rows, status=status, why=written.why, warnings=warnings))


def _identity(night: _Night, found: Found, table: str, name: str, mode: Literal["bulk", "delta"], examined: Examined) -> tuple[Delivery, Delivery | None]:
    """The delivery that these bytes are, and the latest one of the same name where it holds the same bytes.

    The declared sequence is kept unless a delivery of the same name has had it; what is sent again comes after everything before it (where kinds of
    file have an order within a date: after what has its place).
    """
    source_id, day = found.source.id, found.business_date
    earlier = night.earlier.get((source_id, table, day), [])
    same_name = [d for d in earlier if d.name == name]
    if same_name and (same_name[-1].sha256, same_name[-1].mode) == (examined.sha256, mode):
        return replace(same_name[-1], run_id=night.run_id), same_name[-1]
    sequence = found.declared
    if same_name and found.kind.order is not None and same_name[-1].sequence % SENT_AGAIN:
        sequence = same_name[-1].sequence + 1  # in its kind's place still
    elif sequence is None or same_name:
        sequence = 1 + max((d.sequence for d in earlier), default=0)
    identity = f"{source_id}|{table}|{day}|{name}|{sequence}"
    rank = night.district.source_rank(source_id)
    return Delivery(
        delivery_id=hashlib.sha256(identity.encode()).hexdigest()[:16],
        source_id=source_id,
        table_name=table,
        business_date=day,
        name=name,
        sequence=sequence,
        precedence=(day - _EPOCH).days * 100_000_000 + rank * 100_000 + min(sequence, MAX_SEQUENCE),
        mode=mode,
        sha256=examined.sha256,
        n_bytes=examined.n_bytes,
        run_id=night.run_id,
        first_seen_at=now(),
    ), None


def _record(night: _Night, delivery: Delivery) -> Delivery:
    night.ledger.put(delivery)
    known = night.earlier.setdefault((delivery.source_id, delivery.table_name, delivery.business_date), [])
    known[:] = sorted([d for d in known if d.delivery_id != delivery.delivery_id] + [delivery], key=lambda d: d.sequence)
    return delivery


def _redacted(source: Source) -> tuple[str, ...]:
    return (*source.redact, *format_of(source).redacted)


def _not_redacted(source: Source, header: Iterable[str]) -> tuple[str, ...]:
    """A column that the settings redact and that the file does not have may have been renamed: its content would now be kept."""
    present = [h.strip().lower() for h in header]
    gone = [r for r in source.redact if not any(p == r.strip().lower() or p.startswith(r.strip().lower() + ".") for p in present)]
    return tuple(f"redact_absent: no column {r!r} to redact; see that it was not renamed" for r in gone)
