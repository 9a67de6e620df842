"""Fixed-width files and Excel workbooks through intake: every cell as text, with the line or the row it stands in; and broken ones, named with a remedy."""

from __future__ import annotations

import base64
import datetime as dt
import io
import zipfile
import zlib
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pipelines.district import Source
from pipelines.intake.excel import text_of
from tests.landing import ATTENDANCE, Desk

WIDTHS = {"student_id": [1, 6], "school_id": [8, 10], "attendance_date": [11, 20], "attendance_code": [21, 22]}
CELL = st.text("abcÅß 0123", min_size=4, max_size=4)
DAY = "attendance/2025-09-08.txt"
BOOK = "attendance/2025-09-08.xlsx"
# Written by xlwt: sheet Days, rows id/day/mark, 007 as text, 8 September 2025 as a date, 66.5 as a number.
XLS = """eNrtWEtoE1EUPW8yaT6k+ZkKrVBCwaq1hYoL3bRTJdpVSu3GD4KmJkiJphLdxI3VmqUguFLcFOrCTdWNH1TQnQulogtBEBJddiUouGgz3nszI2lVaFALlXeGd96997077877zszr+Vhl5l5HFSswCA
9qdgAtDTZFKeAqUVC5bbPo5n5Ktsa6QsBPA9nixePWlz4eQx7vKgzcNZ8TAx8pHcUZjEwWcsk1xF6JIaM4hgFihZtkCaNdoooLnxDeIHxHaj4RHhLLFeEBqltRRzBvjfTsdmbxIaNLysLg+z4Qn/di
2YE2vOBZfOGqqtf1Yk9xInNqnRV0miHMggZ0OFfIFVmP4BaCwGFCXzrdl0pVkKDBnsVXOwl8cVf1s6S2r61dgezfltt9v7H7aRBX2q8ZJjAF+7gskjJC8JlcYiKVKZ1dpNqmaOAJPpH1ANlMidTTmW
KelP7+XUHe1mUbiC7bBlpleYSIs4iIHJNFEqU4Fm9/fpMeH7WOiWVKtv76AbGZ44GNi+xBzmEpMYSpPfSIvF34ktx1k8gdwgmawZR3j7Y5wv5pqXNZSrupnZ2Ct9aWBnkryeWFAw87y5+sbSTPDVfP
J+beWTPoogMrS/58TaNX9aob1xmPLDdXzmbyQbj9p43Fb0Sd2G3nFIxgiZcSISZc17h31A/NcPqKvdUvvJV4c388pfY5ujjGXrHXwkn2HjTiuC+dNtRwAAehoaGhoaGhoaGh8UdQzsu5x/lI8Dov/z
7nv84SpZr+TfLfYgyTdJ2jz8R9KFBeRKmp+bMRXuXeS63Sx/1fyDhIrReRx7jEkW96/tLHm2p8nlU7Rv/eEmq2/Vozcf7j9r8DXQ7O4A=="""


def desk(folder: Path, **settings_: Any) -> Desk:
    return Desk(folder, [{**ATTENDANCE, "columns": {}, **settings_}])


def workbook(sheets: dict[str, list[list[Any]]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def cells(d: Desk) -> list[dict[str, Any]]:
    delivery = d.one()
    assert delivery.why == ""
    return [{k: v for k, v in row.items() if not k.startswith("_")} for row in d.raw(delivery)]


# -- fixed width


def test_a_fixed_width_file(tmp_path: Path) -> None:
    d = desk(tmp_path, file_type="fixed", widths=WIDTHS)
    d.put(DAY, "000017 1102025-09-08A \n000018 1102025-09-08\n\n000019 1112025-09-08PX\n")
    delivery = d.one()
    rows = d.raw(delivery)
    assert [(r["_line"], r["student_id"], r["school_id"], r["attendance_date"], r["attendance_code"]) for r in rows] == [
        (1, "000017", "110", "2025-09-08", "A "),
        (2, "000018", "110", "2025-09-08", ""),
        (4, "000019", "111", "2025-09-08", "PX"),
    ]
    assert delivery.warnings == ("blank_lines: 1 passed over",)
    assert set(rows[0]) == {*WIDTHS, "_delivery_id", "_file", "_line", "_defect", "_text"}


def test_a_header_line_is_no_row_where_the_settings_say_so(tmp_path: Path) -> None:
    d = desk(tmp_path, file_type="fixed", widths=WIDTHS, header_row=1)
    d.put(DAY, "NUMBER SCHDAY       CD\n000017 1102025-09-08A \n")
    assert [r["_line"] for r in d.raw(d.one())] == [2]


def test_what_no_width_names_is_kept_under_its_place(tmp_path: Path) -> None:
    d = desk(tmp_path, file_type="fixed", widths=WIDTHS, redact=["characters 7-7"])
    d.put(DAY, "000017#1102025-09-08A late bus\n")
    delivery = d.one()
    (row,) = d.raw(delivery)
    assert row["characters 23-"] == "late bus"
    assert "characters 7-7" not in row
    assert "redacted: characters 7-7 not kept" in delivery.warnings


def test_a_file_that_is_cut_off(tmp_path: Path) -> None:
    d = desk(tmp_path, file_type="fixed", widths=WIDTHS)
    d.put(DAY, "000017 1102025-09-08A \n000018 1102025-09-08A \n000019 1102025-")
    rows = d.raw(d.one())
    assert [bool(r["_defect"]) for r in rows] == [False, False, True]
    assert "cut off" in rows[2]["_defect"]


@settings(max_examples=40, deadline=None)
@given(
    table=st.lists(
        st.lists(st.text("abcÅß 0123", min_size=4, max_size=4), min_size=4, max_size=4).filter(lambda r: "".join(r).strip()), min_size=1, max_size=30
    )
)
def test_any_table_comes_back_character_by_character(table: list[list[str]], tmp_path_factory: pytest.TempPathFactory) -> None:
    names = list(WIDTHS)
    d = desk(tmp_path_factory.mktemp("fixed"), file_type="fixed", widths={n: [1 + 4 * i, 4 + 4 * i] for i, n in enumerate(names)})
    d.put(DAY, "".join("".join(row) + "\r\n" for row in table))
    assert [[r[n] for n in names] for r in d.raw(d.one())] == table


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"file_type": "fixed"}, "needs them: widths"),
        ({"widths": {"a": [1, 2]}}, "widths go with file_type = 'fixed'"),
        ({"file_type": "fixed", "widths": {"a": [1, 5], "b": [5, 6]}}, "overlap"),
        ({"file_type": "fixed", "widths": {"a": [0, 5]}}, "counted from 1"),
        ({"sheet": "Days"}, "sheet goes with file_type = 'excel'"),
        ({"header_row": 2}, "header_row goes with"),
        ({"delimiter": "||"}, "delimiter"),
    ],
)
def test_settings_that_do_not_fit_together(changed: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        Source(**{**ATTENDANCE, **changed})


@pytest.mark.parametrize("delimiter", ["\t", "|", ";"])
def test_any_delimiter(tmp_path: Path, delimiter: str) -> None:
    d = desk(tmp_path, delimiter=delimiter)
    d.put(DAY, "student_id,school_id,day\n007,110,2025-09-08\n".replace(",", delimiter))
    assert cells(d) == [{"student_id": "007", "school_id": "110", "day": "2025-09-08"}]


# -- Excel


def test_cells_as_a_person_reads_them(tmp_path: Path) -> None:
    d = desk(tmp_path, file_type="excel")
    moment = dt.datetime(2025, 9, 8, 8, 15, 3)
    d.put(
        BOOK,
        workbook(
            {"Days": [["id", "day", "mark", "at", "here"], ["007", dt.date(2025, 9, 8), 66.0, moment, True], [], [1234567, None, 0.1 + 0.2, None, False]]}
        ),
    )
    delivery = d.one()
    assert [{k: r[k] for k in ("_line", "id", "day", "mark", "at", "here")} for r in d.raw(delivery)] == [
        {"_line": 2, "id": "007", "day": "2025-09-08", "mark": "66", "at": "2025-09-08 08:15:03", "here": "TRUE"},
        {"_line": 4, "id": "1234567", "day": "", "mark": "0.3", "at": "", "here": "FALSE"},
    ]
    assert delivery.warnings == ("blank_lines: 1 passed over",)


@pytest.mark.parametrize(("value", "text"), [(1e-7, "0.0000001"), (1e15, "1000000000000000"), (-0.5, "-0.5"), (100.0, "100"), (dt.time(8, 15), "08:15:00")])
def test_numbers_are_written_out(value: Any, text: str) -> None:
    assert text_of(value) == text


def test_a_sheet_by_name_by_place_and_a_header_further_down(tmp_path: Path) -> None:
    book = workbook({"Cover": [["Maple Hollow"]], "Days": [["Attendance of the week"], [], ["id", "day"], ["7", "2025-09-08"]]})
    for sheet in (" days", 2):
        d = desk(tmp_path / str(sheet), file_type="excel", sheet=sheet, header_row=3)
        d.put(BOOK, book)
        rows = d.raw(d.one())
        assert [(r["_line"], r["id"], r["day"]) for r in rows] == [(4, "7", "2025-09-08")]


def test_several_sheets_with_data_and_none_named(tmp_path: Path) -> None:
    d = desk(tmp_path, file_type="excel")
    d.put(BOOK, workbook({"Empty": [], "First": [["id"], ["1"]], "Second": [["id"], ["2"]]}))
    delivery = d.one()
    assert [r["id"] for r in d.raw(delivery)] == ["1"]
    assert delivery.warnings == ("several_sheets: 'First' is read and 'Second' not; set sheet of source attendance in district.toml to say which",)


def test_an_old_workbook(tmp_path: Path) -> None:
    d = desk(tmp_path, file_type="excel")
    d.put("attendance/2025-09-08.xls", zlib.decompress(base64.b64decode(XLS)))
    rows = d.raw(d.one())
    assert [(r["_line"], r["id"], r["day"], r["mark"]) for r in rows] == [(2, "007", "2025-09-08", "66.5")]


def bomb(entries: dict[str, bytes]) -> bytes:
    """A workbook with entries added or replaced."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook({"Days": [["id"], ["1"]]}))) as good, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bad:
        for e in good.infolist():
            if e.filename not in entries:
                bad.writestr(e.filename, good.read(e))
        for name, content in entries.items():
            bad.writestr(name, content)
    return out.getvalue()


FAR = (
    b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1"><v>1</v></c></row>'
    b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData></worksheet>'
)
GOOD = workbook({"Days": [["id"], ["1"]]})


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"student_id,school_id\n1,2\n", "is not an Excel workbook; set file_type of source attendance in district.toml"),
        (GOOD[: len(GOOD) // 2], "cut short or damaged"),
        (bomb({"xl/worksheets/sheet1.xml": b"<worksheet><sheetData><row"}), "damaged"),
        (bomb({"xl/media/image1.png": b"\0" * 20_000_000}), "unpacks to over 200 times its size"),
        (bomb({"xl/media/image1.bin": zlib.compress(b"") + bytes(i * 7 % 251 for i in range(3_000)) * 1100}), "intake.max_workbook_bytes"),
        (bomb({"xl/worksheets/sheet1.xml": FAR}), "reach over 1,048,576 rows and 16,384 columns"),
        (bomb({"xl/workbook.bin": b"x"}), "binary workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le") + bytes(600), "with a password"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000), "the workbook is damaged"),
        (workbook({"Days": []}), "holds no data in any sheet"),
        (workbook({"Days": [["id", "day", "id"], ["1", "2", "3"]]}), "row 1 of sheet 'Days': names a column twice"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_broken_workbooks_are_named(tmp_path: Path, content: bytes, told: str) -> None:
    d = desk(tmp_path, file_type="excel")
    d.intake["max_workbook_bytes"] = 25_000_000 if "max_workbook_bytes" not in told else 1_000_000
    d.put(BOOK, content)
    delivery = d.one()
    assert delivery.status == "blocked"
    assert delivery.why.startswith(BOOK)
    assert told in delivery.why


def test_a_sheet_that_is_not_there(tmp_path: Path) -> None:
    d = desk(tmp_path, file_type="excel", sheet="Marks")
    d.put(BOOK, workbook({"Days": [["id"], ["1"]]}))
    assert d.one().why == f"{BOOK}: has no sheet 'Marks', but 'Days'; set sheet of source attendance in district.toml"


def test_a_workbook_where_text_was_expected_names_the_setting(tmp_path: Path) -> None:
    d = desk(tmp_path)
    d.put(BOOK, GOOD)
    assert 'set file_type = "excel"' in d.one().why


def test_redacted_columns_of_a_workbook_do_not_reach_raw(tmp_path: Path) -> None:
    d = desk(tmp_path, file_type="excel", redact=["password"])
    d.put(BOOK, workbook({"Days": [["id", "Password"], ["1", "maple-secret"]]}))
    delivery = d.one()
    assert "maple-secret" not in str(pq.read_table(d.district.data / delivery.raw_path, partitioning=None).to_pylist())
    assert delivery.warnings == ("redacted: Password not kept",)
