"""Models that cannot be built: people keep what they had, and the next night makes good."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from pipelines.defs import transform
from tests.districts import START, TestDistrict, make_district

GONE = ("dim_schools", "fct_section_gradebooks")  # of these every mart is made
OF_LAST_RUN = """select subject, check_id from operations.checks where gate = 'dbt'
    and run_id = (select run_id from operations.runs order by started_at desc limit 1)"""


def _without_a_model(district: TestDistrict, monkeypatch: pytest.MonkeyPatch) -> None:
    """Models that others stand on are gone and are not built: they and all marts end in an error."""
    ordinary = transform.build_arguments
    monkeypatch.setattr(transform, "build_arguments", lambda **how: [*ordinary(**how), "--exclude", *GONE])
    if district.build.exists():
        with duckdb.connect(str(district.build)) as db:
            for model in GONE:
                db.execute(f"drop table core.{model}")


def test_a_night_whose_models_fail_holds_everything_and_the_next_makes_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    district = make_district(tmp_path / "d", students=60, days=3, seed=5)
    with monkeypatch.context() as patch:
        _without_a_model(district, patch)
        night = district.run(START)
        assert night.exit_status == 3
    assert "index" not in {v["indicator_id"] for v in night.verdicts}, "an index that nobody asked for is not held either"
    assert district.query("select count(*) from information_schema.tables where table_schema = 'marts'") == [(0,)], "the fault did not strike"

    assert district.run(START).exit_status == 0
    assert district.published(f"{OF_LAST_RUN} and not passed") == []
    assert ("agg_indicator_values", "unique_agg_indicator_values_value_key") in district.published(OF_LAST_RUN)
    published = district.hashes()
    covered = district.published("from operations.coverage")
    with monkeypatch.context() as patch:
        _without_a_model(district, patch)
        night = district.run(START + timedelta(days=1))
    assert night.exit_status == 3
    assert {v["verdict"] for v in night.verdicts} == {"held"}
    assert ("fct_survey_response_rates", "fct_survey_response_rates") in district.published(f"{OF_LAST_RUN} and not passed and message <> ''")
    assert district.published("from operations.coverage") == covered

    assert district.run(START + timedelta(days=2)).exit_status == 0
    clean = make_district(tmp_path / "clean", students=60, days=3, seed=5)
    assert clean.run(START + timedelta(days=2), START).exit_status == 0
    assert published != district.hashes() == clean.hashes()
