"""Taking a night's files: landing -> raw Parquet and a delivery in the ledger for each.

A file is a new delivery when its bytes differ from the latest delivery of the same source, table, date and name. Its raw file is made lasting
first and the delivery recorded after, so that a kill at any moment leaves either nothing or the same work to do again.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Literal, cast

import pyarrow as pa

from pipelines.district import District, Source
from pipelines.intake import free_text
from pipelines.intake.examine import Examined, examine
from pipelines.intake.excel import WorkbookError, examine_workbook, open_workbook, sheet_names
from pipelines.intake.package import Part, parts_of
from pipelines.intake.remarks import alike, not_redacted, still_there
from pipelines.intake.room import check_room, ran_full
from pipelines.intake.scan import MAX_SEQUENCE, SENT_AGAIN, Found, Look, Waiting, find, look, odd_files, settled
from pipelines.intake.secret import ssn_columns
from pipelines.intake.shield import Shield, shield_of
from pipelines.intake.unpack import Unreadable
from pipelines.intake.write import Written, settle, write_raw
from pipelines.lineage.ledger import Delivery, DeliveryStatus, Ledger, SeenFile, now
from pipelines.sources import format_of, oneroster
from pipelines.sources.answers import items_by_survey
from pipelines.sources.shape import Items
from pipelines.survey_settings import PSEUDONYM_KEY

_EPOCH = date(1970, 1, 1)
_UNPACKED = 10  # times the size of a zip that its files are thought to need on disk
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
    until: date
    earlier: dict[tuple[str, str, date], list[Delivery]]  # by source, table and business date
    items: Items
    again: frozenset[tuple[str, str]]  # source and name of survey files to be read anew, as the settings say something else of the survey now


def take(district: District, ledger: Ledger, run_id: str, until: date, progress: Callable[[str], None]) -> IntakeReport:
    """Take every landing file up to the business date `until` that is new or has changed.

    A bad file becomes a delivery that is blocked or unreadable and says why; it stops nothing else, and neither does what may not be opened at
    all, which waits. Raises SettingsError where the landing folder or a source's table does not exist, NoRoom where the disk of the data folder
    is too full for the next file (those before it stay taken), OSError where the data folder cannot be written.
    """
    scratch = district.data / "tmp" / "intake"
    shutil.rmtree(scratch, ignore_errors=True)  # what a killed run left
    free_text.expire(district, ledger, until)
    found, unmatched = find(district, until)
    items = items_by_survey(district)
    fresh, looks, waiting, again = _fresh(found, ledger, district, items)
    waiting += odd_files(district)
    steady = settled(fresh, looks, district.intake.settle_seconds)
    waiting += [Waiting(f.name, _CHANGED) for f in fresh if f not in steady]
    night = _Night(district, ledger, run_id, scratch, until, _earlier(ledger, {f.business_date for f in steady}), items, frozenset(again))
    fresh.sort(key=lambda f: (f.business_date, _last_sequence(night, f)))
    taken: list[Delivery] = []
    try:
        for f in fresh:
            if f in steady:
                progress(f"taking {f.name}")
                try:
                    _take(night, f, looks[f], taken)
                except _Changed:
                    waiting.append(Waiting(f.name, _CHANGED))
                except (ValueError, ArithmeticError, LookupError, pa.ArrowException) as e:
                    # a file that reading did not foresee stops nothing but itself; what its cells say is not repeated
                    why = f"{f.name}: cannot be read ({type(e).__name__}); look at the file, ask for it to be sent again, and report this: it was not foreseen"
                    if refused := _refuse(night, f, why):
                        taken.append(refused)
                except sqlite3.Error as e:
                    raise (ran_full(e, district.data, f.name) or e) from e
                except OSError as e:
                    if full := ran_full(e, district.data, f.name):
                        raise full from e
                    if e.filename is None or not Path(e.filename).is_relative_to(district.landing):
                        raise
                    waiting.append(Waiting(f.name, f"it cannot be read ({e.strerror}); see that it is there and that this account may read it"))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    taken.sort(key=lambda d: (d.precedence, d.table_name, d.name))
    return IntakeReport(tuple(taken), tuple(waiting), tuple(unmatched))


def unread_files(unmatched: Iterable[str]) -> list[tuple[str, str, int]]:
    """Files that nothing reads, as a line for each folder and reason: the folder, an example with its reason, and how many there are."""
    groups: dict[tuple[str, str], list[str]] = {}
    for text in unmatched:
        name, _, why = text.partition(": ")
        groups.setdefault((name.rpartition("/")[0] or ".", re.sub(r"\d+", "#", why)), []).append(text)
    return [(folder, some[0], len(some)) for (folder, _), some in sorted(groups.items())]


def _last_sequence(night: _Night, found: Found) -> int:
    """Where a file that is read anew stood among those of its date, so that reading it anew does not put it after a later one. New files come last."""
    if (found.source.id, found.name) not in night.again:
        return MAX_SEQUENCE
    tables = {t.name for t in found.tables}
    same = [d for (s, t, _), some in night.earlier.items() if s == found.source.id and t in tables for d in some if d.name == found.name]
    return max((d.sequence for d in same), default=0)


def _fresh(
    found: Iterable[Found], ledger: Ledger, district: District, items: Items
) -> tuple[list[Found], dict[Found, Look], list[Waiting], set[tuple[str, str]]]:
    """Files whose size or time of change is not as remembered, or that could not be read and whose settings have changed since.

    What of a survey file goes to raw hangs on the settings, so it is read anew whenever they say something else of it; those come last, by name.
    """
    seen = {(r["source_id"], r["name"]): (r["stamp"], r["read_with"]) for r in ledger.rows("select * from seen_files")}
    failed = ledger.rows("select source_id, name from deliveries where status in ('blocked', 'unreadable') and raw_path = ''")
    retry = {(r["source_id"], r["name"].partition("!")[0]) for r in failed}
    retry |= {(s, n.rpartition("/")[0] + "/manifest.csv") for s, n in retry}
    fresh, looks, waiting, again = [], {}, [], set()
    for f in found:
        try:
            looks[f] = look(f)
        except OSError as e:
            waiting.append(Waiting(f.name, f"it cannot be looked at ({e.strerror})"))
            continue
        stamp, read_with = seen.get((f.source.id, f.name), ("", ""))
        is_survey = f.source.survey is not None
        changed_settings = ((f.source.id, f.name) in retry or is_survey) and read_with not in ("", _read_with(district, f.source, items))
        if changed_settings and is_survey:
            again.add((f.source.id, f.name))
        if stamp != looks[f].stamp or changed_settings:
            fresh.append(f)
    return fresh, looks, waiting, again


def _read_with(district: District, source: Source, items: Items) -> str:
    """A hash of the settings that decide how a source's files are read."""
    settings = source.model_dump_json() + district.intake.model_dump_json()
    if source.survey:
        settings += repr((items.get(source.survey.survey_id), district.survey_text is None, _no_key(district, source)))
    return hashlib.sha256(settings.encode()).hexdigest()[:16]


def _earlier(ledger: Ledger, days: set[date]) -> dict[tuple[str, str, date], list[Delivery]]:
    """Deliveries of these business dates, in the order in which they came."""
    out: dict[tuple[str, str, date], list[Delivery]] = {}
    for d in sorted(ledger.deliveries(on=days), key=lambda d: d.sequence):
        out.setdefault((d.source_id, d.table_name, d.business_date), []).append(d)
    return out


def _take(night: _Night, found: Found, first: Look, taken: list[Delivery]) -> None:
    """Take one file or package and add its deliveries to `taken`. Raises _Changed."""
    night.scratch.mkdir(parents=True, exist_ok=True)
    if not found.tables and not found.is_folder:
        _check_room(night, found.name, first.n_bytes * _UNPACKED)
    unpacked = night.scratch / "package"
    shutil.rmtree(unpacked, ignore_errors=True)
    unpacked.mkdir()
    try:
        if found.tables and found.source.file_type == "excel" and format_of(found.source).sheet_for and not found.source.table:
            parts = _sheets_of(night, found)
        elif found.tables:
            partial, mode = format_of(found.source).partial, found.kind.mode or found.source.mode
            parts = [Part(found.name, found.path, t, "delta" if t.name in partial else mode, "", "") for t in found.tables]
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
    night.ledger.put(SeenFile(found.source.id, found.name, first.remembered(time.time()), _read_with(night.district, found.source, night.items)))


def _sheets_of(night: _Night, found: Found) -> list[Part]:
    """A part for each table that has a sheet in the workbook. Raises Unreadable."""
    source, find_sheet = found.source, format_of(found.source).sheet_for
    examined = examine_workbook(found.path, found.name, night.district.intake, f"file_type of source {source.id} in district.toml")
    if examined.why or find_sheet is None:
        raise Unreadable(examined.why)
    try:
        with open_workbook(found.path) as book:
            names = sheet_names(book)
    except WorkbookError as e:
        raise Unreadable(f"{found.name}: {e}") from e
    there = {table.name: sheet for table in found.tables if (sheet := find_sheet(table, names))}
    if not there:
        raise Unreadable(f"{found.name}: none of its sheets is one of {', '.join(t.name.partition('__')[2] for t in found.tables)}; name them so")
    other = [n for n in names if n not in there.values()]
    said = (f"sheet_not_read: {', '.join(other)}",) if other else ()
    return [Part(found.name, found.path, t, source.mode, "", "", said, sheet=there[t.name]) for t in found.tables if t.name in there]


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
    source = found.source.model_copy(update={"sheet": part.sheet}) if part.sheet else found.source
    if part.path is None:
        examined = Examined("", 0, "", why=part.why)
    elif source.file_type == "excel":
        examined = examine_workbook(part.path, part.name, night.district.intake, f"file_type of source {source.id} in district.toml")
    else:
        place, is_json = f"encoding of source {source.id} in district.toml", source.file_type == "json"
        examined = examine(part.path, part.name, source.encoding, place, night.district.intake, is_json=is_json)
    _unchanged(found, first)
    mode = cast(Literal["bulk", "delta"], part.mode)
    delivery, known = _identity(night, found, part.table.name, part.name, mode, examined)
    why = part.why or examined.why or _no_key(night.district, source)
    if known and (known.raw_path or known.status in ("raw", "accepted") or known.why == why):
        return None
    said = (*part.warnings, *alike(_before(night, delivery), delivery), *examined.warnings)
    delivery = replace(delivery, warnings=said)
    if why or part.path is None:
        return _record(night, replace(delivery, status="blocked", why=why))
    _check_room(night, part.name, examined.n_bytes)
    temporary = night.scratch / f"{delivery.delivery_id}.parquet.tmp"
    shield = shield_of(night.district, source, night.items, is_first=part.table == found.tables[0]) if found.tables else None
    written = _write(part.path, temporary, delivery, source, examined, shield)
    _unchanged(found, first)
    if known and not written.columns and known.why == written.why:
        return None
    warnings = (*said, *written.warnings)
    if part.file:
        warnings += oneroster.header_warnings(part.file, part.version, written.header)
    else:
        warnings += not_redacted(source, written.header)
    if shield and source.survey:
        warnings += still_there(night.district.data, _before(night, delivery), delivery, written.columns, shield.hashed)
    status: DeliveryStatus = "blocked" if written.why else "raw"
    raw_path = ""
    if written.columns or not written.why:
        raw_path = f"raw/{delivery.table_name}/{delivery.business_date}/{delivery.delivery_id}.parquet"
        settle(temporary, night.district.data / raw_path)
        if shield and source.survey:
            free_text.keep(night.district, night.ledger, delivery, source.survey, shield.texts, night.until)
    n_quarantined = written.n_rows if written.why else 0  # stopped whole
    return _record(
        night,
        replace(delivery, raw_path=raw_path, n_rows=written.n_rows, n_quarantined=n_quarantined, status=status, why=written.why, warnings=warnings),
    )


def _identity(night: _Night, found: Found, table: str, name: str, mode: Literal["bulk", "delta"], examined: Examined) -> tuple[Delivery, Delivery | None]:
    """The delivery that these bytes are, and the latest one of the same name where it holds the same bytes.

    The declared sequence is kept unless a delivery of the same name has had it; what is sent again comes after everything before it (where kinds of
    file have an order within a date: after what has its place).
    """
    source_id, day = found.source.id, found.business_date
    earlier = night.earlier.get((source_id, table, day), [])
    same_name = [d for d in earlier if d.name == name]
    is_again = (source_id, found.name) in night.again and bool(same_name and same_name[-1].raw_path)
    if same_name and (same_name[-1].sha256, same_name[-1].mode) == (examined.sha256, mode) and not is_again:
        return replace(same_name[-1], run_id=night.run_id), same_name[-1]
    sequence = found.declared
    is_ordered = found.kind.order is not None  # pages of one read share their place
    if same_name and is_ordered and same_name[-1].sequence % SENT_AGAIN:
        sequence = same_name[-1].sequence + 1  # in its kind's place still
    elif sequence is None or same_name or (not is_ordered and any(d.sequence == sequence for d in earlier)):
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


def _before(night: _Night, delivery: Delivery) -> list[Delivery]:
    return night.earlier.get((delivery.source_id, delivery.table_name, delivery.business_date), [])


def _record(night: _Night, delivery: Delivery) -> Delivery:
    night.ledger.put(delivery)
    known = night.earlier.setdefault((delivery.source_id, delivery.table_name, delivery.business_date), [])
    known[:] = sorted([d for d in known if d.delivery_id != delivery.delivery_id] + [delivery], key=lambda d: d.sequence)
    return delivery


def _no_key(district: District, source: Source) -> str:
    """Why a source's files cannot be taken for want of the key that pseudonyms are made with; "" where they can."""
    if source.survey is None or source.survey.respondent != "pseudonymous" or district.pseudonym_key:
        return ""
    return f"source {source.id}: its wave is pseudonymous and {PSEUDONYM_KEY} is not set in the environment (16 characters or more); set it and run again"


def _check_room(night: _Night, name: str, needed: int) -> None:
    check_room(night.district.data, needed, night.district.intake.min_free_bytes, name)


def _write(path: Path, temporary: Path, delivery: Delivery, source: Source, examined: Examined, shield: Shield | None) -> Written:
    """Write the raw file; once more without the columns that turn out to hold social security numbers."""

    def write(redacted: tuple[str, ...]) -> Written:
        return write_raw(path, temporary, delivery.name, delivery.delivery_id, source, examined, redacted, shield)

    written = write(_redacted(source))
    stays = {k.strip().lower() for k in source.keep}
    numbers = tuple(c for c in ssn_columns(temporary, written.columns) if c.strip().lower() not in stays) if written.columns else ()
    if not numbers:
        return written
    said = tuple(
        f"secret: column {c!r} is not kept, as its values look like social security numbers; name it in keep of source {source.id} if they are none"
        for c in numbers
    )
    written = write((*_redacted(source), *numbers))
    return replace(written, warnings=(*written.warnings, *said))


def _redacted(source: Source) -> tuple[str, ...]:
    return (*source.redact, *format_of(source).redacted)
