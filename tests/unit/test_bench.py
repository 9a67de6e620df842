"""The bench's own parts: reading the hand-written SQL, measuring a process, the figures it writes and the limits it judges."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from bench.__main__ import broken_limits, figures, table
from bench.change import _manifest
from bench.child import HANDWRITTEN, statements
from bench.district import Folder
from bench.intake import ATTENDANCE, RESULTS, Intake, Timed, attendance_rows, result_rows, write_csv
from bench.intake import Line as IntakeLine
from bench.measure import PARTS, Line, Size
from bench.process import BenchError, Measured, measure


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


def test_memory_is_told_by_the_time_of_a_step() -> None:
    found = Measured(4.0, 50.0, "", ((100.0, 10.0), (101.0, 50.0), (102.0, 20.0), (103.0, 30.0)))
    assert found.peak_between(100.5, 102.0) == 50.0
    assert found.peak_between(101.5, 103.0) == 30.0
    assert found.peak_between(102.1, 102.2) == 20.0, "a step shorter than the time between two looks"
    measured = measure([sys.executable, "-c", "import time; time.sleep(0.3)"])
    assert measured.peak_mib == measured.peak_between(0.0, float("inf")) > 0


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


def _intake(sizes: tuple[int, int], *, duckdb: float, peaks: tuple[float, float]) -> Intake:
    taken = Intake(Path("work"), 3, print, sizes)
    taken.lines = [
        IntakeLine("intake_results_300mb", 300.02, Timed(2.0, 2_000_000, peaks[0]), Timed(duckdb, 2_000_000, 500.0)),
        IntakeLine("intake_results_1000mb", 1000.01, Timed(7.0, 7_000_000, peaks[1]), None),
    ]
    taken.ratios = {"intake_results_over_duckdb_copy": duckdb / 2.0, "intake_large_over_small_peak": peaks[1] / peaks[0]}
    return taken


def test_intake_figures_are_flat() -> None:
    assert list(_intake((300, 1_000), duckdb=1.5, peaks=(400.0, 420.4)).figures()) == [
        {"name": "intake_results_300mb_seconds", "value": 2.0, "unit": "s"},
        {"name": "intake_results_300mb_rows", "value": 2_000_000, "unit": "rows"},
        {"name": "intake_results_300mb_peak_mib", "value": 400, "unit": "MiB"},
        {"name": "intake_results_300mb_duckdb_copy_seconds", "value": 1.5, "unit": "s"},
        {"name": "intake_results_1000mb_seconds", "value": 7.0, "unit": "s"},
        {"name": "intake_results_1000mb_rows", "value": 7_000_000, "unit": "rows"},
        {"name": "intake_results_1000mb_peak_mib", "value": 420, "unit": "MiB"},
        {"name": "intake_results_over_duckdb_copy", "value": 0.75, "unit": "ratio"},
        {"name": "intake_large_over_small_peak", "value": 1.05, "unit": "ratio"},
        {"name": "intake_large_peak_mib", "value": 420, "unit": "MiB"},
    ]


def test_a_throughput_below_its_least_is_said_as_is_memory_above_its_most() -> None:
    assert broken_limits(list(_intake((300, 1_000), duckdb=1.2, peaks=(1_500.0, 1_536.0)).figures())) == []
    assert broken_limits(list(_intake((300, 1_000), duckdb=1.0, peaks=(400.0, 1_600.0)).figures())) == [
        "intake_large_peak_mib is 1600, more than 1536", "intake_large_over_small_peak is 4, more than 1.25",
        "intake_results_over_duckdb_copy is 0.5, less than 0.6",
    ]  # fmt: skip


def test_small_files_break_no_promise_about_large_ones() -> None:
    found = list(_intake((20, 60), duckdb=0.2, peaks=(100.0, 200.0)).figures())
    assert {"name": "intake_results_over_duckdb_copy_20mb", "value": 0.1, "unit": "ratio"} in found
    assert broken_limits(found) == []


def test_the_intake_table_has_a_line_a_file_and_a_ratio() -> None:
    lines = _intake((300, 1_000), duckdb=1.5, peaks=(400.0, 420.0)).table().splitlines()
    assert [line.split() for line in lines] == [
        ["seconds", "MB/s", "rows", "MiB", "COPY", "s", "MB/s"], ["intake_results_300mb", "2.00", "150", "2,000,000", "400", "1.50", "200"],
        ["intake_results_1000mb", "7.00", "143", "7,000,000", "420"], ["intake_results_over_duckdb_copy", "0.75"],
        ["intake_large_over_small_peak", "1.05"],
    ]  # fmt: skip


@pytest.mark.parametrize(("header", "rows"), [(RESULTS, result_rows), (ATTENDANCE, attendance_rows)])
def test_files_for_intake_have_the_size_and_the_cells_that_are_said(tmp_path: Path, header: str, rows: Callable[[int], str]) -> None:
    n = write_csv(tmp_path / "f" / "f.csv", 1, header, rows)
    lines = (tmp_path / "f" / "f.csv").read_text(encoding="utf-8").splitlines()
    assert 1_000_000 <= (tmp_path / "f" / "f.csv").stat().st_size < 4_000_000
    assert len(lines) == n + 1
    assert len({line.count(",") for line in lines}) == 1
    assert len({line.split(",")[0] for line in lines}) == n + 1


def test_intake_and_copy_of_a_file_are_timed_in_processes_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.intake.BLOCK", 100)
    taken = Intake(tmp_path, 1, lambda _: None, (0, 0))
    taken._file("attendance", 0, ATTENDANCE, attendance_rows, against=True)
    (line,) = taken.lines
    assert line.duckdb is not None
    assert (line.ours.rows, line.duckdb.rows) == (100, 100)
    assert min(line.ours.seconds, line.duckdb.seconds) > 0
    assert list(tmp_path.iterdir()) == []
