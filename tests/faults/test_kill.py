"""A run killed at any moment leaves the one publication or the other, whole and readable; the next run completes and clears what was left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.districts import START, make_district
from tests.faults.forks import Forks
from tests.faults.kills import Databases, Files, Night
from tests.postgres import Server

EVENING, NIGHT = START + timedelta(days=8), START + timedelta(days=9)  # on which a survey's wave comes too


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    server = Forks()
    yield server
    server.close()


@pytest.mark.timeout(1500)
@pytest.mark.parametrize(("kills", "late", "rows"), [(4, 2, 2), pytest.param(20, 6, 5, marks=pytest.mark.prove)])
def test_kills_at_random_moments(forks: Forks, say: Callable[[str], None], tmp_path: Path, kills: int, late: int, rows: int) -> None:
    """Four in `make test`; the twenty, which take as long as a third of all other tests, in `make prove`."""
    evening = make_district(tmp_path / "evening", students=80, days=9, seed=5)
    assert forks.wait(forks.start(evening.folder, EVENING, tmp_path / "evening.log"), 300) == 0
    hit = Night(forks, Files(), NIGHT, say).disturb(evening, tmp_path, kills=kills, late=late, late_from="publication gate", rows=rows, seed=20)
    assert hit.total() == kills


@pytest.mark.prove
def test_kills_of_runs_that_publish_to_postgresql(forks: Forks, say: Callable[[str], None], postgres: Server, tmp_path: Path) -> None:
    place = Databases(postgres)
    evening = place.settle(make_district(tmp_path / "evening", students=60, days=9, seed=5))
    assert forks.wait(forks.start(evening.folder, EVENING, tmp_path / "evening.log"), 300) == 0
    hit = Night(forks, place, NIGHT, say).disturb(evening, tmp_path, kills=4, late=3, late_from="warehouse", rows=1, seed=18)
    assert hit.total() == 4
    assert hit["warehouse"] >= 2, "what is special here is the publication"
    assert not evening.warehouse.exists(), "nothing of it is published to DuckDB"
