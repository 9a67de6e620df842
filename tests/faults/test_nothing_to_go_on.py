"""A first night of which every file is stopped: there is nothing to build, and the blocking checks of the arrival gate end it there."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipelines.nightly import RunError
from tests.districts import START, TestDistrict, make_district


def test_the_night_ends_at_the_gate_and_says_what_was_wrong(tmp_path: Path) -> None:
    whole = make_district(tmp_path / "whole", students=60, days=2)
    district = TestDistrict(tmp_path / "d")
    shutil.copytree(whole.folder, district.folder, ignore=shutil.ignore_patterns("landing"))
    name = f"attendance/attendance_{START}.csv"
    bad = district.landing / name
    bad.parent.mkdir(parents=True)
    lines = (whole.landing / name).read_text(encoding="utf-8").splitlines()
    bad.write_text("\n".join([lines[0].replace("Code", "Kode"), *lines[1:]]) + "\n", encoding="utf-8")
    with pytest.raises(RunError) as found:
        district.run(START)
    assert str(found.value).startswith(f"step arrival_gate: nothing was ever accepted, so there is nothing to build:\n{name}: ")
    assert "The file has no column 'Code'" in str(found.value)
    assert not district.warehouse.exists()
    assert district.query("select count(*) from information_schema.tables where table_schema = 'marts'") == [(0,)]

    shutil.copytree(whole.landing, district.landing, dirs_exist_ok=True)
    assert district.run(START).exit_status == 0
