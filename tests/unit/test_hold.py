"""The merge commutes: what is held depends on which deliveries were taken, not on their order, their grouping into nights, or repetition."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.quality import hold
from pipelines.sources.shape import Scope, Table, Withdrawal

DAY = date(2025, 9, 1)


@dataclass(frozen=True)
class File:
    """A delivery: its precedence (and day), mode, and for each key its value, "gone" for a deletion or "bad" for a quarantined row."""

    precedence: int
    mode: str
    rows: tuple[tuple[str, str], ...]

    @property
    def day(self) -> date:
        return DAY + timedelta(days=self.precedence)


def table(scope: Scope, withdrawal: Withdrawal) -> Table:
    return Table("t__x", ("k", "s", "v"), ("k",), ("k",), scope, "" if scope == "table" else "s", withdrawal)


def take(db: duckdb.DuckDBPyConnection, shape: Table, files: list[File]) -> None:
    """One night: the files judged and merged."""
    db.execute("create or replace table arrival.deliveries (delivery_id varchar, source_id varchar, table_name varchar, business_date date, mode varchar, "
               "precedence bigint, is_blocked boolean)")  # fmt: skip
    db.execute("create or replace table judged.t__x (k varchar, s varchar, v varchar, _is_deleted boolean, _delivery_id varchar, _line bigint, "
               "_precedence bigint, _business_date date, _mode varchar, _source_id varchar, _content ubigint, _outcome varchar)")  # fmt: skip
    for f in files:
        db.execute("insert into arrival.deliveries values (?, 'src', 't__x', ?, ?, ?, false)", [f"d{f.precedence}", f.day, f.mode, f.precedence])
        for line, (key, value) in enumerate(f.rows):
            outcome = "quarantined" if value == "bad" else "candidate"
            db.execute(
                "insert into judged.t__x values (?, 'one', ?, ?, ?, ?, ?, ?, ?, 'src', hash(?, ?), ?)",
                [key, value, value == "gone", f"d{f.precedence}", line, f.precedence, f.day, f.mode, key, value, outcome],
            )
    db.execute("begin")
    hold.merge(db, shape)
    db.execute("commit")


def held(nights: list[list[File]], shape: Table) -> list[tuple[object, ...]]:
    db = duckdb.connect()
    hold.ensure_tables(db, [shape])
    for night in nights:
        take(db, shape, night)
    return db.execute("select k, v, _withdrawn_on, _first_seen_on, _known_on, _is_marked from held.t__x where _is_open order by k").fetchall()


def oracle(files: list[File], *, ends: bool) -> list[tuple[str, str, date | None]]:
    """What is true of each key, from the set of files alone: the newest value; withdrawn by the newest deletion after it, or the first whole file after
    the last file that had the key at all.
    """
    known = []
    for key in sorted({k for f in files for k, _ in f.rows}):
        said = [(f.precedence, f.day, f.mode, dict(f.rows)[key]) for f in files if key in dict(f.rows)]
        values = [s for s in said if s[3] not in ("gone", "bad")]
        if not values:
            continue
        newest = max(values)
        deletions = [s for s in said if s[3] == "gone" and s[0] > newest[0]]
        seen = max(s[0] for s in said if s[3] != "bad" or s[2] == "bulk")
        lacking = [f.day for f in files if f.mode == "bulk" and f.precedence > seen and f.rows]
        gone = min([*([max(deletions)[1]] if deletions else []), *([min(lacking)] if lacking else [])], default=None)
        if gone is None or ends:
            known.append((key, newest[3], gone))
    return known


rows = st.dictionaries(st.sampled_from("abcd"), st.sampled_from(["1", "2", "gone", "bad"]), min_size=1, max_size=4).map(lambda d: tuple(d.items()))
bulk_rows = st.dictionaries(st.sampled_from("abcd"), st.sampled_from(["1", "2", "bad"]), min_size=1, max_size=4).map(lambda d: tuple(d.items()))
contents = st.one_of(st.tuples(st.just("delta"), rows), st.tuples(st.just("bulk"), bulk_rows))


@pytest.mark.parametrize(("scope", "withdrawal"), [("table", "erases"), ("table", "ends"), ("rows", "erases")])
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_order_grouping_and_repetition_do_not_matter(scope: Scope, withdrawal: Withdrawal, data: st.DataObject) -> None:
    shape = table(scope, withdrawal)
    files = [File(n, mode, some) for n, (mode, some) in enumerate(data.draw(st.lists(contents, min_size=2, max_size=5)), start=1)]
    in_one_go = held([files], shape)
    order = data.draw(st.permutations(files))
    one_by_one = held([[f] for f in order], shape)
    repeated = held([[f] for f in order] + [[order[0]], files], shape)
    assert one_by_one == in_one_go
    assert repeated == in_one_go
    assert [(k, v, w) for k, v, w, *_ in in_one_go] == oracle(files, ends=withdrawal == "ends")


def test_a_quarantined_row_keeps_its_key_and_its_last_good_version() -> None:
    shape = table("table", "erases")
    nights = [[File(1, "bulk", (("a", "1"), ("b", "1")))], [File(2, "bulk", (("a", "bad"), ("b", "2")))]]
    assert [(k, v, marked) for k, v, _, _, _, marked in held(nights, shape)] == [("a", "1", True), ("b", "2", False)]


def test_a_row_set_aside_and_then_deleted_is_not_marked_by_what_comes_late() -> None:
    shape = table("table", "ends")
    files = [File(1, "bulk", (("b", "bad"),)), File(2, "delta", (("b", "1"),)), File(3, "delta", (("b", "gone"),))]
    assert held([[files[0]], [files[2]], [files[1]]], shape) == held([files], shape)
    assert [marked for *_, marked in held([files], shape)] == [False]


def test_a_blocked_file_withdraws_nothing() -> None:
    shape = table("table", "erases")
    db = duckdb.connect()
    hold.ensure_tables(db, [shape])
    take(db, shape, [File(1, "bulk", (("a", "1"), ("b", "1")))])
    db.execute("update arrival.deliveries set is_blocked = true, delivery_id = 'd2', precedence = 2")
    db.execute("update judged.t__x set _outcome = 'blocked', _precedence = 2, _delivery_id = 'd2', v = '9', _content = hash('9')")
    hold.merge(db, shape)
    assert db.execute("select k, v from held.t__x where _is_open order by k").fetchall() == [("a", "1"), ("b", "1")]
