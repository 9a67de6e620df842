"""A strategy team's workbook through intake, arrival gate and staging models, and each problem told to the team in words."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.lineage.graph import PROJECT
from pipelines.quality.build import build_path
from pipelines.quality.quarantine import quarantined_rows
from tests.integration.test_dates_by_evidence import Door
from tests.landing import ONEROSTER
from tests.unit.test_file_types import workbook

SOURCE: dict[str, Any] = {"id": "team", "format": "registry", "path": "team/*.xlsx", "file_type": "excel"}
BOOK = "team/plan_2025-08-22.xlsx"
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
def door(tmp_path_factory: pytest.TempPathFactory) -> Door:
    door = Door(tmp_path_factory.mktemp("registry"), [ONEROSTER, SOURCE])
    door.enroll([("s1", "110")], "2025-08-01")
    door.put(BOOK, workbook(PLAN))
    door.night(date(2025, 8, 22))
    target = door.folder / "target"
    where = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--target-path", str(target), "--log-path", str(target)]
    environment = {**os.environ, "THROUGHLINE_BUILD": str(build_path(door.district)), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    dbt = Path(sys.executable).with_name("dbt")
    done = subprocess.run([dbt, "run", "--select", "path:models/staging/registry", *where], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    return door


def test_sheets_reach_their_models(door: Door) -> None:
    assert door.ask("select strategy_id, name, responsible, start_date from staging.stg_registry__strategies") == [
        ("S1", "Every child heard", "R. Example", date(2025, 8, 1))
    ]
    assert door.ask("select initiative_id, status, start_date from staging.stg_registry__initiatives") == [("I1", "active", date(2025, 8, 4))]
    assert door.ask("select cycle_id, decision, start_date, line_number from staging.stg_registry__cycles") == [("C1", "adapt", date(2025, 8, 18), 2)]
    assert door.ask("select name, kind, measured_on, value from staging.stg_registry__cycle_measures order by measured_on") == [
        ("calls answered", "process", date(2025, 8, 18), Decimal("0.625")),
        ("calls", "process", date(2025, 8, 19), Decimal("1250")),
    ]


def test_each_problem_is_told_in_words(door: Door) -> None:
    with duckdb.connect(str(build_path(door.district)), read_only=True) as db:
        said = [r["problem"] for t in ("registry__initiatives", "registry__cycles") for r in quarantined_rows(db, t, None)]
    assert said == [
        "Row 3 of sheet 'initiatives': 'strategy_id' is 'S9', it must be one of those in the sheet strategies",
        "Row 3 of sheet 'cycles': 'decision' is 'keep', it must be adopt, adapt or abandon",
        "Row 5 of sheet 'cycles': 'start_date' is 'in fall', it must be a date such as 2025-09-08",
        "Row 6 of sheet 'cycles': 'aim' is blank, it must be filled in",
    ]


def test_every_row_is_accounted_for(door: Door) -> None:
    found = {d.table_name.removeprefix("registry__"): d for d in door.ledger.deliveries() if d.source_id == "team"}
    counts = {sheet: (d.n_rows, d.n_accepted, d.n_quarantined) for sheet, d in found.items()}
    assert counts == {"cycle_measures": (2, 2, 0), "cycles": (4, 1, 3), "initiatives": (2, 1, 1), "strategies": (1, 1, 0)}
    assert all("sheet_not_read: About" in d.warnings for d in found.values())
    assert "date_format: measured_on read as %m/%d/%Y" in found["cycle_measures"].warnings


def test_a_workbook_without_any_of_the_sheets_says_so(tmp_path: Path) -> None:
    door = Door(tmp_path, [SOURCE])
    door.put(BOOK, workbook({"Minutes": [["who", "what"], ["a", "b"]]}))
    (refused,) = door.take().taken
    assert refused.status == "unreadable"
    assert refused.why.startswith(f"{BOOK}: none of its sheets is one of strategies, initiatives")
