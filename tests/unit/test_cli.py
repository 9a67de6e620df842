"""The command line without a run: help, errors, explanations, the doctor, what figures are called, and releases."""

from __future__ import annotations

import json
import logging
import shlex
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner, Result

from pipelines import doctor, show
from pipelines.cli import cli
from pipelines.command import told
from pipelines.lineage.evidence import EVIDENCE
from pipelines.lineage.graph import registry
from pipelines.lineage.ledger import Delivery, Ledger, Run
from pipelines.lineage.trace import TraceError, find_figure, parse_figure
from pipelines.quality import hold, judge
from pipelines.quality.expectations import Rule
from pipelines.quality.quarantine import QuarantineError, quarantined_rows, release_delivery, release_row
from pipelines.settings import SettingsError
from pipelines.sources import ALL_TABLES

SETTINGS = """
[district]
id = "maple-hollow"
name = "Maple Hollow"

[[school_years]]
year = 2026
start = 2025-07-01
end = 2026-06-30

[[sources]]
id = "attendance"
format = "extract"
table = "attendance"
path = "attendance/*.csv"
"""
CODES = "code,absent_share,is_excused,is_tardy\nP,0,false,false\nA,1,false,false\n"


def call(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(a) for a in arguments])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A district that is set up and has never been run."""
    (tmp_path / "district.toml").write_text(SETTINGS, encoding="utf-8")
    (tmp_path / "codes").mkdir()
    (tmp_path / "codes" / "attendance_codes.csv").write_text(CODES, encoding="utf-8")
    (tmp_path / "landing" / "attendance").mkdir(parents=True)
    (tmp_path / "landing" / "attendance" / "attendance_2025-09-08.csv").write_text("a\n1\n", encoding="utf-8")
    return tmp_path


def delivery(name: str, **changes: Any) -> Delivery:
    values: dict[str, Any] = {
        "delivery_id": f"id-{name}", "source_id": "attendance", "table_name": "extract__attendance", "business_date": date(2025, 9, 8), "name": name,
        "sequence": 1, "precedence": 1, "mode": "bulk", "sha256": "0", "n_bytes": 1, "run_id": "r1", "first_seen_at": "2025-09-08T06:00:00+00:00",
    }  # fmt: skip
    return Delivery(**{**values, **changes})


# help and errors


COMMANDS = [
    ["run"], ["synth"], ["trace"], ["publications", "list"], ["publications", "show"], ["publications", "rollback"], ["quarantine", "list"],
    ["quarantine", "show"], ["quarantine", "release"], ["explain"], ["dev"], ["doctor"],
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_an_example_and_takes_a_district(command: list[str]) -> None:
    result = call(*command, "--help")
    assert result.exit_code == 0
    assert f"throughline {' '.join(command)}" in result.stdout.split("Options:")[0].split("Example", 1)[1]
    assert "--district" in result.stdout


def test_an_error_is_one_message_with_the_remedy_and_no_traceback(tmp_path: Path) -> None:
    result = call("run", "--district", tmp_path, "--date", "2025-09-08")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.splitlines()[-1] == f"Error: {tmp_path}/district.toml: not found; name the district's folder with --district DIR"
    assert "Traceback" not in result.stderr


def test_debug_says_where(tmp_path: Path) -> None:
    assert "Traceback" in call("publications", "list", "--district", tmp_path, "--debug").stderr


def test_with_json_an_error_is_json_too(tmp_path: Path) -> None:
    result = call("run", "--district", tmp_path, "--date", "2025-09-08", "--json")
    assert json.loads(result.stdout)["exit_status"] == 1
    assert "district.toml" in json.loads(result.stdout)["error"]


def test_our_errors_are_told_as_they_are_and_others_with_a_way_on() -> None:
    assert told(SettingsError("district.toml: mend it")) == "district.toml: mend it"
    assert "--debug" in told(ZeroDivisionError("division by zero"))
    assert "in use" in told(duckdb.IOException("Could not set lock on file"))


def test_a_range_that_ends_before_it_begins(folder: Path) -> None:
    result = call("run", "--district", folder, "--from", "2025-09-09", "--date", "2025-09-08")
    assert result.exit_code == 1
    assert "2025-09-09 is after" in result.stderr


@pytest.mark.parametrize("command", [["trace", "agg_indicator_values:indicator_id=attendance_rate"], ["publications", "list"], ["quarantine", "list"]])
def test_before_the_first_run_it_says_to_run(command: list[str], folder: Path) -> None:
    result = call(*command, "--district", folder)
    assert result.exit_code == 1
    assert "throughline run --district" in result.stderr
    assert not (folder / "data").exists()


def test_synth_writes_a_district_and_refuses_a_full_folder(tmp_path: Path) -> None:
    arguments = ("synth", "--students", 60, "--days", 2, "--start", "2025-08-18", "--seed", 1, "--out", tmp_path / "d", "--clean")
    result = call(*arguments)
    assert result.exit_code == 0, result.output
    assert json.loads((tmp_path / "d" / "defects.json").read_text(encoding="utf-8")) == []
    again = call(*arguments)
    assert again.exit_code == 1
    assert "already holds files" in again.stderr


# progress


def test_plain_progress_is_lines_on_stderr_with_repeats_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    with show.progress("starting"):
        for text in ("taking a", "taking b", "taking c", "checking"):
            show.PROGRESS.info("%s", text)
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition("] ")[2] for line in lines] == ["starting", "taking a", "checking"]
    assert not logging.getLogger("throughline.progress").handlers


# figures


def test_a_figure_is_named_by_columns_or_by_its_key() -> None:
    assert parse_figure("agg_indicator_values:indicator_id=x, school_id=110") == {"indicator_id": "x", "school_id": "110"}
    key = "2026|110|^0|all|all|week|2025-09-08|attendance_rate|standard"
    assert parse_figure(f"agg_indicator_values:{key}") == {"value_key": key}


@pytest.mark.parametrize(
    "text", ["", "attendance_rate", "agg_indicator_values:", "agg_indicator_values:school_id=1", "agg_indicator_values:color=red,indicator_id=x"]
)
def test_what_names_no_figure_is_told_with_an_example(text: str) -> None:
    with pytest.raises(TraceError, match="indicator_id=attendance_rate"):
        parse_figure(text)


@pytest.fixture
def marts() -> duckdb.DuckDBPyConnection:
    db = duckdb.connect()
    db.execute("create schema marts")
    db.execute("""create table marts.agg_indicator_values as select '' as value_key, 2026 as school_year, school_id, null::varchar as grade_level,
        'all' as group_family, 'all' as group_value, 'year_to_date' as period_type, date '2025-07-01' as period_start, 'chronic_absence' as indicator_id,
        profile_id from (values (null::varchar), ('110')) s (school_id), (values ('edfacts'), ('district')) p (profile_id)""")
    return db


def test_what_is_not_said_is_the_district_and_what_is_open_is_asked(marts: duckdb.DuckDBPyConnection) -> None:
    found = find_figure(marts, {"indicator_id": "chronic_absence", "profile_id": "edfacts"})
    assert (found["school_id"], found["grade_level"]) == (None, None)
    with pytest.raises(TraceError, match="which profile_id: district, edfacts"):
        find_figure(marts, {"indicator_id": "chronic_absence"})
    with pytest.raises(TraceError, match=r"school_id=999; there are 110"):
        find_figure(marts, {"indicator_id": "chronic_absence", "school_id": "999"})


def test_every_measure_of_the_registry_can_be_traced() -> None:
    for measure in registry("measures"):
        assert measure["measure_id"] in EVIDENCE[measure["model"]]
        assert measure["fact"] in EVIDENCE[measure["model"]]


# explain


@pytest.mark.parametrize("indicator", [i["indicator_id"] for i in registry("indicators")])
def test_every_indicator_is_explained(indicator: str) -> None:
    result = call("explain", indicator)
    assert result.exit_code == 0, result.output
    for profile in (p for p in registry("indicator_profiles") if p["indicator_id"] == indicator):
        assert profile["profile_id"] in result.stdout
    assert "None" not in result.stdout


def test_explain_lists_indicators_and_says_which_there_are() -> None:
    assert "chronic_absence" in call("explain").stdout
    assert "attendance_rate" in call("explain", "happiness").stderr


# doctor


def weights(folder: Path) -> dict[str, str]:
    return {f.what: f.weight for f in doctor.examine(folder)}


def serious(folder: Path) -> str:
    return "\n".join(f.what for f in doctor.examine(folder) if f.weight == "serious")


def test_a_sound_set_up_has_nothing_serious(folder: Path) -> None:
    assert serious(folder) == ""
    result = call("doctor", "--district", folder)
    assert result.exit_code == 0
    assert "Nothing has been run yet" in result.stdout
    assert not (folder / "data").exists()


def test_settings_that_cannot_be_read_are_all_that_is_told(folder: Path) -> None:
    (folder / "district.toml").write_text("[district\n", encoding="utf-8")
    assert call("doctor", "--district", folder).exit_code == 1
    assert len(doctor.examine(folder)) == 1


def test_a_missing_landing_folder(folder: Path) -> None:
    (folder / "landing").rename(folder / "elsewhere")
    assert "no such folder" in serious(folder)


def test_files_that_nothing_reads_are_counted_with_examples(folder: Path) -> None:
    for n in range(5):
        (folder / "landing" / f"bus_{n}.csv").write_text("x\n", encoding="utf-8")
    (found,) = [w for w in weights(folder) if "read by nothing" in w]
    assert found.startswith("5 files")
    assert found.endswith("bus_0.csv; bus_1.csv; bus_2.csv; and 2 more.")


@pytest.mark.parametrize("content", [None, "code,absent_share,is_excused,is_tardy\n", "code\nP\n"])
def test_code_maps_without_rows(folder: Path, content: str | None) -> None:
    path = folder / "codes" / "attendance_codes.csv"
    path.unlink() if content is None else path.write_text(content, encoding="utf-8")
    assert "attendance_codes.csv" in serious(folder)


def test_what_the_ledger_tells(folder: Path) -> None:
    ledger = Ledger(folder / "data" / "ledger.sqlite")
    ledger.put(Run("r1", "2025-09-08T06:00:00", date(2025, 9, 8), status="running"))
    ledger.put(delivery("a.csv", status="blocked", why="mostly_bad_rows"), delivery("b.csv", business_date=date(2025, 9, 9)))
    found = weights(folder)
    assert any("cut off" in w and found[w] == "warning" for w in found)
    assert any("a.csv: More than half of the rows break a rule" in w and found[w] == "serious" for w in found)
    assert any("not yet judged: b.csv" in w and found[w] == "info" for w in found)
    ledger.put(Run("r2", "2025-09-09T06:00:00", date(2025, 9, 9), status="failed", message="the disk was full"))
    assert "failed: the disk was full" in serious(folder)
    ledger.put(delivery("a2.csv", status="accepted", precedence=2))
    assert "a.csv" not in serious(folder)
    ledger.close()
    assert json.loads(call("doctor", "--district", folder, "--json").stdout)[0]["weight"] == "serious"


def test_a_warehouse_that_is_gone(folder: Path) -> None:
    ledger = Ledger(folder / "data" / "ledger.sqlite")
    columns = ", ".join("'x'" for _ in range(9))
    ledger.rows(f"insert into publications values ({columns})")
    ledger.rows("update publications set as_of = '2025-09-08', status = 'published'")
    ledger.close()
    assert "nothing is to be seen there" in serious(folder)


# releases


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.sqlite")


def test_a_released_delivery_is_raw_again_with_the_rest_of_its_package(ledger: Ledger) -> None:
    stopped: dict[str, Any] = {"status": "blocked", "raw_path": "raw/x.parquet", "n_rows": 9, "n_quarantined": 9}
    ledger.put(
        delivery("p.zip!users.csv", **stopped, why="not_shrunken"),
        delivery("p.zip!orgs.csv", **stopped, why="package_is_whole"),
        delivery("q.zip!orgs.csv", **stopped, why="package_is_whole"),
        delivery("torn.csv", status="blocked", why="torn.csv: is cut short"),
    )
    again = release_delivery(ledger, "id-p.zip!users", "R. Example", "two schools closed")
    assert {d.name for d in again} == {"p.zip!users.csv", "p.zip!orgs.csv"}
    assert {d.name: (d.status, d.why, d.n_quarantined) for d in ledger.deliveries(status=("raw",))} == {
        "p.zip!users.csv": ("raw", "", 0), "p.zip!orgs.csv": ("raw", "", 0),
    }  # fmt: skip
    (kept,) = ledger.rows("select * from releases")
    assert (kept["delivery_id"], kept["table_name"], kept["released_by"], kept["reason"]) == ("id-p.zip!users.csv", "", "R. Example", "two schools closed")
    with pytest.raises(QuarantineError, match="could not be read"):
        release_delivery(ledger, "id-torn", "R. Example", "please")
    with pytest.raises(QuarantineError, match="no stopped deliveries"):
        release_delivery(ledger, "id-p.zip!users", "R. Example", "again")


def test_a_released_row_passes_and_only_that_row(ledger: Ledger) -> None:
    db, table = duckdb.connect(), ALL_TABLES["extract__attendance"]
    hold.ensure_tables(db, [table])
    db.execute("create table arrival.deliveries (delivery_id varchar, n_bad bigint)")
    row = "select 's1' as student_id, '110' as school_id, '2025-09-08' as attendance_date, ? as attendance_code, null as modality, false as _is_deleted, " \
          "? as _delivery_id, 'f.csv' as _file, ? as _line, ? as _defect, 1 as _precedence, date '2025-09-08' as _business_date, 'bulk' as _mode, " \
          "'attendance' as _source_id, 7::ubigint as _content"  # fmt: skip
    db.execute(f"create table arrival.extract__attendance as select *, false as _is_conflict, false as _is_repeat, false as _is_retried from ({row})",
               ["Q", "d1", 2, None])  # fmt: skip
    db.execute(f"insert into arrival.extract__attendance by name select *, false as _is_conflict, false as _is_repeat, false as _is_retried from ({row})",
               ["Q", "d2", 2, None])  # fmt: skip
    rules = [Rule(id="code_is_mapped", kind="row", bad_when="r.attendance_code = 'Q'", message="not mapped")]
    assert judge.judge(db, table, rules) == {"code_is_mapped": 2}
    db.execute("insert into quarantine.extract__attendance by name select * exclude (_is_conflict, _is_repeat, _is_retried), 'code_is_mapped' as _rule "
               "from arrival.extract__attendance where _delivery_id = 'd1'")  # fmt: skip
    (shown,) = quarantined_rows(db, "extract__attendance", None)
    assert shown["key"] == "s1|110|2025-09-08"

    release_row(db, ledger, "extract__attendance", shown["key"], "R. Example", "a late code")
    (kept,) = ledger.rows("select delivery_id, table_name, row_key from releases")
    judge.load_releases(db, [(kept["delivery_id"], kept["table_name"], kept["row_key"])])
    assert judge.judge(db, table, rules) == {"code_is_mapped": 2}, "the rule still counts it: the expectation is what it is"
    outcomes = dict(db.execute("select _delivery_id, _outcome from judged.extract__attendance").fetchall())
    assert outcomes == {"d1": "candidate", "d2": "quarantined"}
    with pytest.raises(QuarantineError, match="no row"):
        release_row(db, ledger, "extract__attendance", "s2|110|2025-09-08", "R. Example", "why not")
    db.execute("update quarantine.extract__attendance set _defect = 'too few cells'")
    with pytest.raises(QuarantineError, match="mend it at its source"):
        release_row(db, ledger, "extract__attendance", shown["key"], "R. Example", "why not")


@pytest.mark.parametrize("options", [[], ["--delivery", "x", "--table", "t"], ["--table", "t"], ["--key", "k"], ["--delivery", "x", "--key", "k"]])
def test_a_release_names_a_file_or_a_row(options: list[str], folder: Path) -> None:
    result = call("quarantine", "release", "--district", folder, "--by", "R. Example", "--reason", "x", *options)
    assert result.exit_code == 1
    assert "either --delivery ID, or --table T with --key K" in result.stderr


def test_cells_are_told_plainly() -> None:
    cells = (1234567, None, 0.5, Decimal("1.500"), datetime(2025, 9, 8).date(), "[x]")
    assert [show.number(v) for v in cells] == ["1,234,567", "", "0.5", "1.500", "2025-09-08", "[x]"]
    assert [show.table_words(t) for t in ("extract__attendance", "oneroster__line_items", "oneroster__users", "survey__answers")] == [
        "Attendance", "Gradebook: line items", "Roster: users", "Survey: answers",
    ]  # fmt: skip
    assert show.kind_words("") == "Unopened files"
    assert show.percent(0.9234) == "92.3 %"


@pytest.mark.parametrize(
    ("kind", "unit", "says", "alone"),
    [("share", "share of days", "92.3 %", "92.3 %"), ("share_of_people", "share of students", "92.3 %", "92.3 %"),
     ("mean", "days per student", "0.923 days per student", "0.923")],
)  # fmt: skip
def test_a_mean_is_told_in_its_unit_and_a_share_in_percent(kind: str, unit: str, says: str, alone: str) -> None:
    indicator = {"value_kind": kind, "unit": unit}
    assert show.figure(0.9234, indicator) == says
    assert show.figure(0.9234, indicator, with_unit=False) == alone
    assert show.figure(None, indicator) == ""


def held(indicator: str, school: str, since: str) -> dict[str, Any]:
    return {"indicator_id": indicator, "school_id": school, "verdict": "held", "why": "w", "data_as_of": since}


@pytest.mark.parametrize(
    ("verdicts", "waiting", "says"),
    [
        ([held("a", "", "")], 0, "In short: no figure went out; not out yet: Rate A. What"),
        (
            [held("a", s, "2025-09-05") for s in "1234"],
            1,
            "their last good value: Rate A at 4 schools (data to 2025-09-05). Also: 1 thing left for",
        ),
        (
            [held(i, "", "2025-09-05") for i in "ba"],
            0,
            "are out; these keep their last good value: Rate B, Rate A (data to 2025-09-05). What",
        ),
        ([], 2, "In short: the figures to 2025-09-08 are out, all of them. Also: 2 things left for the next run. What"),
        ([], 0, "Nothing is held back."),
    ],
)
def test_a_night_in_short(verdicts: list[dict[str, Any]], waiting: int, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    left = [{"name": "x", "why": "x: w"}] * waiting
    n_slices = 1 if verdicts and not verdicts[0]["data_as_of"] else 9
    night = SimpleNamespace(
        as_of="2025-09-08", verdicts=verdicts, waiting=left, deliveries=(), n_slices=n_slices, publication_id="p", location="", how_to_open=""
    )
    show.run(show.console(), "Maple Hollow", night, [], [], [], {"a": "Rate A", "b": "Rate B"}, [])
    text = " ".join(capsys.readouterr().out.split())
    assert says in text
    assert ("In short" in text) == ("Nothing is held back" not in text)


def test_what_the_readme_has_people_paste_is_a_command() -> None:
    """Its Python compiles as the shell hands it on, and its `throughline` lines are taken by the command line."""
    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    pasted = shlex.split(next(block for block in text.split("```") if "python -c" in block).strip())
    assert pasted[1] == "-c"
    compile(pasted[2], "README.md", "exec")
    lines = [shlex.split(line, comments=True) for line in text.splitlines() if line.startswith("throughline ")]
    assert lines
    for words in lines:
        assert call(*words[1:], "--help").exit_code == 0, words
