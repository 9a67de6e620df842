"""The bench's own parts: reading the hand-written SQL, measuring a process, the figures it writes and the limits it judges."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import pytest

from bench.__main__ import broken_limits, figures, table
from bench.change import _manifest
from bench.child import HANDWRITTEN, statements
from bench.district import Folder
from bench.measure import PARTS, Line, Size
from bench.process import BenchError, measure


def test_statements_end_at_the_end_of_a_line() -> None:
    assert statements("-- a; note;\nselect ';' as a\nfrom t;\n\nselect 2;") == ["select ';' as a\nfrom t", "select 2"]


def test_the_handwritten_sql_makes_both_marts_and_reads_no_model() -> None:
    sql = HANDWRITTEN.read_text(encoding="utf-8")
    made = [s.split()[2] for s in statements(sql) if s.startswith("create table")]
    assert made == ["fct_student_indicators", "agg_indicator_values"]
    assert not [schema for schema in ("staging", "intermediate", "core", "measurements", "marts") if f"build.{schema}." in sql]


def test_a_process_is_measured_with_its_children() -> None:
    grown = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; held = bytearray(80_000_000); time.sleep(0.5)'])"
    found = measure([sys.executable, "-c", grown])
    assert found.seconds >= 0.5
    assert found.peak_mib > 76


def test_a_failed_process_says_what_it_printed() -> None:
    with pytest.raises(BenchError, match="no such mart"):
        measure([sys.executable, "-c", "import sys; print('no such mart'); sys.exit(2)"])


def _size(students: int, ratio: str, value: float, peak: float) -> Size:
    size = Size(Path("work"), students, 60, 3, frozenset(PARTS), print)
    size.lines = [Line("night", 12.345, 1000, peak), Line("night.models", 8.0)]
    size.ratios = {ratio: value}
    return size


def test_figures_are_flat_and_named_by_size() -> None:
    found = figures([_size(2_000, "night_over_dbt_build", 2.404, 800.4)])
    assert found == [
        {"name": "night_2000_seconds", "value": 12.35, "unit": "s"},
        {"name": "night_2000_rows", "value": 1000, "unit": "rows"},
        {"name": "night_2000_peak_mib", "value": 800, "unit": "MiB"},
        {"name": "night_models_2000_seconds", "value": 8.0, "unit": "s"},
        {"name": "small_night_over_dbt_build", "value": 2.4, "unit": "ratio"},
        {"name": "peak_2000_mib", "value": 800, "unit": "MiB"},
    ]


def test_a_broken_limit_is_said() -> None:
    kept = figures([_size(2_000, "night_over_dbt_build", 2.4, 800.0), _size(100_000, "dbt_over_handwritten_sql", 1.9, 5_000.0)])
    assert broken_limits(kept) == []
    broken = figures([_size(2_000, "night_over_dbt_build", 2.6, 800.0), _size(100_000, "night_growth_day60_over_day10", 1.4, 6_200.0)])
    assert broken_limits(broken) == [
        "night_growth_day60_over_day10 is 1.4, more than 1.3", "small_night_over_dbt_build is 2.6, more than 2.5", "peak_100000_mib is 6200, more than 6144",
    ]  # fmt: skip


def test_a_limit_is_of_one_size() -> None:
    assert broken_limits(figures([_size(300, "night_over_dbt_build", 9.0, 100.0)])) == []


def test_the_table_has_a_line_a_figure() -> None:
    lines = table([_size(2_000, "night_over_dbt_build", 2.4, 800.0), _size(100_000, "dbt_over_handwritten_sql", 1.9, 5_000.0)]).splitlines()
    assert lines[0].split() == ["2,000", "students", "100,000", "students"]
    assert [line.split()[0] for line in lines[2:]] == ["night", "models", "night_over_dbt_build", "dbt_over_handwritten_sql"]
    assert len({len(line) for line in lines}) == 1


def test_a_copy_links_what_is_never_rewritten(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "raw")  # a name that means something further down only
    for part in ("landing/attendance", "data/raw/users", "data/build"):
        (folder.path / part).mkdir(parents=True)
        (folder.path / part / "file").write_text("1")
    copy = folder.copy("other")
    assert (copy.path / "landing/attendance/file").samefile(folder.path / "landing/attendance/file")
    assert (copy.path / "data/raw/users/file").samefile(folder.path / "data/raw/users/file")
    assert not (copy.path / "data/build/file").samefile(folder.path / "data/build/file")


def test_school_days_are_the_main_calendars(tmp_path: Path) -> None:
    (tmp_path / "truth.json").write_text('{"sessions": {"A": ["2025-08-18", "2025-08-19"], "B": ["2025-08-20"]}}')
    assert Folder(tmp_path).school_days() == [date(2025, 8, 18), date(2025, 8, 19)]


def test_a_package_of_changes_holds_results_alone() -> None:
    old = "propertyName,value\noneroster.version,1.2\nfile.users,delta\nfile.results,absent\n"
    assert _manifest(old) == "propertyName,value\noneroster.version,1.2\nfile.users,absent\nfile.results,delta\n"
