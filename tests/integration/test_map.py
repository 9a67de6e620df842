"""`throughline map`: the drafted block runs as it stands; nothing of a person is printed; what stays open is said."""

from __future__ import annotations

import csv
import json
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pipelines.cli import cli
from pipelines.district import load_district
from pipelines.intake.take import take
from pipelines.lineage.ledger import Ledger
from tests.integration.test_dates_by_evidence import Door, rows_of
from tests.landing import ONEROSTER
from tests.unit.test_file_types import workbook

DISTRICT = """[district]
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
path = "nowhere/*.csv"

"""
NAMES = ("Ada Example", "Grace Sample", "Édith Échantillon")
ROWS = [(f"{100017 + i}", NAMES[i % 3] + str(i), "110", f"{9 + i // 20}/{i % 20 + 8}/2025", "PAT"[i % 3]) for i in range(60)]
HEADER = ("Student Number", "Student Name", "School Number", "Att. Date", "AttendanceCode")


def tell(*arguments: object) -> tuple[str, str, dict[str, Any]]:
    """What is shown, the drafted TOML, and the JSON."""
    shown = CliRunner().invoke(cli, ["map", *map(str, arguments)])
    found = json.loads(CliRunner().invoke(cli, ["map", *map(str, arguments), "--json"]).stdout)
    assert shown.exit_code == 0, shown.output
    return shown.stdout, found["toml"], found


def _bytes(kind: str) -> tuple[str, bytes]:
    if kind == "excel":
        return "xlsx", workbook({"Days": [list(HEADER), *(list(r) for r in ROWS)]})
    if kind == "fixed":
        return "txt", "".join(f"{a:<16}{b:<24}{c:<15}{d:<12}{e}\n" for a, b, c, d, e in (HEADER, *ROWS)).encode()
    sign = {"comma": ",", "tab": "\t", "semicolon": ";", "pipe": "|"}[kind]
    return "csv", "".join(sign.join(r) + "\r\n" for r in (HEADER, *ROWS)).encode("cp1252" if kind == "semicolon" else "utf-8")


@pytest.mark.parametrize("kind", ["comma", "tab", "semicolon", "pipe", "fixed", "excel"])
def test_the_block_reads_the_file_that_it_was_drafted_from(tmp_path: Path, kind: str) -> None:
    suffix, content = _bytes(kind)
    file = tmp_path / "landing" / "days" / f"attendance_2025-10-15.{suffix}"
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    settings = tmp_path / "district.toml"
    settings.write_text(DISTRICT, encoding="utf-8")
    shown, toml, found = tell(file, "--district", tmp_path)

    assert not [n for n in NAMES if n in shown or n in json.dumps(found, ensure_ascii=False)]
    assert not [r[0] for r in ROWS if r[0] in shown or r[0] in json.dumps(found)]
    assert found["codes"] == {"attendance_code": [["A", 20], ["P", 20], ["T", 20]]}
    assert [c["name"] for c in found["unread"]] == ["Student Name"]
    assert {p["ours"]: p["theirs"] for p in found["places"]} == {
        "student_id": HEADER[0], "school_id": HEADER[2], "attendance_date": HEADER[3], "attendance_code": HEADER[4], "modality": "",
        "minutes_absent": "", "minutes_scheduled": "",
    }  # fmt: skip
    assert next(p["why"] for p in found["places"] if p["ours"] == "attendance_date").endswith("dates read as %m/%d/%Y")

    settings.write_text(DISTRICT + toml, encoding="utf-8")
    district = load_district(tmp_path)
    assert [s.id for s in district.sources] == ["attendance", "attendance_2"]
    ledger = Ledger(district.data / "ledger.sqlite")
    (delivery,) = take(district, ledger, "run-1", date(2025, 12, 31), lambda text: None).taken
    assert (delivery.business_date, delivery.n_rows, delivery.why) == (date(2025, 10, 15), 60, "")
    ledger.close()


def test_the_block_goes_through_the_gate(tmp_path: Path, shared_data: Path) -> None:
    path = shared_data / "oea" / "batches" / "studentattendance-2.csv"
    assert 'table = "attendance_periods"' in tell(path)[1], "the file has a period and a section for each row"
    _, toml, _ = tell(path, "--table", "attendance")
    (block,) = tomllib.loads(toml)["sources"]
    door = Door(tmp_path, [ONEROSTER, block])
    door.enroll(((r["student_id"], r["school_id"]) for r in rows_of(path)), "2020-01-01")
    door.put("studentattendance_2/studentattendance-2.csv", path.read_bytes())
    (found,) = door.night(date(2030, 1, 1)).values()
    assert (found.status, found.n_accepted, found.n_duplicate) == ("accepted", 16, 4)


def test_nothing_of_a_person_is_shown_of_other_peoples_files(shared_data: Path) -> None:
    for path in sorted((shared_data / "oea" / "contoso_sis").rglob("*.csv")):
        shown, toml, found = tell(path)
        tomllib.loads(toml)
        with path.open(newline="", encoding="utf-8-sig") as f:
            for row in csv.DictReader(f):
                private = {v for k, v in row.items() if k in ("Username", "Password", "First Name", "Last Name", "Birthdate", "Secondary Email") and len(v) > 2}
                assert not [v for v in private if v in shown or v in str(found)]
        # the built-in list drops the password before anything is drafted, and says so
        assert "Password" not in [c["name"] for c in found["unread"]]
        assert ("redacted: Password not kept" in found["remarks"]) == ("Password" in path.read_text(encoding="utf-8-sig"))


def test_what_stays_open_is_said(tmp_path: Path) -> None:
    file = tmp_path / "days.csv"
    file.write_text("Student Number,Date,Code\n" + "".join(f"{i},05/09/2025,P\n" for i in range(30)), encoding="utf-8")
    shown, toml, found = tell(file, "--table", "attendance")
    (block,) = tomllib.loads(toml)["sources"]
    assert "date_formats" not in block
    assert '# date_formats.attendance_date = "%m/%d/%Y"  # say which: every value can be %m/%d/%Y and can be %d/%m/%Y' in toml
    assert '# columns.school_id = "?"  # needed' in toml
    assert next(p for p in found["places"] if p["ours"] == "school_id")["theirs"] == ""
    assert "not found" in shown


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"a,b\n", "has a header and no rows"),
        (b"x,y\n1,2\n", "none of its 2 columns"),
        (b"\0\1\2\n", "NUL"),
        (b"PK\x03\x04 cut", "cut short or damaged"),
    ],
)
def test_files_that_cannot_be_drafted(tmp_path: Path, content: bytes, told: str) -> None:
    file = tmp_path / "days.csv"
    file.write_bytes(content)
    result = CliRunner().invoke(cli, ["map", str(file)])
    assert result.exit_code == 1
    assert told in result.stderr
    assert "not foreseen" not in result.stderr
