from __future__ import annotations

import os
import time
from datetime import date
from pathlib import Path

import pytest

from pipelines.district import Source
from pipelines.intake.scan import business_date, find, glob_pattern, is_partial, look, settled
from pipelines.settings import SettingsError
from tests.landing import ATTENDANCE, Desk


@pytest.mark.parametrize(
    ("glob", "name", "matches"),
    [
        ("a/*.csv", "a/x.csv", True),
        ("a/*.csv", "a/b/x.csv", False),
        ("a/**/*.csv", "a/x.csv", True),
        ("a/**/*.csv", "a/b/c/x.csv", True),
        ("**/*.csv", "x.csv", True),
        ("a/?.csv", "a/xy.csv", False),
        ("a/[xy].csv", "a/y.csv", True),
        ("a/[!xy].csv", "a/y.csv", False),
        ("a/x+(1).csv", "a/x+(1).csv", True),
        ("lms/**", "lms/users/1.csv", True),
    ],
)
def test_globs(glob: str, name: str, matches: bool) -> None:
    assert bool(glob_pattern(glob).match(name)) == matches


@pytest.mark.parametrize("name", ["x.csv.part", "x.csv.TMP", "x.filepart", "x.crdownload", ".x.csv", "~$x.csv"])
def test_partial_names(name: str) -> None:
    assert is_partial(name)
    assert not is_partial("x.csv")


def _source(**settings: object) -> Source:
    return Source.model_validate({**ATTENDANCE, **settings})


def test_business_dates_and_sequences() -> None:
    stamped = _source(date=r"(?P<date>\d{8})(_(?P<sequence>[\d-]+))?", date_format="%Y%m%d")
    assert business_date(stamped, "a/x_20250818.csv") == (date(2025, 8, 18), 1), "no number is the first"
    assert business_date(stamped, "a/x_20250818_7.csv") == (date(2025, 8, 18), 7)
    assert business_date(stamped, "a/x_20250818_00-00-00.csv") == (date(2025, 8, 18), 1)
    assert business_date(stamped, "a/x_20250818_23-59-59.csv") == (date(2025, 8, 18), 86_400)
    assert "sequence '123456'" in str(business_date(stamped, "a/x_20250818_123456.csv"))
    assert "not a date" in str(business_date(stamped, "a/x_20251399.csv"))
    assert "finds no date" in str(business_date(stamped, "a/x.csv"))
    assert business_date(_source(business_date="2021-07-01"), "a/x.csv") == (date(2021, 7, 1), None)


def test_what_is_found_and_what_nothing_reads(tmp_path: Path) -> None:
    sources = [
        ATTENDANCE | {"path": "attendance/*.csv"},
        {"id": "lms", "format": "lms", "path": "lms/**/*.csv"},
        {"id": "roster", "format": "oneroster", "path": "oneroster/*/manifest.csv"},
    ]
    desk = Desk(tmp_path, sources)
    for name in (
        "attendance/b_2025-08-18.csv",
        "attendance/a_2025-08-19.csv",
        "attendance/late_2025-09-30.csv",
        "attendance/undated.csv",
        "attendance/x_2025-08-18.csv.part",
        "lms/section=1/submissions/2025-08-18.csv",
        "lms/attendance-events/2025-08-18.csv",
        "oneroster/2025-08-18/manifest.csv",
        "oneroster/2025-08-18/users.csv",
        ".hidden/attendance/2025-08-18.csv",
        "staff/staff.csv",
    ):
        desk.put(name, "x\n")
    found, unmatched = find(desk.district, date(2025, 8, 31))
    assert [f.name for f in found] == [
        "attendance/b_2025-08-18.csv",
        "lms/section=1/submissions/2025-08-18.csv",
        "oneroster/2025-08-18/manifest.csv",
        "attendance/a_2025-08-19.csv",
    ]
    assert found[1].tables[0].name == "lms__submissions"
    assert found[2].members == ("manifest.csv", "users.csv")
    assert [u.partition(":")[0] for u in unmatched] == ["attendance/undated.csv", "lms/attendance-events/2025-08-18.csv", "staff/staff.csv"]


def test_settings_that_cannot_work_are_named(tmp_path: Path) -> None:
    desk = Desk(tmp_path, [ATTENDANCE | {"table": "attendence"}])
    desk.put("attendance/2025-08-18.csv", "x\n")
    with pytest.raises(SettingsError, match="'attendence' is none of attendance, calendar, programs"):
        find(desk.district, date(2025, 8, 31))
    with pytest.raises(SettingsError, match=r"paths\.landing"):
        find(Desk(tmp_path).district.model_copy(update={"folder": tmp_path / "elsewhere"}), date(2025, 8, 31))


def test_only_recent_files_are_looked_at_again_and_all_of_them_after_one_wait(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    paths = {name: desk.put(f"attendance/{name}_2025-08-18.csv", "x\n") for name in ("growing", "gone", "still", "old")}
    hour_ago = time.time() - 3600
    os.utime(paths["old"], (hour_ago, hour_ago))
    found, _ = find(desk.district, date(2025, 8, 31))
    looks = {f: look(f) for f in found}
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        for name in ("growing", "old"):  # the old one is trusted: it is caught when it is read
            paths[name].write_text("x\ny\n")
        paths["gone"].unlink()

    steady = settled(found, looks, 5.0, wait)
    assert {f.path for f in steady} == {paths["still"], paths["old"]}
    assert waits == [5.0]
    assert looks[next(f for f in found if f.path == paths["still"])].remembered(time.time()) == ""
