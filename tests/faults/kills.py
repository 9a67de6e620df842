"""Runs that are killed, and what is to be seen and found after them, on either warehouse: read with plain drivers."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import time
import tomllib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import psycopg

from tests.districts import TestDistrict
from tests.faults.forks import Forks
from tests.postgres import Server

# What a run says of its progress when it enters a phase.
PHASES = {
    "start": "", "intake": "taking ", "arrival gate": "loading ", "held": "merging ", "models": "building ", "publication gate": "checking the staged marts",
    "warehouse": "publishing ",
}  # fmt: skip
RANK = {phase: n for n, phase in enumerate(PHASES)}
LAST = "models"  # in a row: after a kill there the next run builds every model anew, and takes longest to come to what follows
VIEWS = "select table_schema || '.' || table_name from information_schema.tables where table_schema like 'marts%' order by 1"

Seen = dict[str, tuple[int, str]]


class Place(ABC):
    """Where districts publish to."""

    @abstractmethod
    def copy(self, district: TestDistrict, to: Path) -> TestDistrict:
        """A district like it, with a warehouse of its own that is like its."""

    @abstractmethod
    def seen(self, district: TestDistrict) -> Seen:
        """What readers see: every row of every mart, and how fresh and sound each slice is, counted and hashed."""

    @abstractmethod
    def ask(self, district: TestDistrict, sql: str) -> list[tuple[Any, ...]]:
        """Ask the open marts and `operations`."""

    @abstractmethod
    def left(self, district: TestDistrict) -> list[str]:
        """What of the warehouse belongs to no publication and takes space."""


# Lists that may have nobody on them in a small district without an index in its second week, of which no week is old enough to be kept.
EMPTY_HERE = ("rpt_index", "rpt_pace_exceptions", "rpt_priority_students", "agg_indicator_values_kept")


class Files(Place):
    def copy(self, district: TestDistrict, to: Path) -> TestDistrict:
        return district.copy(to)

    def seen(self, district: TestDistrict) -> Seen:
        found: Seen = {}
        for file in (district.warehouse, district.warehouse.with_name("restricted.duckdb")):
            with duckdb.connect(str(file), read_only=True) as db:
                for view in (*(v for (v,) in db.execute(VIEWS).fetchall()), "operations.slices"):
                    rows = f"select sha256(r::varchar) as h from {view} r"
                    found[f"{file.name}: {view}"] = db.execute(f"select count(*), sha256(coalesce(string_agg(h, '' order by h), '')) from ({rows})").fetchall()[
                        0
                    ]
        return found

    def ask(self, district: TestDistrict, sql: str) -> list[tuple[Any, ...]]:
        return district.published(sql)

    def left(self, district: TestDistrict) -> list[str]:
        data = district.folder / "data"
        found = [p.name for p in (data / "warehouse").iterdir() if p.name.startswith((".build-", ".old-", ".link-"))]
        return found + [
            p.name for p in (data / "warehouse/versions").iterdir() if not (p / "published").exists() and p != (data / "warehouse/current").resolve()
        ]


@dataclass(frozen=True)
class Databases(Place):
    """A database a district on a PostgreSQL server; its address is in the district's settings."""

    server: Server

    def settle(self, district: TestDistrict) -> TestDistrict:
        """Give a district that has published nothing a database."""
        with (district.folder / "district.toml").open("a", encoding="utf-8") as f:
            f.write(f'\n[warehouse]\nurl = "{self.server.create_database()}"\n')
        return district

    def copy(self, district: TestDistrict, to: Path) -> TestDistrict:
        copy, old = district.copy(to), self._url(district)
        settings = copy.folder / "district.toml"
        settings.write_text(settings.read_text(encoding="utf-8").replace(old, self.server.create_database(like=old)), encoding="utf-8")
        return copy

    def seen(self, district: TestDistrict) -> Seen:
        with psycopg.connect(self._url(district)) as db:
            db.execute("set transaction isolation level repeatable read")
            found: Seen = {}
            for view in (*(str(v) for (v,) in db.execute(VIEWS).fetchall()), "operations.slices"):
                rows = f"select encode(sha256(convert_to(r::text, 'UTF8')), 'hex') as h from {view} r"
                (found[view],) = db.execute(
                    f"select count(*), encode(sha256(convert_to(coalesce(string_agg(h, '' order by h), ''), 'UTF8')), 'hex') from ({rows}) x"
                )
        return found

    def ask(self, district: TestDistrict, sql: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self._url(district)) as db:
            return db.execute(sql).fetchall()

    def left(self, district: TestDistrict) -> list[str]:
        """Tables of staged parts, and relations with rows of a version that is no publication's."""
        with psycopg.connect(self._url(district)) as db:
            tables = (
                "select c.relname from pg_class c where c.relnamespace = 'throughline_store'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition"
            )
            names = [str(n) for (n,) in db.execute(tables)]
            holders = [n for n in names if not n.startswith("_")]
            assert {"agg_indicator_values", "fct_student_indicators", "operations__slices"} <= set(holders)
            kept = "select version from throughline_store._contents where relation = %s"
            stray = [n for n in holders if db.execute(f'select 1 from throughline_store."{n}" where version not in ({kept}) limit 1', [n]).fetchall()]
        return stray + [n for n in names if n.startswith("_parts__")]

    def _url(self, district: TestDistrict) -> str:
        return str(tomllib.loads((district.folder / "district.toml").read_text(encoding="utf-8"))["warehouse"]["url"])


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


@dataclass(frozen=True)
class Night:
    """One night of a district, which is run as it is, and killed at any moment in copies."""

    forks: Forks
    place: Place
    day: date
    say: Callable[[str], None]

    def run_through(self, district: TestDistrict, log: Path) -> None:
        status = self.forks.wait(self.forks.start(district.folder, self.day, log), 300)
        assert status == 0, log.read_text()

    def kill(self, district: TestDistrict, log: Path, moment: tuple[str, float], *, alone: bool) -> str:
        """Begin a run and end it by SIGKILL at the moment; gives the phase that it was in, "" when it was through before."""
        phase, after = moment
        pid = self.forks.start(district.folder, self.day, log)
        until = time.monotonic() + 300
        status = None
        while status is None and RANK[phase] > 0 and not any(RANK[p] >= RANK[phase] for p, _ in begun(log)):
            assert time.monotonic() < until, f"{phase} was never begun"
            status = self.forks.wait(pid, 0.01)
        status = self.forks.wait(pid, after) if status is None else status
        if status is not None:
            assert status == 0, log.read_text()
            return ""
        (os.kill if alone else os.killpg)(pid, signal.SIGKILL)  # alone: its dbt, if any, lives on for a moment, as it would
        status = self.forks.wait(pid, 60)
        entered = begun(log)
        return "" if status == 0 else entered[-1][0] if entered else "start"

    def assert_complete(self, district: TestDistrict, expected: TestDistrict) -> None:
        """A run got through after kills: all is as if there had been none, and nothing is left of the killed."""
        assert self.place.seen(district) == self.place.seen(expected)
        assert district.hashes() == expected.hashes()
        data = district.folder / "data"
        assert _ask(data / "ledger.sqlite", "select status from publications where status not in ('published', 'abandoned')") == []
        assert _ask(data / "ledger.sqlite", "select count(*) > 0 from runs where status = 'running'") == [(0,)]
        assert _ask(data / "dagster/history/runs.db", "select status from runs where status in ('STARTING', 'STARTED')") == []
        assert self.place.ask(district, "select count(*) from operations.publications where status = 'publishing'") == [(0,)]
        assert self.place.left(district) + [p.name for p in data.rglob("*.tmp")] == [], "leftovers of killed runs are cleared"

    def disturb(self, evening: TestDistrict, folder: Path, *, kills: int, late: int, late_from: str, rows: int, seed: int) -> Counter[str]:
        """Kill runs of copies of a district at random moments: `kills`, of them `late` from a phase on, which is a smaller part of a run. In as many
        `rows` several runs of one copy are killed one after another, and then one is let through. Gives the kills by phase; prints what it did.
        """
        expected = self.place.copy(evening, folder / "expected")
        began, log = time.time(), folder / "expected.log"
        self.run_through(expected, log)
        undisturbed = Undisturbed({"start": 0.0, **{p: at - began for p, at in begun(log)}}, time.time() - began)
        assert undisturbed.at.keys() == PHASES.keys()
        before, after = self.place.seen(evening), self.place.seen(expected)
        assert before.keys() == after.keys()
        unmoved = {view for view in before if before[view] == after[view]}
        assert all(view.endswith(EMPTY_HERE) and after[view][0] == 0 for view in unmoved), "the night changes every mart, or what follows proves nothing"

        rng = random.Random(seed)
        rest = undisturbed.at[late_from] / undisturbed.whole
        shares = [(n + rng.random()) / (kills - late) for n in range(kills - late)]  # from the first moment to the last
        shares += [rest + (1 - rest) * (n + rng.random()) / late for n in range(late)]
        rng.shuffle(shares)
        moments = sorted((undisturbed.moment(s) for s in shares), key=lambda m: (m[0] == LAST, RANK[m[0]]))
        hit: Counter[str] = Counter()
        alone = n_left = n_through = n_runs = 0
        for row in (moments[n::rows] for n in range(rows)):
            disturbed: TestDistrict | None = None
            while row:
                n_runs += 1
                district = disturbed = disturbed or self.place.copy(evening, folder / f"again-{n_runs}")
                is_alone = rng.random() < 0.5
                phase = self.kill(district, folder / f"{n_runs}.log", row[0], alone=is_alone)
                sees = self.place.seen(district)
                assert sees in (before, after), f"after {hit.total()} kills a reader sees neither the one publication nor the other ({phase})"
                if phase:
                    hit[phase] += 1
                    alone += is_alone
                    n_left += bool(self.place.left(district))
                    row = row[1:]
                else:
                    row[0] = (row[0][0], row[0][1] * 0.8)  # it was through before
                if not phase or not row or sees == after:
                    if phase:
                        self.run_through(district, folder / f"{n_runs}-next.log")
                    self.assert_complete(district, expected)
                    n_through += 1
                    disturbed = None  # on from the evening before: the next kill must have something to disturb
        where = ", ".join(f"{hit[p]} {p}" for p in PHASES if hit[p])
        self.say(f"{hit.total()} kills ({alone} of the process alone; {where}), 0 torn publications; {n_left} times something was left in the warehouse, "
              f"{n_through} times the next run completed and cleared it")  # fmt: skip
        return hit


def _ask(file: Path, sql: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(file) as db:
        return db.execute(sql).fetchall()
