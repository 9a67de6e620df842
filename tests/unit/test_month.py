"""The planted first month: reproducible, told in scenarios.json, and nothing of it in a district that did not ask for it."""

from __future__ import annotations

import csv
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipelines.district import load_district
from pipelines.quality.expectations import load_suites
from pipelines.synth import synthesize
from pipelines.synth.month import NAMES

START = date(2025, 8, 18)


def make(out: Path, scenarios: tuple[str, ...], start: date = START) -> Path:
    synthesize(60, 10, start, 3, out, defects=False, scenarios=scenarios, progress=lambda _: None)
    return out


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def told(folder: Path) -> dict[str, dict[str, Any]]:
    return {e["name"]: e for e in json.loads((folder / "scenarios.json").read_text())["scenarios"]}


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as f:
        return list(csv.DictReader(f))


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("month") / "d", NAMES)


def test_the_same_arguments_give_the_same_bytes(month: Path, tmp_path: Path) -> None:
    assert contents(make(tmp_path / "again", NAMES)) == contents(month)


def test_a_district_that_did_not_ask_for_it_has_nothing_of_it(month: Path, tmp_path: Path) -> None:
    plain = contents(make(tmp_path / "plain", ()))
    planted = contents(month)
    assert not [name for name in plain if "month" in name or "scenarios" in name]
    changed = {"district.toml", "codes/attendance_codes.csv"}
    assert {name for name in plain if planted.get(name) != plain[name]} == changed, "what the district sends itself is as it was"


def test_every_scenario_is_told_with_its_files_and_what_must_come_of_it(month: Path) -> None:
    entries = told(month)
    assert set(entries) == set(NAMES)
    suites = load_suites("arrival")
    rules = {(table, rule.id) for table, suite in suites.items() for rule in suite.rules}
    for name, entry in entries.items():
        assert all((month / "landing" / f).exists() for f in entry["files"]), name
        assert entry["files"] or name in ("charter", "survey_roster"), f"{name} is in no file"
        expect = entry["expect"]
        assert expect["words"], name
        assert expect["kind"] in ("figure", "check", "held"), name
        if "check" in expect:
            assert (expect["table"], expect["check"]) in rules, name
        if "rule" in expect:
            assert expect["rule"] in {rule for _, rule in rules}, name


def test_the_settings_are_good_ones(month: Path) -> None:
    district = load_district(month)
    assert [y.year for y in district.school_years] == [2025, 2026, 2027]
    assert district.enrollment.gone_is == "never_was"
    assert district.attendance.positive_schools == ("V1",)
    assert district.district.agencies == ("district",)
    assert {r["modality"] for r in district.code_map("attendance_codes") if r["code"] in ("VP", "VN")} == {"remote"}


def test_one_scenario_comes_alone(tmp_path: Path) -> None:
    folder = make(tmp_path / "d", ("no_show_deleted",))
    assert set(told(folder)) == {"no_show_deleted"}
    files = sorted((folder / "landing/month/enrollments").glob("*.csv"))
    first, last = ({r["student_id"] for r in rows(f)} for f in files)
    assert first - last == {"J004"}
    assert len(list((folder / "landing/oneroster").rglob("*_2.zip"))) == 0


def test_what_cannot_be_planted_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no scenario is called comets; there are: past_year, "):
        make(tmp_path / "a", ("comets",))
    with pytest.raises(ValueError, match="need 10 days on which all schools are in session"):
        synthesize(60, 9, START, 3, tmp_path / "b", defects=False, scenarios=("charter",), progress=lambda _: None)
    assert not any(tmp_path.iterdir()), "nothing is half written"
