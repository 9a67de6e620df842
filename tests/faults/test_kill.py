"""A run killed at any moment leaves the one publication or the other, whole and readable; the next run completes and clears what was left."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from tests.districts import START, TestDistrict, make_district
from tests.faults.forks import Forks

KILLS = 20
LATE = 6  # of them aimed at the publication, which is the smaller part of a run
ROWS = 5  # so many times several runs of one district are killed in a row, and then one is let through
EVENING, NIGHT = START + timedelta(days=3), START + timedelta(days=4)
# What a run says of its progress when it enters a phase.
PHASES = {
    "start": "", "intake": "taking ", "arrival gate": "loading ", "held": "merging ", "models": "building ", "publication gate": "checking the staged marts",
    "warehouse": "publishing ",
}  # fmt: skip
RANK = {phase: n for n, phase in enumerate(PHASES)}
LAST = "models"  # in a row: after a kill there the next run builds every model anew, and takes longest to come to what follows

Seen = dict[str, tuple[int, str]]


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    server = Forks()
    yield server
    server.close()


def seen(district: TestDistrict) -> Seen:
    """What readers of both files see: every row of every mart, and how fresh and sound each slice is, counted and hashed by plain duckdb."""
    found: Seen = {}
    for file in (district.warehouse, district.warehouse.with_name("restricted.duckdb")):
        with duckdb.connect(str(file), read_only=True) as db:
            views = db.execute("select table_schema || '.' || table_name from information_schema.tables where table_schema like 'marts%' order by 1").fetchall()
            for view in (*(v for (v,) in views), "operations.slices"):
                rows = f"select sha256(r::varchar) as h from {view} r"
                found[f"{file.name}: {view}"] = db.execute(f"select count(*), sha256(coalesce(string_agg(h, '' order by h), '')) from ({rows})").fetchall()[0]
    return found


def begun(log: Path) -> list[tuple[str, float]]:
    """The phases that a run has entered so far, and when."""
    entered: dict[str, float] = {}
    for line in log.read_text().splitlines() if log.exists() else ():
        at, _, text = line.partition(" ")
        for phase, words in PHASES.items():
            if words and text.startswith(words):
                entered.setdefault(phase, float(at))
    return list(entered.items())


@dataclass(frozen=True)
class Undisturbed:
    """How a run goes that nobody kills: when each phase begins, in seconds, and how long the whole takes."""

    at: dict[str, float]
    whole: float

    def moment(self, share: float) -> tuple[str, float]:
        """A share of the whole as a phase and the seconds since it began: so that it is met on a busy machine, and by a run that has less to do."""
        t = share * self.whole
        phase = max((p for p, at in self.at.items() if at <= t), key=lambda p: self.at[p])
        return phase, t - self.at[phase]


def run_through(forks: Forks, district: TestDistrict, log: Path) -> None:
    status = forks.wait(forks.start(district.folder, NIGHT, log), 300)
    assert status == 0, log.read_text()


def kill(forks: Forks, district: TestDistrict, log: Path, moment: tuple[str, float], *, alone: bool) -> str:
    """Begin a run and end it by SIGKILL at the moment; gives the phase that it was in, "" when it was through before."""
    phase, after = moment
    pid = forks.start(district.folder, NIGHT, log)
    until = time.monotonic() + 300
    status = None
    while status is None and RANK[phase] > 0 and not any(RANK[p] >= RANK[phase] for p, _ in begun(log)):
        assert time.monotonic() < until, f"{phase} was never begun"
        status = forks.wait(pid, 0.01)
    status = forks.wait(pid, after) if status is None else status
    if status is not None:
        assert status == 0, log.read_text()
        return ""
    (os.kill if alone else os.killpg)(pid, signal.SIGKILL)  # alone: its dbt, if any, lives on for a moment, as it would
    status = forks.wait(pid, 60)
    entered = begun(log)
    return "" if status == 0 else entered[-1][0] if entered else "start"


def ask(file: Path, sql: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(file) as db:
        return db.execute(sql).fetchall()


def assert_complete(district: TestDistrict, expected: TestDistrict) -> None:
    """A run got through after kills: all is as if there had been none, and nothing is left of the killed."""
    assert seen(district) == seen(expected)
    assert district.hashes() == expected.hashes()
    data = district.folder / "data"
    assert ask(data / "ledger.sqlite", "select status from publications where status not in ('published', 'abandoned')") == []
    assert ask(data / "ledger.sqlite", "select count(*) > 0 from runs where status = 'running'") == [(0,)]
    assert ask(data / "dagster/history/runs.db", "select status from runs where status in ('STARTING', 'STARTED')") == []
    assert district.published("select count(*) from operations.publications where status = 'publishing'") == [(0,)]
    left = [p.name for p in (data / "warehouse").iterdir() if p.name.startswith((".build-", ".old-", ".link-"))]
    left += [p.name for p in (data / "warehouse/versions").iterdir() if not (p / "published").exists() and p != (data / "warehouse/current").resolve()]
    left += [p.name for p in data.rglob("*.tmp")]
    assert left == [], "leftovers of killed runs are cleared"


@pytest.mark.timeout(1500)
def test_twenty_kills_at_random_moments(forks: Forks, tmp_path: Path) -> None:
    evening = make_district(tmp_path / "evening", students=80, days=6, seed=5)
    assert forks.wait(forks.start(evening.folder, EVENING, tmp_path / "evening.log"), 300) == 0
    expected = evening.copy(tmp_path / "expected")
    began, log = time.time(), tmp_path / "expected.log"
    run_through(forks, expected, log)
    undisturbed = Undisturbed({"start": 0.0, **{p: at - began for p, at in begun(log)}}, time.time() - began)
    assert undisturbed.at.keys() == PHASES.keys()
    before, after = seen(evening), seen(expected)
    assert before.keys() == after.keys()
    assert all(before[view] != after[view] for view in before), "the night changes every mart, or what follows would prove nothing"

    rng = random.Random(20)
    from_gate = undisturbed.at["publication gate"] / undisturbed.whole
    shares = [(n + rng.random()) / (KILLS - LATE) for n in range(KILLS - LATE)]  # from the first moment to the last
    shares += [from_gate + (1 - from_gate) * (n + rng.random()) / LATE for n in range(LATE)]
    rng.shuffle(shares)
    moments = sorted((undisturbed.moment(s) for s in shares), key=lambda m: (m[0] == LAST, RANK[m[0]]))
    hit: Counter[str] = Counter()
    alone = n_through = n_runs = 0
    for row in (moments[n::ROWS] for n in range(ROWS)):
        disturbed: TestDistrict | None = None
        while row:
            n_runs += 1
            district = disturbed = disturbed or evening.copy(tmp_path / f"again-{n_runs}")
            is_alone = rng.random() < 0.5
            phase = kill(forks, district, tmp_path / f"{n_runs}.log", row[0], alone=is_alone)
            sees = seen(district)
            assert sees in (before, after), f"after {hit.total()} kills a reader sees neither the one publication nor the other ({phase})"
            if phase:
                hit[phase] += 1
                alone += is_alone
                row = row[1:]
            else:
                row[0] = (row[0][0], row[0][1] * 0.8)  # it was through before
            if not phase or not row or sees == after:
                if phase:
                    run_through(forks, district, tmp_path / f"{n_runs}-next.log")
                assert_complete(district, expected)
                n_through += 1
                disturbed = None  # on from the evening before: the next kill must have something to disturb
    where = ", ".join(f"{hit[p]} {p}" for p in PHASES if hit[p])
    print(f"{hit.total()} kills ({alone} of the process alone; {where}), 0 torn publications; {n_through} times the next run completed")
