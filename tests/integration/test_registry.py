"""A strategy team's workbook through the real nightly job: sheets to staging models, and each problem told to the team in words."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from pipelines.quality.quarantine import quarantined_rows
from tests.nights import Night, make
from tests.unit.test_file_types import workbook

SOURCE = """
[[sources]]
id = "team"
format = "registry"
path = "team/*.xlsx"
file_type = "excel"
"""
BOOK = "landing/team/plan_2025-08-22.xlsx"
PLAN: dict[str, list[list[object]]] = {
    "About": [["Maple Hollow's plan"]],
    "Strategies": [["Strategy", "Name", "Owner", "Start"], ["S1", "Every child heard", "R. Example", date(2025, 8, 1)]],
    "initiatives": [
        ["Initiative", "Strategy", "School", "Title", "Status", "Start"],
        ["I1", "S1", "110", "Calls home", "Active", "Aug 4, 2025"],
        ["I2", "S9", "110", "Homework club", "active", "2025-08-04"],
    ],
    "Cycles": [
        ["Cycle", "Initiative", "School", "Aim", "Change idea", "Prediction", "Start", "End", "Decision"],
        ["C1", "I1", "110", "Hear from all", "call on Mondays", "9 of 10 answer", datetime(2025, 8, 18), None, "Adapt (later in the day)"],
        ["C2", "I1", "110", "Hear from all", "call on Sundays", None, "Aug 18, 2025", None, "keep"],
        [None, None, None, "Note: dates are approximate"],
        ["C3", "I1", "110", "Hear from all", "write first", None, "in fall", None, None],
        ["C4", "I1", "110", None, "write second", None, "2025-08-20", "2025-08-19", None],
    ],
    "Cycle measures": [
        ["Cycle", "Measure", "Kind", "Date", "Value"],
        ["C1", "calls answered", "Process", "8/18/2025", 0.625],
        ["C1", "calls", "process", "8/19/2025", "1,250"],
    ],
}


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    night = make(tmp_path_factory.mktemp("registry"), students=16, days=5)
    settings = (night.folder / "district.toml").read_text(encoding="utf-8")
    (night.folder / "district.toml").write_text(settings.replace("\n[attendance]", SOURCE + "\n[attendance]", 1), encoding="utf-8")
    school = _a_school(night.folder)
    (night.folder / "landing" / "team").mkdir()
    sheets = {name: [[school if cell == "110" else cell for cell in row] for row in rows] for name, rows in PLAN.items()}
    (night.folder / BOOK).write_bytes(workbook(sheets))
    night.run(date(2025, 8, 22))
    return night


def _a_school(folder: Path) -> str:
    import csv

    with next((folder / "landing" / "calendar").glob("*.csv")).open(newline="", encoding="utf-8") as f:
        return str(next(csv.DictReader(f))["School Number"])


def test_sheets_reach_their_models(night: Night) -> None:
    assert night.query("select strategy_id, name, responsible, start_date from staging.stg_registry__strategies") == [
        ("S1", "Every child heard", "R. Example", date(2025, 8, 1))
    ]
    assert night.query("select initiative_id, status, start_date from staging.stg_registry__initiatives") == [("I1", "active", date(2025, 8, 4))]
    assert night.query("select cycle_id, decision, start_date, line_number from staging.stg_registry__cycles") == [("C1", "adapt", date(2025, 8, 18), 2)]
    assert night.query("select name, kind, measured_on, value from staging.stg_registry__cycle_measures order by measured_on") == [
        ("calls answered", "process", date(2025, 8, 18), Decimal("0.625")),
        ("calls", "process", date(2025, 8, 19), Decimal("1250")),
    ]


def test_each_problem_is_told_in_words(night: Night) -> None:
    with duckdb.connect(str(night.build), read_only=True) as db:
        said = [r["problem"] for t in ("registry__initiatives", "registry__cycles") for r in quarantined_rows(db, t, None)]
    assert said == [
        "Row 3 of sheet 'initiatives': 'strategy_id' is 'S9', it must be one of those in the sheet strategies",
        "Row 3 of sheet 'cycles': 'decision' is 'keep', it must be adopt, adapt or abandon",
        "Row 5 of sheet 'cycles': 'start_date' is 'in fall', it must be a date such as 2025-09-08",
        "Row 6 of sheet 'cycles': 'aim' is blank, it must be filled in",
    ]


def test_every_row_is_accounted_for(night: Night) -> None:
    counts = night.ledger("select table_name, n_rows, n_accepted, n_quarantined from deliveries where source_id = 'team' order by table_name")
    assert counts == [
        ("registry__cycle_measures", 2, 2, 0),
        ("registry__cycles", 4, 1, 3),
        ("registry__initiatives", 2, 1, 1),
        ("registry__strategies", 1, 1, 0),
    ]
    warnings = " ".join(w for (w,) in night.ledger("select warnings from deliveries where source_id = 'team'"))
    assert "sheet_not_read: About" in warnings
    assert "date_format: measured_on read as %m/%d/%Y" in warnings
