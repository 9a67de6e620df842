"""Fetching an API's records into the landing folder, where intake then finds them like any file that was sent.

Belongs here: the order of things. What has landed is recorded after its files are lasting, and an unfinished window page by page, so that a kill at any
moment leaves either nothing or the rest to do. A resource that cannot be had stops no other. Windows are planned in `window.py`, pages read in
`paging.py`, files written in `landed.py`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from pipelines.api_settings import Api
from pipelines.district import District, Source
from pipelines.intake.edfi_api import AbsentError, ApiError, BadRequestError, Client, ForbiddenError, RefusedError, UnreachableError
from pipelines.intake.landed import Folder, TooManyWindowsError
from pipelines.intake.paging import DriftError, Reader, count_at_end
from pipelines.intake.scan import business_date, glob_pattern
from pipelines.intake.window import Pending, Step, Versions, Window, pending_of, plan, still_holds
from pipelines.lineage.ledger import FETCHED, Check, Ledger, Severity, Sync, SyncStatus, now
from pipelines.settings import SettingsError

_GIVE_UP_AFTER = 3  # resources in a row for which there was no answer at all
_LONGEST_PAUSE = 60.0  # seconds
_STEPS_OF_CHANGE: tuple[Step, ...] = ("keyChanges", "deletes")


@dataclass(frozen=True)
class Fetched:
    """What came of one resource. `how`: `whole`, `changes`, `nothing new`, or `not asked`; `why` says what stood in the way, or is "".

    `unavailable` (403, or 404 where district.toml names it) and `absent` (404, of the resources that are asked for by default) are not zero records.
    """

    source_id: str
    resource: str
    status: SyncStatus
    how: str = "not asked"
    n_records: int = 0
    why: str = ""


class _NoChangesError(Exception):
    """The server does not show this client what was deleted, or whose key changed."""


def api_sources(district: District) -> tuple[Source, ...]:
    return tuple(s for s in district.sources if s.api)


def fetch(
    district: District,
    ledger: Ledger,
    source: Source,
    day: date,
    progress: Callable[[str], None],
    *,
    whole: bool = False,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[Fetched, ...]:
    """Land what is new of every resource of `source` that is read, in files dated `day`; `whole` reads each from its beginning. Safe to repeat after a kill.

    What an API does wrong is in the results, never raised. Raises SettingsError where the source's path or date would not find the files, OSError.
    """
    api = source.api
    if api is None:
        raise SettingsError(f"source {source.id}: has no [sources.api] block")
    _check_names(source, day)
    syncs = {s.resource: s for s in ledger.syncs() if s.source_id == source.id}
    last = max((s.rundate for s in syncs.values() if s.rundate), default=None)
    if last and day < last:
        why = f"files of {last} have landed, and what the server holds now is not older; nothing is fetched for {day}"
        before = {r: syncs.get(r, Sync(source.id, r, status="fetched")) for r in source.fetched}
        return tuple(Fetched(source.id, r, s.status, why=s.why or why) for r, s in before.items())
    try:
        client = Client(api, district.credentials(source), sleep)
    except SettingsError as e:
        return tuple(_failed(ledger, _state(syncs, source, r), str(e)) for r in source.fetched)
    try:
        progress(f"entering {source.id}")
        versions = client.versions()
    except ApiError as e:
        client.close()
        return tuple(_failed(ledger, _state(syncs, source, r), str(e)) for r in source.fetched)
    reader = Reader(client, api)
    results: list[Fetched] = []
    stopped, n_unreachable = "", 0
    for resource in source.fetched:
        copy = _Copy(district, ledger, source, api, reader, versions, day, progress, sleep, _state(syncs, source, resource))
        if stopped:
            results.append(_failed(ledger, copy.sync, stopped))
            continue
        try:
            results.append(copy.bring_up(whole=whole))
            n_unreachable = 0
        except RefusedError as e:
            stopped = str(e)
            results.append(_failed(ledger, copy.sync, stopped))
        except UnreachableError as e:
            n_unreachable += 1
            results.append(_failed(ledger, copy.sync, str(e)))
            if n_unreachable >= _GIVE_UP_AFTER:
                stopped = f"not asked: {api.url} had given no answer for {n_unreachable} resources in a row"
        except (ForbiddenError, AbsentError) as e:
            results.append(_refused(ledger, copy.sync, api, e))
        except (ApiError, TooManyWindowsError) as e:
            results.append(_failed(ledger, copy.sync, str(e)))
    client.close()
    return tuple(results)


def checks(run_id: str, results: Sequence[Fetched]) -> list[Check]:
    """A check for each resource that was asked for: critical where it failed, a warning where the client may not read it."""
    weights: dict[SyncStatus, Severity] = {"fetched": "critical", "failed": "critical", "unavailable": "warning", "absent": "info"}
    return [
        Check(run_id, "arrival", f"{r.source_id}/{r.resource}", FETCHED, weights[r.status], r.status == "fetched", int(r.status != "fetched"), r.why)
        for r in results
    ]


def exit_status(results: Sequence[Fetched]) -> int:
    """0 all fetched, 1 something failed, 3 something is not available to this client."""
    found = {r.status for r in results}
    return 1 if "failed" in found else 3 if "unavailable" in found else 0


@dataclass
class _Copy:
    """Our copy of one resource, and what bringing it up to date needs. `sync` is always what the ledger holds."""

    district: District
    ledger: Ledger
    source: Source
    api: Api
    reader: Reader
    versions: Versions | None
    day: date
    progress: Callable[[str], None]
    sleep: Callable[[float], None]
    sync: Sync

    def bring_up(self, *, whole: bool) -> Fetched:
        """Finish a window that was begun, then read the one after it. Raises ApiError, TooManyWindowsError."""
        self.folder = Folder(self.district.landing / self.source.root, self.sync.resource)
        pending = pending_of(self.sync.pending)
        if pending and (whole or not still_holds(pending, self.versions, self.api.page_size)):
            pending = None
        if not pending:
            self.folder.clear()  # what a kill left after everything had landed
        n_records, how = 0, "nothing new"
        if pending:
            n_records, how = self._finish(pending)
        window = plan(self.sync.saved, self.versions, whole=whole)
        if window:
            more, how = self._finish(self._begin(window))
            n_records += more
        self._put(replace(self.sync, status="fetched", why="", asked_at=now()))
        return Fetched(self.source.id, self.sync.resource, "fetched", how, n_records)

    def _finish(self, pending: Pending) -> tuple[int, str]:
        """Read and land a window: how many records, and how."""
        try:
            pending = self._read(pending)
        except _NoChangesError as e:
            self.progress(f"{self.source.id}: {self.sync.resource} is read whole: {e}")
            pending = self._read(self._begin(Window(None, pending.window.high)))
        n_records = self.folder.land(pending)
        self._put(replace(self.sync, saved=pending.window.high, pending="", rundate=pending.rundate, landed_at=now()))
        self.folder.clear()
        return n_records, "whole" if pending.window.low is None else "changes"

    def _begin(self, window: Window) -> Pending:
        self.folder.clear()
        pending = Pending(window, self.day, self.folder.next_number(self.day), self.api.page_size)
        self._put(replace(self.sync, pending=pending.as_text()))
        return pending

    def _read(self, pending: Pending) -> Pending:
        """Read what a window still lacks. A step under which the resource drifts is read anew, as often as the settings say."""
        n_drifts = 0
        while not pending.is_read:
            step = pending.window.steps[pending.step]
            begun_at = pending.place
            try:
                pending = self._read_step(pending, step)
                continue
            except (ForbiddenError, AbsentError) as e:
                if step in _STEPS_OF_CHANGE:
                    raise _NoChangesError(str(e)) from None
                raise
            except (DriftError, BadRequestError) as e:
                if isinstance(e, BadRequestError) and not begun_at:
                    raise
                pending = self._note(replace(pending, place="", pages={**pending.pages, step: 0}))
                n_drifts += 1
                if n_drifts >= self.api.attempts:
                    raise
            self.sleep(min(_LONGEST_PAUSE, self.api.backoff_seconds * 2**n_drifts))
        return pending

    def _read_step(self, pending: Pending, step: Step) -> Pending:
        """Read a step to its end, and see that everything came. Raises DriftError, ApiError."""
        path = f"{self.sync.resource}/{step}" if step in _STEPS_OF_CHANGE else self.sync.resource
        if count_at_end(pending.place) is None:
            for records, place in self.reader.read(path, pending.window.bounds, pending.place, records=step not in _STEPS_OF_CHANGE):
                n_pages = pending.pages.get(step, 0) + bool(records)
                if records:
                    self.folder.keep(step, n_pages, records)
                    self.progress(f"fetching {self.source.id}: {path}, page {n_pages}")
                pending = self._note(replace(pending, place=place, pages={**pending.pages, step: n_pages}))
        there, came = count_at_end(pending.place) or 0, self.folder.n_records(step, pending.pages.get(step, 0))
        if came < there:
            raise DriftError(f"{path}: {came:,} records came of the {there:,} that the server counts; the next run asks again")
        return self._note(replace(pending, step=pending.step + 1, place=""))

    def _note(self, pending: Pending) -> Pending:
        self._put(replace(self.sync, pending=pending.as_text()))
        return pending

    def _put(self, sync: Sync) -> None:
        self.ledger.put(sync)
        self.sync = sync


def _check_names(source: Source, day: date) -> None:
    """That intake will find what is fetched, with its date."""
    for name in (f"{source.root}/{source.fetched[0]}/{part}/rundate={day}/00001.all.jsonl" for part in ("full", "incremental/upserts")):
        if not glob_pattern(source.path).match(name):
            raise SettingsError(f"source {source.id}: path {source.path!r} does not match {name}; write path = '{source.root}/**/*.jsonl'")
        if (found := business_date(source, name)) != (day, 1):
            why = f" ({found})" if isinstance(found, str) else ""
            raise SettingsError(f"source {source.id}: its date setting does not find date and order in {name}{why}; leave out date and business_date")


def _state(syncs: dict[str, Sync], source: Source, resource: str) -> Sync:
    return syncs.get(resource) or Sync(source.id, resource)


def _failed(ledger: Ledger, sync: Sync, why: str) -> Fetched:
    ledger.put(replace(sync, status="failed", why=why, asked_at=now()))
    return Fetched(sync.source_id, sync.resource, "failed", why=why)


def _refused(ledger: Ledger, sync: Sync, api: Api, error: ApiError) -> Fetched:
    """403 is not available. 404 too where the settings name the resource; else the server's data standard may lack it."""
    status: SyncStatus = "absent" if isinstance(error, AbsentError) and api.asks_for_defaults else "unavailable"
    ledger.put(replace(sync, status=status, why=str(error), asked_at=now()))
    return Fetched(sync.source_id, sync.resource, status, why=str(error))
