"""Nights of a small synthetic district on DuckDB: the first whole, the second with corrections, the third with withdrawals.

The nights go through the real rooms (intake, arrival gate, dbt) but stop before changes are forgotten, so that Spark gets the very tables that
dbt read on DuckDB.
"""

import csv
import io
import shutil
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from pipelines.district import load_district
from pipelines.intake.take import take
from pipelines.lineage.ledger import Ledger, Run, now
from pipelines.quality.arrival import arrive
from pipelines.quality.build import build_path, finish_night, open_build
from pipelines.sources import ALL_TABLES
from pipelines.synth import synthesize
from tests.parity.harness import ARGUMENTS, ROOT

STUDENTS = 200
START = date(2025, 8, 18)
N_DAYS = 11
NIGHTS = (date(2025, 8, 28), date(2025, 8, 29), date(2025, 9, 2))
WITHDRAWN_DAYS = ("2025-08-25", "2025-08-26", "2025-08-27", "2025-08-28", "2025-08-29")


# An index of measures of which there are figures, with a cut point that no decimal is: off in a district that says nothing of it.
INDEX = {
    "index_measures": [
        ["index_id", "domain", "indicator_id", "profile_id", "weight", "domain_weight"],
        ["quality", "culture", "attendance_rate", "standard", "1", "40"],
        ["quality", "culture", "suspended_out_of_school", "standard", "1", "40"],
        ["quality", "academics", "late_work", "standard", "2.5", "60"],
    ],
    "index_cut_points": [
        ["indicator_id", "profile_id", "level", "bound", "out_of"],
        *(["attendance_rate", "standard", str(k), str(21 + k), "32"] for k in range(2, 11)),
        *([i, "standard", str(k), str(12 - k), "33"] for i in ("late_work", "suspended_out_of_school") for k in range(2, 11)),
    ],
}


def _no_news(_: str) -> None:
    pass


def _rows(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as f:
        return list(csv.reader(f))


def _write(path: Path, rows: list[list[str]]) -> None:
    with path.open("x", newline="", encoding="utf-8") as f:
        csv.writer(f).writerows(rows)


def send_corrections(landing: Path) -> None:
    """Of three days past, the first ten present students of each become absent."""
    rows: list[list[str]] = []
    for day in ("2025-08-19", "2025-08-21", "2025-08-27"):
        header, *marks = _rows(landing / f"attendance/attendance_{day}.csv")
        code = header.index("Code")
        rows += [[*m[:code], "A", *m[code + 1 :]] for m in marks if m[code] == "P"][:10]
    _write(landing / f"attendance/corrections_{NIGHTS[1]}_late.csv", [header, *rows])


def send_withdrawals(landing: Path) -> None:
    """Days sent again without two of the students, whose whole week goes with it; and forty results to be deleted."""
    for day in WITHDRAWN_DAYS:
        header, *marks = _rows(landing / f"attendance/attendance_{day}.csv")
        gone = sorted({m[0] for m in marks})[:2]
        _write(landing / f"attendance/attendance_{day}_2.csv", [header, *(m for m in marks if m[0] not in gone)])
    with zipfile.ZipFile(landing / f"oneroster/{NIGHTS[0]}/oneroster.zip") as old:
        header, *results = list(csv.reader(io.StringIO(old.read("results.csv").decode("utf-8"))))
        manifest = list(csv.reader(io.StringIO(old.read("manifest.csv").decode("utf-8"))))
    status, changed = header.index("status"), header.index("dateLastModified")
    for row in results:
        row[status], row[changed] = "tobedeleted", f"{NIGHTS[2]}T21:00:00.000Z"
    manifest = [[name, "absent" if name.startswith("file.") and name != "file.results" else value] for name, value in manifest]
    with zipfile.ZipFile(landing / f"oneroster/{NIGHTS[2]}/removals_2.zip", "x") as new:
        for name, rows in (("manifest.csv", manifest), ("results.csv", [header, *results[:40]])):
            text = io.StringIO()
            csv.writer(text).writerows(rows)
            new.writestr(name, text.getvalue())


def district_nights(folder: Path, *, at_once: bool = False) -> Callable[[int], Path]:
    """Write the district, and give the function that runs night i of three and returns its build as dbt left it.

    `at_once` makes it two nights: the second takes the corrections and the withdrawals together.
    """
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    synthesize(STUDENTS, N_DAYS, START, 3, folder, defects=False, progress=_no_news)
    for name, rows in INDEX.items():
        _write(folder / f"codes/{name}.csv", rows)
    district = load_district(folder)

    def build(target: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("THROUGHLINE_BUILD", str(build_path(district)))
            places = ["--project-dir", str(ROOT / "dbt_project"), "--profiles-dir", str(ROOT / "dbt_project")]
            done = dbtRunner().invoke([*ARGUMENTS, *places, "--target-path", str(target), "--log-path", str(target), "--quiet"])
        DuckDBConnectionManager.close_all_connections()  # dbt keeps the database open otherwise
        if not done.success:
            raise RuntimeError(f"the build on DuckDB failed; see {target / 'dbt.log'}: {done.exception}")

    def night(i: int) -> Path:
        if i == 1:
            send_corrections(district.landing)
        if i == 2 or (i == 1 and at_once):
            send_withdrawals(district.landing)
        until = NIGHTS[2] if i == 1 and at_once else NIGHTS[i]
        ledger = Ledger(district.data / "ledger.sqlite")
        try:
            ledger.put(Run(f"night{i}", now(), until))
            take(district, ledger, f"night{i}", until, _no_news)
            arrive(district, ledger, f"night{i}", until, _no_news)
        finally:
            ledger.close()
        build(folder / "dbt")
        kept = folder / f"night{i}.duckdb"
        shutil.copyfile(build_path(district), kept)
        with open_build(district) as db:
            finish_night(db, list(ALL_TABLES), "parity", "parity")
        return kept

    return night
