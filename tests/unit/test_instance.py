"""Where Dagster keeps a district's runs."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipelines.nightly import prepare_instance


def test_each_district_that_a_process_runs_has_its_own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    one, other = (district(tmp_path / name) for name in ("one", "other"))
    assert prepare_instance(one) == tmp_path / "one" / "dagster"
    assert prepare_instance(other) == tmp_path / "other" / "dagster"
    assert prepare_instance(one) == tmp_path / "one" / "dagster"
    assert (tmp_path / "other" / "dagster" / "dagster.yaml").exists()


def test_a_home_that_was_named_is_everybodys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "named"))
    assert prepare_instance(district(tmp_path / "one")) == prepare_instance(district(tmp_path / "other")) == tmp_path / "named"


def district(data: Path) -> Any:
    """No more of a district than its data folder."""
    return SimpleNamespace(data=data)
