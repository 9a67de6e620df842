"""Windows of changes: whatever a server goes through, applying what was planned ends with its records."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from datetime import date

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipelines.intake.window import Pending, Versions, Window, pending_of, plan, still_holds

DAY = date(2025, 9, 1)


def test_the_plan_in_words() -> None:
    now = Versions(oldest=3, newest=90)
    assert plan(None, now) == Window(None, 90), "nothing has landed yet"
    assert plan(80, now) == Window(81, 90)
    assert plan(90, now) is None
    assert plan(91, now) == Window(None, 90), "its numbers went back"
    assert plan(2, now) == Window(None, 90), "it has forgotten some that we lack"
    assert plan(3, now) == Window(4, 90)
    assert plan(80, now, whole=True) == Window(None, 90)
    assert plan(80, None) == Window(None, None), "it keeps no versions"
    assert Window(81, 90).bounds == {"minChangeVersion": "81", "maxChangeVersion": "90"}
    assert Window(81, 90).steps == ("keyChanges", "upserts", "deletes")
    assert (Window(None, 90).bounds, Window(None, 90).steps) == ({}, ("full",))


def test_what_was_begun_is_kept_as_text() -> None:
    pending = Pending(Window(4, 90), DAY, 7, 500, 1, "offset:500:960", {"keyChanges": 0, "upserts": 3})
    assert pending_of(pending.as_text()) == pending
    assert pending_of("") is None


def test_when_what_was_begun_can_be_gone_on_with() -> None:
    begun = Pending(Window(11, 20), DAY, 1, 500)
    assert still_holds(begun, Versions(10, 25), 500)
    assert not still_holds(begun, Versions(11, 25), 500), "some of it is forgotten"
    assert not still_holds(begun, Versions(0, 19), 500), "restored from a backup"
    assert not still_holds(begun, None, 500)
    assert not still_holds(begun, Versions(10, 25), 100), "pages of another size do not fit together"
    assert still_holds(replace(begun, step=3), None, 100), "all of it was read"
    whole = Pending(Window(None, None), DAY, 1, 500)
    assert still_holds(whole, None, 500)
    assert not still_holds(whole, Versions(0, 5), 500)


@dataclass
class Model:
    """A server: records by id with the version of their last change, and a log of what was deleted."""

    rows: dict[int, tuple[int, int]] = field(default_factory=dict)  # id -> content, version
    gone: list[tuple[int, int]] = field(default_factory=list)  # id, version
    next_id: int = 0
    oldest: int = 0
    newest: int = 0
    shows_versions: bool = True

    @property
    def versions(self) -> Versions | None:
        return Versions(self.oldest, self.newest) if self.shows_versions else None

    def change(self, what: str, pick: int) -> None:
        ids = sorted(self.rows)
        self.newest += 1
        if what == "insert" or not ids:
            self.rows[self.next_id] = (self.newest, self.newest)
            self.next_id += 1
        elif what == "update":
            self.rows[ids[pick % len(ids)]] = (self.newest, self.newest)
        else:
            del self.rows[ids[pick % len(ids)]]
            self.gone.append((ids[pick % len(ids)], self.newest))

    @property
    def contents(self) -> dict[int, int]:
        return {i: content for i, (content, _) in self.rows.items()}


@dataclass
class Ours:
    """Our copy, brought up as `fetch` does it: a window at a time, and what was begun is finished first."""

    rows: dict[int, int] = field(default_factory=dict)
    saved: int | None = None
    pending: Pending | None = None
    read: dict[int, int] = field(default_factory=dict)  # of the unfinished window
    gone: set[int] = field(default_factory=set)

    def sync(self, server: Model, meanwhile: list[tuple[str, int]], breaks_off: bool) -> None:
        """`meanwhile` happens to the server in the middle of reading. A window that breaks off is gone on with by the next call."""
        versions = server.versions
        if self.pending and not still_holds(self.pending, versions, 1):
            self.pending = None
        if self.pending:
            self._finish(server)
        window = plan(self.saved, versions)
        if window is None:
            return
        self.pending, self.read, self.gone = Pending(window, DAY, 1, 1), {}, set()
        self._first_half(server)
        for what, pick in meanwhile:
            server.change(what, pick)
        if not breaks_off:
            self._finish(server)

    def _rows(self, server: Model, half: int) -> dict[int, int]:
        assert self.pending
        low, high = self.pending.window.low, self.pending.window.high
        inside = {i: c for i, (c, v) in server.rows.items() if low is None or (high is not None and low <= v <= high)}
        return {i: c for i, c in inside.items() if i % 2 == half}

    def _first_half(self, server: Model) -> None:
        self.read |= self._rows(server, 0)

    def _finish(self, server: Model) -> None:
        assert self.pending
        low, high = self.pending.window.low, self.pending.window.high
        self.read |= self._rows(server, 1)
        if low is None:
            self.rows = dict(self.read)
        else:
            self.rows |= self.read
            for i, v in server.gone:
                if high is not None and low <= v <= high:
                    self.rows.pop(i, None)
        self.saved, self.pending = high, None


CHANGES = st.tuples(st.sampled_from(["insert", "insert", "update", "delete"]), st.integers(0, 20))
EVENTS = st.one_of(
    st.tuples(st.just("change"), CHANGES),
    st.tuples(st.just("sync"), st.tuples(st.lists(CHANGES, max_size=4), st.booleans())),
    st.tuples(st.just("purge"), st.none()),
    st.tuples(st.just("backup"), st.none()),
    st.tuples(st.just("restore"), st.none()),
    st.tuples(st.just("versions"), st.booleans()),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(EVENTS, max_size=40))
@example([("change", ("insert", 0)), ("sync", ([], False)), ("change", ("delete", 0)), ("sync", ([], True)), ("purge", None)])
def test_any_sequence_of_server_states_ends_with_its_records(events: list[tuple[str, object]]) -> None:
    server, ours = Model(), Ours()
    backup = copy.deepcopy(server)
    for what, how in events:
        if what == "change":
            server.change(*how)  # type: ignore[misc]
        elif what == "sync":
            ours.sync(server, *how)  # type: ignore[misc]
        elif what == "purge":
            server.oldest, server.gone = server.newest, []
        elif what == "backup":
            backup = copy.deepcopy(server)
        elif what == "versions":
            server.shows_versions = bool(how)
        elif ours.saved is not None and backup.newest < ours.saved and backup.shows_versions:
            # seen only while its numbers are behind ours, as docs/operations.md says; ids are never given twice
            ids, server = server.next_id, copy.deepcopy(backup)
            server.next_id = ids
            ours.sync(server, [], breaks_off=False)
    ours.sync(server, [], breaks_off=False)
    ours.sync(server, [], breaks_off=False)
    assert ours.rows == server.contents
