"""Fixtures of the integration tests: a warehouse of either kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.publication.warehouse import open_warehouse
from tests.integration.warehouses import House


@pytest.fixture(params=["duckdb", "postgres"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> House:
    on_duckdb = request.param == "duckdb"
    url = f"duckdb:///{tmp_path}/warehouse/throughline.duckdb" if on_duckdb else request.getfixturevalue("postgres").create_database()
    return House(open_warehouse(url), url, tmp_path)
