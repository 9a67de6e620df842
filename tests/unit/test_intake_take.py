from __future__ import annotations

import os
import tempfile
import time
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.intake import take as take_module
from pipelines.intake.write import write_raw
from pipelines.lineage.ledger import Delivery
from tests.landing import ATTENDANCE, HEADER, ONEROSTER, ORGS, Desk, manifest, zipped

NAME = "attendance/a_2025-08-18.csv"


def test_a_delivery_says_all_that_the_ledger_needs(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.put(NAME, HEADER + "s1,k1,2025-08-18,P\n")
    d = desk.one()
    assert d.raw_path == f"raw/extract__attendance/2025-08-18/{d.delivery_id}.parquet"
    assert (d.table_name, d.sequence, d.n_rows, d.status, d.mode, d.n_bytes) == ("extract__attendance", 1, 1, "raw", "bulk", 43)
    assert d.precedence == (date(2025, 8, 18) - date(1970, 1, 1)).days * 100_000_000 + 1
    (row,) = desk.raw(d)
    assert (row["student"], row["_file"], row["_line"], row["_delivery_id"]) == ("s1", NAME, 2, d.delivery_id)
    assert desk.ledger.deliveries() == [d]
    assert desk.said == [f"taking {NAME}"]
    assert not (tmp_path / "data" / "tmp" / "intake").exists()


def test_the_same_name_with_other_bytes_is_a_new_delivery_and_back_again_another(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    a, b = HEADER + "s1,k1,2025-08-18,P\n", HEADER + "s1,k1,2025-08-18,A\n"
    taken: list[Delivery] = []
    for content in (a, a, b, b, a):
        desk.put(NAME, content)
        taken += desk.take().taken
    assert [d.sequence for d in taken] == [1, 2, 3]
    assert taken[0].sha256 == taken[2].sha256 != taken[1].sha256
    assert len({d.delivery_id for d in taken}) == 3
    assert [desk.raw(d)[0]["code"] for d in taken] == ["P", "A", "P"]


def test_the_same_bytes_under_another_date_or_name_are_deliveries(tmp_path: Path) -> None:
    """A file that says "nobody was absent" is the same every day."""
    desk = Desk(tmp_path)
    for name in (NAME, "attendance/a_2025-08-19.csv", "attendance/b_2025-08-18.csv"):
        desk.put(name, HEADER)
    assert [(d.name, d.sequence, d.n_rows) for d in desk.take().taken] == [
        (NAME, 1, 0),
        ("attendance/b_2025-08-18.csv", 2, 0),
        ("attendance/a_2025-08-19.csv", 1, 0),
    ]


def test_a_declared_sequence_holds_whatever_comes_first(tmp_path: Path) -> None:
    source = ATTENDANCE | {"date": r"(?P<date>\d{4}-\d{2}-\d{2})_(?P<sequence>\d+)"}
    desk = Desk(tmp_path, [source])
    desk.put("attendance/2025-08-18_2.csv", HEADER)
    second = desk.one()
    desk.put("attendance/2025-08-18_1.csv", HEADER)
    first = desk.one()
    assert first.precedence < second.precedence
    desk.put("attendance/2025-08-18_1.csv", HEADER + "s1,k1,2025-08-18,P\n")
    assert desk.one().sequence == 3


def test_only_files_up_to_the_night_are_taken(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    for day in (18, 19, 20):
        desk.put(f"attendance/{2025}-08-{day}.csv", HEADER)
    assert [d.business_date.day for d in desk.take(date(2025, 8, 19)).taken] == [18, 19]
    assert [d.business_date.day for d in desk.take(date(2025, 8, 20)).taken] == [20]


def test_a_later_source_wins_over_an_earlier_one(tmp_path: Path) -> None:
    desk = Desk(tmp_path, [ATTENDANCE, ATTENDANCE | {"id": "corrections", "path": "corrections/*", "mode": "delta"}])
    desk.put("corrections/2025-08-18.csv", HEADER)
    desk.put(NAME, HEADER)
    assert [(d.source_id, d.mode) for d in desk.take().taken] == [("attendance", "bulk"), ("corrections", "delta")]


def test_old_files_are_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(tmp_path)
    path = desk.put(NAME, HEADER)
    hour_ago = time.time() - 3600
    os.utime(path, (hour_ago, hour_ago))
    assert len(desk.take().taken) == 1
    monkeypatch.setattr(take_module, "examine", None)
    assert desk.take().taken == ()
    os.utime(path, (hour_ago + 1, hour_ago + 1))
    with pytest.raises(TypeError):
        desk.take()


def test_a_file_that_changes_while_it_is_read_waits_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(tmp_path)
    path = desk.put(NAME, HEADER + "s1,k1,2025-08-18,P\n")

    def while_it_grows(*args: object) -> object:
        with path.open("a") as f:
            f.write("s2,k1,2025-08-18,P\n")
        return write_raw(*args)  # type: ignore[arg-type]  # the arguments are passed on as they came

    monkeypatch.setattr(take_module, "write_raw", while_it_grows)
    report = desk.take()
    assert report.taken == ()
    assert [w.name for w in report.waiting] == [NAME]
    assert not (tmp_path / "data" / "raw").exists()
    monkeypatch.undo()
    assert desk.one().n_rows == 2


def test_what_a_killed_run_left_is_cleared(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    left = tmp_path / "data" / "tmp" / "intake" / "package" / "0.csv"
    left.parent.mkdir(parents=True)
    left.write_text("x")
    desk.take()
    assert not left.exists()


def test_a_kill_before_the_record_does_the_same_work_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(tmp_path)
    desk.put(NAME, HEADER + "s1,k1,2025-08-18,P\n")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(take_module, "_record", killed)
        with pytest.raises(KeyboardInterrupt):
            desk.take()
    (orphan,) = (tmp_path / "data" / "raw").rglob("*.parquet")
    d = desk.one()
    assert tmp_path / "data" / d.raw_path == orphan


def test_a_blocked_file_is_read_again_when_its_settings_change(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    path = desk.put(NAME, (HEADER + "s1,k1,2025-08-18,\xe9\n").encode("cp1252"))
    os.utime(path, (time.time() - 60,) * 2)
    blocked = desk.one()
    assert (blocked.status, blocked.raw_path) == ("blocked", "")
    assert desk.take().taken == ()
    desk.sources = [ATTENDANCE | {"encoding": "cp1252"}]
    d = desk.one()
    assert (d.delivery_id, d.status, d.n_rows, d.why) == (blocked.delivery_id, "raw", 1, "")
    assert desk.take().taken == ()
    desk.ledger.put(replace(d, status="accepted"))
    desk.sources = [ATTENDANCE]
    assert desk.take().taken == ()


def test_the_landing_folder_is_not_written_to(tmp_path: Path) -> None:
    desk = Desk(tmp_path, [ATTENDANCE, ONEROSTER])
    desk.put(NAME, HEADER)
    desk.put("oneroster/2025-08-18/p.zip", zipped({"manifest.csv": manifest(orgs="bulk"), "orgs.csv": ORGS}))
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "landing").rglob("*")}
    desk.take()
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "landing").rglob("*")} == before


def test_a_redacted_column_that_is_gone_is_said(tmp_path: Path) -> None:
    desk = Desk(tmp_path, [ATTENDANCE | {"redact": ["Password", "code"]}])
    desk.put(NAME, HEADER)
    assert desk.one().warnings == (
        "redacted: code not kept",
        "redact_absent: no column 'Password' to redact; see that it was not renamed",
    )


FILES = st.fixed_dictionaries({f"attendance/{kind}_2025-08-{day}.csv": st.integers(0, 2) for day in (18, 19) for kind in "ab"})


@settings(max_examples=10, deadline=None)
@given(versions=st.lists(FILES, min_size=1, max_size=3), nights=st.integers(1, 2))
def test_nothing_is_taken_twice(versions: list[dict[str, int]], nights: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder))
        changes = 0
        now: dict[str, int] = {}
        for version in versions:
            for name, n in version.items():
                desk.put(name, HEADER + f"s{n},k1,2025-08-18,P\n")
            changes += sum(now.get(name) != n for name, n in version.items())
            now = version
            for _ in range(nights):
                desk.take()
        deliveries = desk.ledger.deliveries()
        assert len(deliveries) == changes
        assert len({(d.business_date, d.sequence) for d in deliveries}) == changes
        assert all(a.precedence < b.precedence for a, b in pairwise(deliveries))


@settings(max_examples=10, deadline=None)
@given(st.permutations([f"{kind}/x_2025-08-{day}.csv" for day in (18, 19) for kind in ("attendance", "corrections")]), st.integers(1, 4))
def test_the_order_in_which_independent_files_come_changes_nothing(order: list[str], at_once: int) -> None:
    sources = [ATTENDANCE, ATTENDANCE | {"id": "corrections", "path": "corrections/*", "mode": "delta"}]
    with tempfile.TemporaryDirectory() as together, tempfile.TemporaryDirectory() as apart:
        one, other = Desk(Path(together), sources), Desk(Path(apart), sources)
        for name in sorted(order):
            one.put(name, HEADER)
        one.take()
        for start in range(0, len(order), at_once):
            for name in order[start : start + at_once]:
                other.put(name, HEADER)
            other.take()
        assert [(d.delivery_id, d.precedence) for d in one.ledger.deliveries()] == [(d.delivery_id, d.precedence) for d in other.ledger.deliveries()]
