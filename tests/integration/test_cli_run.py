"""The command line on a small district: one run through `throughline run`, then every command that looks at what it left."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner, Result

from pipelines.cli import cli
from pipelines.district import load_district
from pipelines.lineage import trace as tracing
from pipelines.lineage.graph import registry
from pipelines.lineage.ledger import Ledger
from pipelines.publication.figures import published_figure
from pipelines.publication.warehouse import open_warehouse
from tests.districts import make_district
from tests.indicators import GROWTH, LEARNING, UNSENT

N_DAYS = 20  # enough for twenty days enrolled (tiers of absence) and the first survey wave
INDICATORS = [i["indicator_id"] for i in registry("indicators") if i["indicator_id"] not in UNSENT | GROWTH]


@dataclass(frozen=True)
class Done:
    """The district that was run, and what the command printed."""

    folder: Path
    last: date
    status: int
    out: str
    err: str

    @property
    def build(self) -> Path:
        return self.folder / "data" / "build" / "build.duckdb"


def throughline(*arguments: object) -> Result:
    """A command that runs in this process."""
    return CliRunner().invoke(cli, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    folder = tmp_path_factory.mktemp("cli") / "district"
    make_district(folder, students=150, days=N_DAYS)
    last = date.fromisoformat(json.loads((folder / "truth.json").read_text(encoding="utf-8"))["last_date"])
    command = [sys.executable, "-m", "pipelines.cli", "run", "--district", str(folder), "--date", last.isoformat(), "--json"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "160"})
    assert ran.returncode in (0, 3), ran.stderr
    return Done(folder, last, ran.returncode, ran.stdout, ran.stderr)


@pytest.fixture
def build(done: Done) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(done.build), read_only=True) as db:
        yield db


@pytest.fixture
def ledger(done: Done) -> Iterator[Ledger]:
    opened = Ledger(done.folder / "data" / "ledger.sqlite")
    yield opened
    opened.close()


def cells(db: duckdb.DuckDBPyConnection, indicator: str) -> list[dict[str, Any]]:
    """A cell of every profile, period and group family, and one of every profile and place, with and without a grade."""
    sql = f"""select * from marts.{tracing.MART} where indicator_id = ?
        qualify row_number() over (partition by profile_id, period_type, group_family order by hash(value_key)) = 1
            or row_number() over (partition by profile_id, school_id is null, grade_level is null order by hash(value_key)) = 1
        order by value_key"""
    result = db.execute(sql, [indicator])
    names = [c[0] for c in result.description or ()]
    return [dict(zip(names, r, strict=True)) for r in result.fetchall()]


def test_run_prints_json_alone_and_plain_progress(done: Done) -> None:
    said = json.loads(done.out)
    assert said["exit_status"] == done.status == 0
    rows = said["rows"]
    assert rows["rows"] == rows["accepted"] + rows["quarantined"] + rows["superseded"] + rows["duplicate"]
    assert said["publication_id"]
    assert {f["indicator_id"] for f in said["figures"]} == set(INDICATORS)
    assert all(re.match(r"\[ *\d+ s\] ", line) for line in done.err.splitlines()), done.err
    assert "publishing" in done.err


def test_the_run_is_in_the_ledger_as_published(ledger: Ledger) -> None:
    (run,) = ledger.rows("select status, finished_at from runs")
    assert run["status"] == "published"
    assert run["finished_at"]


@pytest.mark.parametrize("indicator", INDICATORS)
def test_every_kind_of_cell_is_what_its_rows_add_up_to(indicator: str, done: Done, build: duckdb.DuckDBPyConnection, ledger: Ledger) -> None:
    some = cells(build, indicator)
    assert some
    wrong = [c["value_key"] for c in some if not tracing.trace(build, ledger, c, 0).agrees]
    assert not wrong


@pytest.mark.parametrize("indicator", INDICATORS)
def test_trace_goes_from_what_people_see_to_lines_of_files(indicator: str, done: Done) -> None:
    profile = next(p["profile_id"] for p in registry("indicator_profiles") if p["indicator_id"] == indicator)
    name = f"{tracing.MART}:indicator_id={indicator},profile_id={profile}"
    result = throughline("trace", name, "--district", done.folder, "--all", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["agrees"] is True
    seen = open_warehouse(load_district(done.folder).warehouse_url)
    published = published_figure(seen, found["figure"]["value_key"])
    assert published
    assert (str(published["numerator"]), str(published["denominator"])) == (found["numerator"], found["denominator"])
    assert len(found["rows"]) == found["n_rows"] == sum(f["n_rows"] for f in found["files"])
    assert all((done.folder / "data" / f["raw_path"]).is_file() and len(f["sha256"]) == 64 for f in found["files"] if f["delivery_id"])
    assert any(f["delivery_id"] for f in found["files"])
    of_no_line = [row["what"] for row in found["rows"] if row["file"] is None]  # a stay, and that there is no result, are in no line of a file
    assert all(what.startswith(("enrolled since ", "no result since ")) for what in of_no_line)
    assert indicator in LEARNING or not of_no_line


def test_a_traced_line_is_the_line_of_the_landing_file(done: Done, build: duckdb.DuckDBPyConnection, ledger: Ledger) -> None:
    figure = tracing.find_figure(build, {"indicator_id": "attendance_rate", "period_type": "week"})
    rows = tracing.trace(build, ledger, figure, None).rows
    files = {r.file: (done.folder / "landing" / r.file).read_text(encoding="utf-8").splitlines() for r in rows}
    for row in rows:
        assert row.line is not None
        cells_of_line = files[row.file][row.line - 1].split(",")
        assert row.subject_key in cells_of_line
        assert row.on_date.strftime("%m/%d/%Y") in cells_of_line


def test_a_trace_can_disagree(done: Done, ledger: Ledger, tmp_path: Path) -> None:
    shutil.copyfile(done.build, tmp_path / "build.duckdb")
    with duckdb.connect(str(tmp_path / "build.duckdb")) as db:
        figure = tracing.find_figure(db, {"indicator_id": "attendance_rate"})
        assert tracing.trace(db, ledger, figure, 0).agrees
        one = "(select min(student_key) from core.fct_attendance_days)"
        db.execute(f"update core.fct_attendance_days set absent_thousandths = 1000 - absent_thousandths where student_key = {one}")
        assert not tracing.trace(db, ledger, figure, 0).agrees


def test_trace_for_people(done: Done) -> None:
    result = throughline("trace", f"{tracing.MART}:indicator_id=late_work", "--district", done.folder, "--rows", 2)
    assert result.exit_code == 0
    assert "The rows add up to the figure." in result.stdout
    assert "People see the same figure" in result.stdout
    assert "Rows: the first 2 of" in result.stdout


def test_publications(done: Done) -> None:
    publication = json.loads(done.out)["publication_id"]
    (listed,) = json.loads(throughline("publications", "list", "--district", done.folder, "--json").stdout)
    assert (listed["publication_id"], listed["is_visible"], listed["is_kept"], listed["n_held"]) == (publication, True, True, 0)
    shown = throughline("publications", "show", "latest", "--district", done.folder).stdout
    assert publication in shown
    assert "Survey percent favorable" in shown
    assert throughline("publications", "show", "19990101T000000-none", "--district", done.folder).exit_code == 1


def test_a_rollback_has_the_next_publication_be_whole(done: Done, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(done.folder, folder, symlinks=True)
    result = throughline("publications", "rollback", "latest", "--district", folder)
    assert result.exit_code == 0, result.output
    with duckdb.connect(str(folder / "data" / "build" / "build.duckdb"), read_only=True) as db:
        assert db.execute("select needs_whole from publish.state").fetchall() == [(True,)]
        for mart in (tracing.MART, "fct_student_indicators"):
            stray = f"select count(*) from marts.{mart} m where not exists (select 1 from publish.pending_{mart} p where p.period_start = m.period_start)"
            assert db.execute(stray).fetchall() == [(0,)]


def test_nothing_is_in_quarantine_of_sound_files(done: Done) -> None:
    assert "Nothing is held back" in throughline("quarantine", "list", "--district", done.folder).stdout
    assert "no row is set aside" in throughline("quarantine", "show", "extract__attendance", "--district", done.folder).stdout


def test_explain_names_the_districts_sources(done: Done) -> None:
    shown = throughline("explain", "attendance_rate", "--district", done.folder).stdout
    assert "attendance_corrections" in shown
    assert "pulse_w1" not in shown


def test_every_member_of_staff_in_the_file_is_in_core(done: Done, build: duckdb.DuckDBPyConnection) -> None:
    (latest,) = sorted((done.folder / "landing" / "staff").glob("*.csv"))[-1:]
    with latest.open(newline="", encoding="utf-8") as f:
        sent = {r["Staff Number"]: int(r["Years Experience"]) for r in csv.DictReader(f)}
    assert sent
    assert dict(build.execute("select staff_key, years_experience from core.dim_staff").fetchall()) == sent


def test_the_doctor_finds_nothing_serious_and_no_file_that_nothing_reads(done: Done) -> None:
    result = throughline("doctor", "--district", done.folder)
    assert result.exit_code == 0, result.output
    assert "read by nothing" not in " ".join(result.stdout.split())


def test_the_doctor_names_a_file_that_no_source_reads(done: Done, tmp_path: Path) -> None:
    shutil.copytree(done.folder, tmp_path / "d", ignore=shutil.ignore_patterns("data"))
    (tmp_path / "d/landing/lunch").mkdir()
    (tmp_path / "d/landing/lunch/menu.csv").write_text("Day,Dish\n", encoding="utf-8")
    result = throughline("doctor", "--district", tmp_path / "d")
    assert result.exit_code == 0, result.output
    said = " ".join(result.stdout.split())
    assert "read by nothing: lunch/menu.csv" in said
    assert "staff_" not in said
