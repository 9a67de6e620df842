"""What every test may use."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from tests.postgres import NoPostgres, Server, server

REPOSITORY = Path(__file__).resolve().parents[1]


@event.listens_for(Engine, "connect")
def _do_not_wait_for_the_disk(connection: Any, record: Any) -> None:
    """Dagster's own SQLite files of a test need not outlive a power cut: no commit waits for the disk."""
    if isinstance(connection, sqlite3.Connection):
        connection.execute("pragma synchronous = off")


@pytest.fixture(scope="session")
def say(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Prints what a proof has found, whether or not output is shown: on standard error, since a worker's standard output goes nowhere."""
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def print_it(text: str) -> None:
        with capture.global_and_fixture_disabled():
            print(f"\n{text}", file=sys.stderr, flush=True)

    return print_it


def find_shared_data(start: Path) -> Path | None:
    """The third-party sample data, looked for in a `shared/data` folder beside the repository or beside a folder above it."""
    return next((p / "shared" / "data" for p in start.parents if (p / "shared" / "data").is_dir()), None)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of third-party sample data; the test skips where it is absent."""
    found = find_shared_data(REPOSITORY)
    if found is None:
        pytest.skip(f"no shared/data folder beside {REPOSITORY}")
    return found


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    try:
        with server() as running:
            yield running
    except NoPostgres as e:
        pytest.skip(f"no PostgreSQL: {e}")
