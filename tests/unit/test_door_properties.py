"""Whatever order files come in, however they are grouped into nights, sent again or renamed: what is recorded depends on the files alone."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.landing import ATTENDANCE, HEADER, Desk

# Precedence is declared: each file's path says its date and its place in that date.
DECLARED: dict[str, Any] = ATTENDANCE | {"date": r"(?P<date>\d{4}-\d{2}-\d{2})_(?P<sequence>\d+)"}
CORRECTIONS: dict[str, Any] = DECLARED | {"id": "corrections", "path": "corrections/*", "mode": "delta"}
SOURCES = [DECLARED, CORRECTIONS]


@contextmanager
def district(sources: Sequence[dict[str, Any]] = SOURCES) -> Iterator[Desk]:
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder), list(sources))
        yield desk
        desk.ledger.close()


def content(n: int) -> str:
    return HEADER + "".join(f"s{i},k1,2025-08-18,P\n" for i in range(n))


def recorded(desk: Desk) -> set[tuple[str, str, int, str, int, str]]:
    return {(d.name, d.delivery_id, d.precedence, d.sha256, d.n_rows, d.status) for d in desk.ledger.deliveries()}


_FOLDERS = st.sampled_from(["attendance", "corrections"])
_NAMES = st.builds(lambda f, day, n: f"{f}/2025-08-{day}_{n}.csv", _FOLDERS, st.integers(18, 20), st.integers(1, 4))
_FILES = st.dictionaries(_NAMES, st.integers(0, 3), min_size=1, max_size=6)


@settings(max_examples=15, deadline=None)
@given(files=_FILES, data=st.data())
def test_order_grouping_and_repeats_change_nothing_where_precedence_is_declared(files: Mapping[str, int], data: st.DataObject) -> None:
    order = data.draw(st.permutations(sorted(files)), label="order")
    repeats = data.draw(st.lists(st.sampled_from(order), max_size=4), label="sent again unchanged")
    sent = data.draw(st.permutations([*order, *repeats]), label="as they come")
    ends = data.draw(st.sets(st.integers(1, len(sent))), label="nights end after")
    with district() as at_once, district() as bit_by_bit:
        for name in sorted(files):
            at_once.put(name, content(files[name]))
        at_once.take()
        n_taken = 0
        for number, name in enumerate(sent, start=1):
            bit_by_bit.put(name, content(files[name]))
            if number in ends or number == len(sent):
                n_taken += len(bit_by_bit.take().taken)
        assert recorded(bit_by_bit) == recorded(at_once)
        assert n_taken == len(files), "something was taken twice"


@settings(max_examples=15, deadline=None)
@given(files=_FILES, data=st.data())
def test_a_renamed_copy_adds_its_own_delivery_and_touches_no_other(files: Mapping[str, int], data: st.DataObject) -> None:
    """A copy under a name of its own place in the date. Whichever comes first, the pair is known to be the same, and said once."""
    original = data.draw(st.sampled_from(sorted(files)), label="original")
    folder, _, rest = original.partition("/")
    copy = f"{folder}/{rest.partition('_')[0]}_9.csv"
    with district() as plain, district() as copied:
        for name, n in files.items():
            plain.put(name, content(n))
        plain.take()
        names = data.draw(st.permutations([*files, copy]), label="order")
        one_by_one = data.draw(st.booleans(), label="a night each")
        for name in names:
            copied.put(name, content(files[original] if name == copy else files[name]))
            if one_by_one:
                copied.take()
        copied.take()
        assert {r for r in recorded(copied) if r[0] != copy} == recorded(plain)
        both = [d for d in copied.ledger.deliveries() if d.name in (original, copy)]
        assert len(both) == 2
        said = {(d.name, w.removeprefix("same_bytes_as: ")) for d in both for w in d.warnings if w.startswith("same_bytes_as: ")}
        assert len(said & {(original, copy), (copy, original)}) == 1


_STEPS = st.lists(st.tuples(st.sampled_from(["a", "b"]), st.integers(0, 2)), min_size=1, max_size=6)


@settings(max_examples=20, deadline=None)
@given(steps=_STEPS)
def test_seen_again_unchanged_never_taken_changed_always(steps: list[tuple[str, int]]) -> None:
    """The oracle is the content that each name had when it was last taken."""
    with district([ATTENDANCE]) as desk:
        last: dict[str, int] = {}
        for kind, n in steps:
            name = f"attendance/{kind}_2025-08-18.csv"
            desk.put(name, content(n))
            taken = desk.take().taken
            assert [d.name for d in taken] == ([] if last.get(name) == n else [name])
            assert [d.n_rows for d in taken] == ([] if last.get(name) == n else [n])
            assert desk.take().taken == ()
            last[name] = n
        deliveries = desk.ledger.deliveries()
        assert len({d.delivery_id for d in deliveries}) == len(deliveries)
        newest = {d.name: d.n_rows for d in sorted(deliveries, key=lambda d: d.precedence)}
        assert newest == last
