"""Fixtures of the integration tests: a PostgreSQL server, and a warehouse of either kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.publication.warehouse import open_warehouse
from tests.integration.warehouses import House
from tests.postgres import NoPostgres, Server, server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    try:
        with server() as running:
            yield running
    except NoPostgres as e:
        pytest.skip(f"no PostgreSQL: {e}")


@pytest.fixture(params=["duckdb", "postgres"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> House:
    on_duckdb = request.param == "duckdb"
    url = f"duckdb:///{tmp_path}/warehouse/throughline.duckdb" if on_duckdb else request.getfixturevalue("postgres").create_database()
    return House(open_warehouse(url), url, tmp_path)
