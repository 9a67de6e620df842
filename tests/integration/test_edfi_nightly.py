"""The nightly job where an API cannot be reached: the night goes on, and holds what stands on what could not be fetched."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

import pipelines.sources
from pipelines.sources.shape import Format, Projection
from tests.districts import START, make_district
from tests.indicators import ATTENDANCE

SOURCE = """
[[sources]]
id = "sis_api"
format = "edfi"
without = ["studentSchoolAttendanceEvents", "calendarDates", "studentAssessments"]
path = "sis_api/**/*.jsonl"

[sources.api]
url = "http://127.0.0.1:9"
key_env = "EDFI_KEY"
secret_env = "EDFI_SECRET"
resources = ["studentSectionAttendanceEvents"]
attempts = 1
"""


def test_the_night_goes_on_without_an_api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing listens at port 9. The resource is taken to feed the attendance table, so that something stands on it."""
    attendance = pipelines.sources.ALL_TABLES["extract__attendance"]
    monkeypatch.setitem(pipelines.sources.FORMATS, "edfi", Format("edfi", {}, lambda source, name: (attendance,), lambda *a: Projection("")))
    monkeypatch.setenv("EDFI_KEY", "fictional-key")
    monkeypatch.setenv("EDFI_SECRET", "fictional-secret")
    district = make_district(tmp_path / "d", students=60, days=3)
    with (district.folder / "district.toml").open("a", encoding="utf-8") as f:
        f.write(SOURCE + "\n[intake]\nsettle_seconds = 0\n")
    outcome = district.run(START + timedelta(days=2), START)
    assert outcome.exit_status == 3
    assert [w["name"] for w in outcome.waiting] == ["sis_api/studentSectionAttendanceEvents"]
    assert "connection failed" in outcome.waiting[0]["why"]
    assert len(outcome.deliveries) > 5, "everything else was taken"
    held = {v["indicator_id"] for v in outcome.verdicts if v["verdict"] == "held"}
    assert "attendance_rate" in held
    assert held <= ATTENDANCE, "what does not stand on attendance goes out"
    assert [v["why"] for v in outcome.verdicts if v["indicator_id"] == "attendance_rate" and "not fetched: sis_api/studentSectionAttendanceEvents" in v["why"]]
    published = {i for (i,) in district.published("select distinct indicator_id from marts.agg_indicator_values")}
    assert "attendance_rate" not in published
    assert published
