from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.district import Source
from pipelines.intake import write
from pipelines.intake.columns import columns_of
from pipelines.intake.examine import examine, line_breaks
from pipelines.intake.write import Written, write_raw

PLACES = ("_line", "_defect", "_text")


def _read(tmp_path: Path, content: bytes, redacted: tuple[str, ...] = (), **of_source: Any) -> tuple[Written, list[dict[str, Any]]]:
    source = Source.model_validate({"id": "s", "format": "extract", "table": "attendance", "path": "x", **of_source})
    path, target = tmp_path / "in.csv", tmp_path / "out.parquet"
    path.write_bytes(content)
    examined = examine(path, "in.csv", source.encoding, "encoding")
    assert examined.why == ""
    written = write_raw(path, target, "in.csv", "d1", source, examined, redacted)
    rows: list[dict[str, Any]] = pq.read_table(target).sort_by("_line").to_pylist() if written.columns else []
    assert written.n_rows == len(rows)
    assert all(r["_delivery_id"] == "d1" and r["_file"] == "in.csv" for r in rows)
    return written, rows


def _cells(rows: list[dict[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(r[n] for n in (*names, "_line")) for r in rows]


def test_cells_are_kept_as_delivered(tmp_path: Path) -> None:
    written, rows = _read(tmp_path, b'a,b,c\n 007 ,"x, ""y""",\nNULL,NA,1.50\n')
    assert _cells(rows, "a", "b", "c") == [(" 007 ", 'x, "y"', "", 2), ("NULL", "NA", "1.50", 3)]
    assert all(r["_defect"] is None and r["_text"] is None for r in rows)
    assert written.warnings == ()


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("a,b\né,2\n".encode(), "utf-8"),
        ("\ufeffa,b\né,2\n".encode(), "utf-8"),
        ("\ufeffa,b\né,2\n".encode(), "cp1252"),
        ("a,b\né,2\n".encode("utf-16"), "utf-8"),
        ("a,b\né,2\n".encode("cp1252"), "cp1252"),
        ("a,b\r\né,2".encode(), "utf-8"),
        ("a,b\ré,2\r".encode(), "utf-8"),
    ],
)
def test_encodings_and_line_ends(tmp_path: Path, content: bytes, encoding: str) -> None:
    _, rows = _read(tmp_path, content, encoding=encoding)
    assert _cells(rows, "a", "b") == [("é", "2", 2)]


def test_lines_are_physical_lines(tmp_path: Path) -> None:
    written, rows = _read(tmp_path, b'\na,b\r\n1,"x\ny"\r\n\r\n2,z\r3,w')
    assert _cells(rows, "a", "b") == [("1", "x\ny", 3), ("2", "z", 6), ("3", "w", 7)]
    assert written.warnings == ("blank_lines: 2 passed over",)


def test_blank_lines_are_passed_over_and_counted(tmp_path: Path) -> None:
    written, rows = _read(tmp_path, b"a,b\n\n1,2\n\n3\n4,5\n\n")
    assert _cells(rows, "a", "b") == [("1", "2", 3), ("3", None, 5), ("4", "5", 6)]
    assert written.warnings == ("blank_lines: 3 passed over", "defects: 1 of 3 lines are not well formed")
    assert _read(tmp_path, b"a\n\n1\n")[0].warnings == ("blank_lines: 1 passed over",)


def test_ragged_rows_keep_their_text_and_cells(tmp_path: Path) -> None:
    written, rows = _read(tmp_path, b"a,b\n1\n1,2\n1,2,3\n")
    assert _cells(rows, "a", "b") == [("1", None, 2), ("1", "2", 3), ("1", "2", 4)]
    assert [r["_defect"] for r in rows] == ["1 cell where the header has 2", None, "3 cells where the header has 2"]
    assert [r["_text"] for r in rows] == ["1", None, "1,2,3"]
    assert written.warnings == ("defects: 2 of 3 lines are not well formed",)


@pytest.mark.parametrize("after", ["", "\n" + "\n".join(f"{i},x" for i in range(30_000))])
def test_a_stray_quotation_mark_spoils_its_own_line_only(tmp_path: Path, after: str) -> None:
    _, rows = _read(tmp_path, f'a,b\n1,x\n2,"y\n3,z{after}'.encode())
    assert [(r["a"], r["_line"]) for r in rows][:3] == [("1", 2), ("2", 3), ("3", 4)]
    assert "quotation mark" in rows[1]["_defect"]
    assert rows[1]["_text"] == '2,"y'
    assert len(rows) == 3 + after.count("\n")
    assert sum(r["_defect"] is not None for r in rows) == 1


@pytest.mark.parametrize("last", ["5", '"5,secret,n'])  # with the quotation mark the file is read record by record
def test_what_is_redacted_never_reaches_raw(tmp_path: Path, last: str) -> None:
    content = f"id,Password,note\n1,secret,n\n2,extra,secret,n\n3,secret\n4\n{last}\n"
    written, rows = _read(tmp_path, content.encode(), redacted=("password",))
    assert written.columns == ("id", "note")
    assert written.warnings[0] == "redacted: Password not kept"
    assert "secret" not in str(rows)
    assert [(r["id"], r["note"], r["_text"]) for r in rows] == [
        ("1", "n", None),
        ("2", None, None),
        (None, None, None),
        (None, None, None),
        (None, None, None),
    ]
    assert rows[1]["_defect"].startswith("4 cells where the header has 3; its text and some cells are left out")


def test_a_header_that_names_a_column_twice_blocks_and_raw_is_kept(tmp_path: Path) -> None:
    written, rows = _read(tmp_path, b"id,Code,x,code\n1,2,3,4\n")
    assert "'code' is column 2 and column 4" in written.why
    assert _cells(rows, "id", "Code", "x", "code#2") == [("1", "2", "3", "4", 2)]


def test_names_that_raw_needs_or_that_are_blank() -> None:
    columns = columns_of(["a", "", "_line", " "], ())
    assert columns.names == ("a", "column 2", "_line#2", "column 4")
    assert not columns.duplicates
    assert [w.partition(":")[0] for w in columns.warnings] == ["unnamed_column", "reserved_name", "unnamed_column"]


def test_header_only_is_no_rows(tmp_path: Path) -> None:
    for content in (b"a,b", b"a,b\n", b"a,b\r\n\r\n"):
        written, rows = _read(tmp_path, content)
        assert (written.columns, rows, written.why) == (("a", "b"), [], "")


def test_another_delimiter_is_suggested(tmp_path: Path) -> None:
    written, _ = _read(tmp_path, b"a;b\n1;2\n")
    assert "set delimiter of source s" in written.warnings[0]
    _, rows = _read(tmp_path, b"a;b\n1;2\n", delimiter=";")
    assert _cells(rows, "a", "b") == [("1", "2", 2)]


def test_json_lines(tmp_path: Path) -> None:
    content = (
        '\ufeff{"id": 1, "at": {"day": "2025-08-18", "n": 1.50}, "l": [1.0, {"k": "é"}], "e": {}, "t": true}\r\n'
        '\n{"id": "2", "late": null, "new": "x"}\n[1]\n{"id": \n'
    )
    _, rows = _read(tmp_path, content.encode(), file_type="jsonl")
    assert _cells(rows, "id", "at.day", "at.n", "l", "e", "t") == [
        ("1", "2025-08-18", "1.50", '[1.0,{"k":"é"}]', "{}", "true", 1),
        ("2", None, None, None, None, None, 3),
        (None, None, None, None, None, None, 4),
        (None, None, None, None, None, None, 5),
    ]
    assert rows[1]["new"] == "x"
    assert rows[2]["_defect"] == "not a JSON object"
    assert rows[2]["_text"] == "[1]"
    assert "not readable as JSON at character" in rows[3]["_defect"]
    _, rows = _read(tmp_path, content.encode(), redacted=("at",), file_type="jsonl")
    assert not [c for c in rows[0] if c.startswith("at")]
    assert rows[2]["_text"] is None
    assert "one JSON list" in _read(tmp_path, b' [{"a": 1}]', file_type="jsonl")[0].why


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"\n \r\n", "holds no header"),
        (b"a,b\n1,\x00\n", "line 2: holds a NUL"),
        ("a,b\n1,2\n".encode("utf-16-le"), "NUL"),
        (b"a,b\n1,2\r\n3,\xe9\n", "line 3: byte 0xE9 is not utf-8; set encoding"),
        ("a,b\n1,é".encode()[:-1], "line 2: byte 0xC3 is not utf-8"),
        (b"\xef\xbb\xbf<!DOCTYPE html><html>", "web page"),
        (b"PK\x03\x04rest", "Excel"),
        (b"%PDF-1.7", "PDF"),
    ],
)
def test_files_that_cannot_be_read_say_why(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    found = examine(path, "x.csv", "utf-8", "encoding")
    assert says in found.why
    assert found.why.startswith("x.csv")
    assert found.n_bytes == len(content)


def test_an_unknown_encoding_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b"a\n")
    assert "'latin-17' is not known" in examine(tmp_path / "x.csv", "x.csv", "latin-17", "encoding").why


@given(st.lists(st.text("a\r\n", max_size=6)))
def test_line_ends_are_counted_the_same_in_pieces(pieces: list[str]) -> None:
    whole, count, after_cr = "".join(pieces), 0, False
    for piece in (p for p in pieces if p):
        count += line_breaks(piece, after_cr)
        after_cr = piece[-1] == "\r"
    assert count == line_breaks(whole) == sum(line[-1] in "\r\n" for line in io.StringIO(whole, newline=""))


_CELL = st.text(st.sampled_from('ab ,"\n\ré'), max_size=5)


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if any(c in ',"\r\n' for c in cell) else cell


_ENDS = st.sampled_from(["\n", "\r\n", "\r"])
_HEADERS = st.sampled_from(["x,y", "x"])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(_CELL, min_size=2, max_size=2), max_size=12), _ENDS, st.sampled_from([16, 64, 4096]))
def test_what_a_csv_writer_wrote_is_what_raw_holds(rows: list[list[str]], end: str, block: int) -> None:
    """Whichever way a file is read, its cells come back as written, each record with the line it starts on."""
    text, lines = f"x,y{end}", []
    for row in rows:
        lines.append(1 + line_breaks(text))
        text += ",".join(_quoted(cell) for cell in row) + end
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(write, "_BLOCK", block)
        written, got = _read(Path(folder), text.encode())
    assert _cells(got, "x", "y") == [(*row, line) for row, line in zip(rows, lines, strict=True)]
    assert written.warnings == ()


@settings(max_examples=100, deadline=None)
@given(st.text(st.sampled_from('ab,"\n\r'), max_size=40), st.sampled_from([16, 4096]))
def test_nothing_of_a_broken_file_is_lost(text: str, block: int) -> None:
    """Every line that is not blank belongs to exactly one record, whatever is in it."""
    content = "x,y\n" + text
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(write, "_BLOCK", block)
        _, rows = _read(Path(folder), content.encode())
    starts = [r["_line"] for r in rows]
    lines = list(io.StringIO(content, newline=""))
    assert starts == sorted(set(starts))
    for row in rows:
        if row["_defect"]:
            after = next((s for s in starts if s > row["_line"]), len(lines) + 1)
            assert "".join(lines[row["_line"] - 1 : after - 1]).rstrip("\r\n") == row["_text"]
    covered = {n for n, following in zip(starts, [*starts, len(lines) + 1][1:], strict=True) for n in range(n, following)}
    assert all(not line.strip("\r\n") for n, line in enumerate(lines[1:], start=2) if n not in covered)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(['ab,"\n\r ', "ab,\n\r "]).flatmap(lambda s: st.text(st.sampled_from(s), max_size=40)), st.sampled_from([16, 64, 4096]), _HEADERS)
def test_reading_by_blocks_is_reading_record_by_record(text: str, block: int, header: str) -> None:
    """With quotation marks in the file, and without: blocks are then cut at line ends."""
    content = f"{header}\n{text}".encode()
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(write, "_BLOCK", block)
        quick = _read(Path(folder), content)
        patch.setattr(write, "_by_blocks", lambda *_: False)
        assert _read(Path(folder), content) == quick
