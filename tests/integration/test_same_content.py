"""The same facts give the same figures, whatever the order, the lateness or the number of nights in which they came."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
import zipfile
from datetime import date, timedelta
from pathlib import Path

import pytest

from pipelines.lineage.graph import registry
from tests.districts import START, TestDistrict, make_district
from tests.indicators import SURVEY

DAYS = [START + timedelta(days=n) for n in range(8)]  # two weeks begun: 18 to 25 August
LAST = DAYS[-1]


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> TestDistrict:
    return make_district(tmp_path_factory.mktemp("same") / "clean", students=120, days=6, seed=3)


# What another machine has otherwise, where a figure could hang on it: a process of its own, clock, language, order of sets, columns of a terminal, home.
ELSEWHERE = {"TZ": "Pacific/Auckland", "LANG": "C", "LC_ALL": "C", "PYTHONHASHSEED": "4711", "PYTHONUTF8": "0", "COLUMNS": "40"}


@pytest.fixture(scope="module")
def in_one_go(clean: TestDistrict, tmp_path_factory: pytest.TempPathFactory) -> TestDistrict:
    """The range, run as somebody with another machine runs it: what every test here compares its own nights with."""
    district = clean.copy(tmp_path_factory.mktemp("range") / "another-machine")
    command = [sys.executable, "-c", "from pipelines.cli import main; main()", "run", "--district", str(district.folder)]
    elsewhere = {**os.environ, **ELSEWHERE, "DAGSTER_HOME": str(district.folder / "data" / "dagster"), "HOME": str(district.folder.parent)}
    done = subprocess.run([*command, "--from", str(START), "--date", str(LAST)], env=elsewhere, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return district


def files_of(district: TestDistrict, day: date) -> list[Path]:
    return [p for p in sorted(district.landing.rglob("*")) if p.is_file() and day.isoformat() in p.relative_to(district.landing).as_posix()]


@pytest.mark.prove
def test_day_by_day_is_the_range_and_a_repeated_night_changes_nothing(clean: TestDistrict, in_one_go: TestDistrict, tmp_path: Path) -> None:
    district = clean.copy(tmp_path / "d")
    for day in DAYS:
        if files_of(district, day) or day == LAST:
            assert district.run(day).exit_status == 0
    assert district.hashes() == in_one_go.hashes()
    again = district.run(LAST)
    assert again.deliveries == ()
    assert district.hashes() == in_one_go.hashes()


def test_order_and_lateness_of_independent_deliveries_do_not_matter(clean: TestDistrict, in_one_go: TestDistrict, tmp_path: Path) -> None:
    district = clean.copy(tmp_path / "d")
    later = tmp_path / "later"
    # Attendance and programs come before the roster that names their students; one day's attendance a day late; the first roster last of all.
    held_back = [*files_of(district, START), *(p for p in files_of(district, DAYS[2]) if "attendance_" in p.name)]
    roster = [p for p in held_back if "oneroster" in p.as_posix()]
    for path in (*roster, held_back[-1]):
        target = later / path.relative_to(district.landing)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(path, target)
    first = district.run(DAYS[2], START)
    assert first.rows["quarantined"] > 0, "without a roster nobody is known"
    shutil.copytree(later, district.landing, dirs_exist_ok=True)
    district.run(DAYS[3])
    last = district.run(LAST)
    assert last.rows["rows"] == last.rows["accepted"] + last.rows["superseded"] + last.rows["duplicate"]
    assert district.query("select count(*) from quarantine.extract__attendance") == [(0,)], "what was unknown came back by itself"
    assert district.hashes() == in_one_go.hashes()


def test_a_then_b_then_a_is_a_restore(in_one_go: TestDistrict, tmp_path: Path) -> None:
    district = in_one_go.copy(tmp_path / "d")
    path = district.landing / "attendance" / f"attendance_{LAST.isoformat()}.csv"
    original = path.read_bytes()
    lines = original.decode().splitlines(keepends=True)
    changed = [line.replace(",P,", ",A,") for line in lines[: len(lines) // 2]] + lines[len(lines) // 2 : -3]  # other codes, and three students fewer
    path.write_text("".join(changed))
    district.run(LAST)
    assert district.hashes() != in_one_go.hashes()
    path.write_bytes(original)
    restored = district.run(LAST)
    assert [d["n_accepted"] for d in restored.deliveries] == [len(lines) - 1]
    assert district.hashes() == in_one_go.hashes()


@pytest.mark.prove
def test_a_week_withdrawn_leaves_no_ghost_rows(in_one_go: TestDistrict, tmp_path: Path) -> None:
    """Every assignment of the first week is deleted and the week becomes a holiday: no figure of that week is left in any mart."""
    district = in_one_go.copy(tmp_path / "d")
    week = [START + timedelta(days=n) for n in range(7)]
    _delete_assignments(district, week)
    _make_holiday(district, week)
    fallen = district.run(LAST + timedelta(days=1))
    assert fallen.exit_status == 3, "a year to date that falls is held for a night, in case a file was cut off"
    assert district.run(LAST + timedelta(days=2)).exit_status == 0
    where = f"period_type = 'week' and period_start = date '{START.isoformat()}'"
    of_students = f"{where} and indicator_id not in {tuple(SURVEY)}"
    assert in_one_go.query(f"select count(*) > 100 from marts.agg_indicator_values where {where}") == [(True,)]
    assert district.query(f"select count(*) from marts.agg_indicator_values where {of_students}") == [(0,)]
    assert district.query(f"select count(*) from marts.fct_student_indicators where {where}") == [(0,)]
    assert district.published(f"select count(*) from marts.agg_indicator_values where {of_students}") == [(0,)]
    left = f"select distinct measure_id from measurements.fct_measurements where piece_start < date '{week[-1].isoformat()}'"
    of_learning = {m["measure_id"] for m in registry("learning_measures")}
    measures = {measure for (measure,) in district.query(left)}
    assert measures - of_learning == {"stays_begun"}, "that students came on a day is true, be it a holiday"
    assert "results_judged_formative_reading" in measures, "so is the result that an assessment gave"
    # and the year to date is what a build from nothing gives
    fresh = TestDistrict(tmp_path / "fresh")
    shutil.copytree(district.folder, fresh.folder, ignore=shutil.ignore_patterns("data"))
    fresh.run(LAST + timedelta(days=2), START)
    assert fresh.hashes() == district.hashes()


def _delete_assignments(district: TestDistrict, week: list[date]) -> None:
    """A delta package that deletes every line item due in the week, written from what earlier packages said."""
    items: dict[str, dict[str, str]] = {}
    header: list[str] = []
    for package in sorted(district.landing.glob("oneroster/*/*.zip")):
        with zipfile.ZipFile(package) as z:
            if "lineItems.csv" in z.namelist():
                rows = csv.DictReader(z.read("lineItems.csv").decode("utf-8-sig").splitlines())
                items |= {r["sourcedId"]: r for r in rows}
                header = list(rows.fieldnames or header)
    gone = [r | {"status": "tobedeleted", "dateLastModified": "2025-08-26T03:00:00.000Z"} for r in items.values() if date.fromisoformat(r["dueDate"]) in week]
    assert gone
    folder = district.landing / "oneroster" / (LAST + timedelta(days=1)).isoformat()
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(next(iter(district.landing.glob("oneroster/*/gradebook.zip")))) as z:
        names = [line.split(",")[0] for line in z.read("manifest.csv").decode().splitlines() if line.startswith("file.")]
    manifest = "propertyName,value\nmanifest.version,1.0\noneroster.version,1.2\n"
    manifest += "".join(f"{n},{'delta' if n == 'file.lineItems' else 'absent'}\n" for n in names)
    body = ",".join(header) + "\n" + "".join(",".join(f'"{r[h]}"' if "," in r[h] else r[h] for h in header) + "\n" for r in gone)
    with zipfile.ZipFile(folder / "withdrawn.zip", "w") as z:
        z.writestr("manifest.csv", manifest)
        z.writestr("lineItems.csv", body)


def _make_holiday(district: TestDistrict, week: list[date]) -> None:
    """The whole calendar once more, with the week's days no school days."""
    source = max(district.landing.glob("calendar/calendar_*.csv"))
    with source.open(newline="") as f:
        rows = list(csv.reader(f))
    codes = dict(csv.reader((district.folder / "codes" / "calendar_codes.csv").open(newline="")))
    holiday = next(code for code, value in codes.items() if value == "false")
    when, kind = ((START.isoformat(), "%Y-%m-%d"), (START.strftime("%m/%d/%Y"), "%m/%d/%Y"))
    column, form = next((i, fmt) for text, fmt in (when, kind) for row in rows[1:] for i, cell in enumerate(row) if cell == text)
    days = {d.strftime(form) for d in week}
    code_column = next(i for i, cell in enumerate(rows[1]) if cell in codes)
    for row in rows[1:]:
        if row[column] in days:
            row[code_column] = holiday
    target = district.landing / "calendar" / f"calendar_{(LAST + timedelta(days=1)).isoformat()}.csv"
    with target.open("w", newline="") as f:
        csv.writer(f, lineterminator="\n").writerows(rows)
