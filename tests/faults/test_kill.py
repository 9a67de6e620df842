"""A run killed at any moment leaves the one publication or the other, whole and readable; the next run completes and clears what was left."""

from __future__ import annotations

from collections.abc import Iterator
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
def test_twenty_kills_at_random_moments(forks: Forks, tmp_path: Path) -> None:
    evening = make_district(tmp_path / "evening", students=80, days=9, seed=5)
    assert forks.wait(forks.start(evening.folder, EVENING, tmp_path / "evening.log"), 300) == 0
    hit = Night(forks, Files(), NIGHT).disturb(evening, tmp_path, kills=20, late=6, late_from="publication gate", rows=5, seed=20)
    assert hit.total() == 20


def test_kills_of_runs_that_publish_to_postgresql(forks: Forks, postgres: Server, tmp_path: Path) -> None:
    place = Databases(postgres)
    evening = place.settle(make_district(tmp_path / "evening", students=60, days=9, seed=5))
    assert forks.wait(forks.start(evening.folder, EVENING, tmp_path / "evening.log"), 300) == 0
    hit = Night(forks, place, NIGHT).disturb(evening, tmp_path, kills=4, late=3, late_from="warehouse", rows=1, seed=18)
    assert hit.total() == 4
    assert hit["warehouse"] >= 2, "what is special here is the publication"
    assert not evening.warehouse.exists(), "nothing of it is published to DuckDB"
