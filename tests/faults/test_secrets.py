"""Passwords, social security numbers and the like: dropped before raw whatever the format, reported by column, never by value, found nowhere afterwards."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipelines.intake.secret import LIST, why_secret
from pipelines.lineage.ledger import Delivery
from pipelines.sources import FORMATS, oneroster
from tests.landing import ATTENDANCE, HEADER, ONEROSTER, Desk, manifest, zipped

SECRET = "Tr0ub4dor-and-3"  # the value that must be nowhere
NAME = "attendance/a_2025-08-18.csv"
JSON_LINES: dict[str, Any] = ATTENDANCE | {"path": "attendance/*", "file_type": "jsonl"}


def everything_below(folder: Path) -> str:
    """The bytes of every file, and every cell of every Parquet file (which are compressed), as one text."""
    out = []
    for path in folder.rglob("*"):
        if path.is_file():
            out.append(path.read_bytes().decode("utf-8", "replace"))
            if path.suffix == ".parquet":
                out += [str(cell) for column in pq.read_table(path, partitioning=None).to_pydict().values() for cell in column]
    return "\n".join(out)


def assert_gone(desk: Desk, taken: tuple[Delivery, ...] | list[Delivery], *values: str) -> None:
    everything = everything_below(desk.folder / "data") + str(taken) + str(desk.said)
    for value in values:
        assert value not in everything, "a secret value was kept"


@pytest.mark.parametrize(
    "name",
    [
        "Password", "PASSWORD", " pass word ", "pass_word", "userPassword", "student.login.password", "Passwd", "pwd", "UserPWD", "passcode", "pass-code",
        "SSN", "ssn", "S.S.N.", "StudentSSN", "studentssn", "ssn_last4", "SSN Last 4", "Social Security", "socialSecurityNumber", "SOCIAL_SECURITY_NUM",
        "client_secret", "Secret", "access token", "AccessToken", "token", "Bank Account", "bank_account_number", "bank.account", "API key", "Contraseña",
        "Ｐａｓｓｗｏｒｄ", "Driver's License".replace("'", ""),
    ],
)  # fmt: skip
def test_names_on_the_list(name: str) -> None:
    assert why_secret(name)


@pytest.mark.parametrize(
    "name",
    ["className", "classname", "CLASSNAME", "lesson", "session", "passed", "Passing Grade", "secretary", "tokenized", "account", "Student Number", "State ID",
     "pin", "compass", "bank", "security level", "upwards", "assignment", ""],
)  # fmt: skip
def test_names_that_are_not(name: str) -> None:
    assert why_secret(name) == ""


def test_the_list_is_whole_and_spares_every_column_that_a_format_reads() -> None:
    with LIST.open(encoding="utf-8") as f:
        rows = list(csv.DictReader(f))
    assert {row["match"] for row in rows} == {"word", "anywhere"}
    assert all(row["pattern"] and row["why"] and why_secret(row["pattern"]) for row in rows)
    assert len({row["pattern"] for row in rows}) == len(rows)
    read = {c for f in FORMATS.values() for t in f.tables.values() for c in t.columns}
    read |= {c for file in oneroster.FILES for v in ("1.1", "1.2") for c in oneroster.header(file, v) or ()} - set(oneroster.FORMAT.redacted)
    assert [c for c in sorted(read) if why_secret(c)] == []


def test_a_listed_column_is_dropped_and_named_without_its_values(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.put(NAME, f"student,pass word,school,day,code\ns1,{SECRET},k1,2025-08-18,P\n")
    d = desk.one()
    assert d.warnings == (
        "secret: column 'pass word' is not kept, by the built-in list (a password); name it in keep of its source to let it stay",
        "redacted: pass word not kept",
    )
    assert [r["school"] for r in desk.raw(d)] == ["k1"]
    assert_gone(desk, [d], SECRET)


def test_keep_lets_a_column_of_the_list_stay_and_no_other(tmp_path: Path) -> None:
    desk = Desk(tmp_path, [ATTENDANCE | {"keep": ["Token ", "ref"], "redact": ["secret"]}])
    desk.put(NAME, f"student,TOKEN,secret,pwd,ref\ns1,t1,{SECRET},{SECRET},123-45-6789\n")
    d = desk.one()
    ((row),) = desk.raw(d)
    assert (row["TOKEN"], row["ref"]) == ("t1", "123-45-6789")
    assert "secret" not in row
    assert "pwd" not in row
    assert_gone(desk, [d], SECRET)


@pytest.mark.parametrize(
    "lines",
    [
        f"s1,{SECRET},x\ns2,x,{SECRET},y\ns3,x,y,{SECRET},z\n",  # too many cells
        f"{SECRET}\ns1,{SECRET}\n",  # too few
        f's1,"{SECRET}\ns2,{SECRET},x\n',  # a quotation mark never closed
        f's1,"{SECRET}\n{SECRET}",x,y\n\ns2,{SECRET},x\n',  # line breaks in cells, and ragged
        f"s1,{SECRET}{'x' * 140_000},x\n",  # a cell that is too long
    ],
    ids=["many", "few", "unclosed", "breaks", "long"],
)
@pytest.mark.parametrize("header", ["student,Password,note", 'student,"Password,note', "student;Password;note"], ids=["plain", "unclosed", "divided otherwise"])
def test_lines_that_are_not_well_formed_do_not_bring_it_back(tmp_path: Path, lines: str, header: str) -> None:
    desk = Desk(tmp_path)
    desk.put(NAME, f"{header}\n{lines}")
    taken = desk.take().taken
    assert len(taken) == 1
    assert_gone(desk, taken, SECRET)


def test_in_json_it_is_dropped_from_objects_lists_and_broken_lines(tmp_path: Path) -> None:
    desk = Desk(tmp_path, [JSON_LINES | {"redact": ["contacts.phone"]}])
    objects = [
        {"student": "s1", "login": {"Pass_Word": SECRET, "name": "ana"}, "SSN": {"number": SECRET}},
        {"student": "s2", "contacts": [{"name": "Bo", "phone": SECRET, "bankAccount": {"iban": SECRET}}, {"deep": [[{"token": SECRET}]]}]},
    ]
    broken = f'{{"student": "s3", "password": "{SECRET}"\n'
    desk.put("attendance/a_2025-08-18.jsonl", "".join(json.dumps(o) + "\n" for o in objects) + broken)
    d = desk.one()
    rows = desk.raw(d)
    assert (rows[0]["login.name"], rows[1]["contacts"]) == ("ana", '[{"name":"Bo"},{"deep":[[{}]]}]')
    assert rows[2]["_defect"].startswith("not readable as JSON")
    assert "redacted: login.Pass_Word, SSN.number, contacts.phone, contacts.bankAccount, contacts.deep.token not kept" in d.warnings
    assert_gone(desk, [d], SECRET)


def test_a_broken_line_of_json_alone_does_not_bring_it_back(tmp_path: Path) -> None:
    desk = Desk(tmp_path, [JSON_LINES])
    desk.put("attendance/a_2025-08-18.jsonl", f'{{"student": "s1"}}\n{{"passWord": "{SECRET}"\n{{"ref": "123-45-6789"\n{{"code": "P"\n')
    rows = desk.raw(d := desk.one())
    assert [r["_text"] for r in rows] == [None, None, None, '{"code": "P"']
    assert rows[1]["_defect"].endswith("its text is left out, as it may hold a secret")
    assert_gone(desk, [d], SECRET, "123-45-6789")


def test_a_column_whose_values_look_like_ssns_is_dropped_whatever_its_name(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    numbers = [f"{100 + i:03}-{10 + i % 80:02}-{1000 + i:04}" for i in range(300)]
    lines = [f"s{i},k1,2025-08-18,P,{n},555-123-4567,{n if i % 3 == 0 else 'none'}\n" for i, n in enumerate(numbers)]
    desk.put(NAME, HEADER.strip() + ",Ref No,phone,remark\n" + "".join(lines) + "s301,k1,2025-08-18,P,999-99-9999\n")
    d = desk.one()
    rows = desk.raw(d)
    assert "Ref No" not in rows[0]
    assert rows[0]["phone"] == "555-123-4567"
    assert sum(r["remark"] == "none" for r in rows) == 200, "a column with some such numbers in it is not one of them"
    assert d.n_rows == 301
    assert [w for w in d.warnings if "'Ref No' is not kept, as its values look like social security numbers" in w]
    assert_gone(desk, [d], "999-99-9999", numbers[1])


def test_ssns_that_begin_late_in_a_file_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blank at first: what is judged are rows from all over the file."""
    monkeypatch.setattr("pipelines.intake.write.GROUP_ROWS", 1_000)
    desk = Desk(tmp_path)
    lines = [f"s{i},k1,2025-08-18,P,{'' if i < 8_000 else '123-45-6789'}\n" for i in range(10_000)]
    desk.put(NAME, HEADER.strip() + ",ref\n" + "".join(lines))
    d = desk.one()
    assert_gone(desk, [d], "123-45-6789")


def test_in_a_package(tmp_path: Path) -> None:
    desk = Desk(tmp_path, [ONEROSTER])
    orgs = f"sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId,metadata.apiKey\no1,,,Maple Hollow,school,,,{SECRET}\n"
    desk.put("oneroster/2025-08-18/p.zip", zipped({"manifest.csv": manifest(orgs="bulk"), "orgs.csv": orgs}))
    d = desk.one()
    assert d.status == "raw"
    assert "redacted: metadata.apiKey not kept" in d.warnings
    assert_gone(desk, [d], SECRET)


def test_the_plain_passwords_of_contoso_are_nowhere(tmp_path: Path, shared_data: Path) -> None:
    """Microsoft's OEA sample: `Password` is a column of students, in plain text."""
    landing = shared_data / "oea" / "contoso_sis"
    source = ATTENDANCE | {"id": "students", "path": "*/students/*.csv", "business_date": "2021-07-01"}
    attendance = ATTENDANCE | {"path": "*/studentattendance/*.csv", "business_date": "2021-07-01"}
    passwords = set()
    for path in landing.glob("*/students/*.csv"):
        with path.open(newline="", encoding="utf-8-sig") as f:
            passwords |= {row["Password"] for row in csv.DictReader(f)}
    assert len(passwords) >= 2
    desk = Desk(tmp_path, [source, attendance], landing=str(landing))
    taken = desk.take().taken
    assert len(taken) == 4
    assert all(d.status == "raw" for d in taken)
    everything = everything_below(tmp_path / "data")
    assert "albertibarra1" in everything, "the search does not see what was kept"
    assert_gone(desk, taken, *passwords)
    assert sum("redacted: Password not kept" in d.warnings for d in taken) == 2
