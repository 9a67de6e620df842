"""Bad input that intake alone can see: a clear error that names file, line and remedy, and nothing else of the night is lost."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipelines.lineage.ledger import Delivery
from pipelines.sources import ALL_TABLES, format_of
from pipelines.sources.shape import Reading
from tests.landing import ATTENDANCE, HEADER, ONEROSTER, ORGS, Desk, manifest, zipped

BAD = "attendance/bad_2025-08-18.csv"
ROW = "s1,k1,2025-08-18,P\n"
PACKAGE = "oneroster/2025-08-18/oneroster.zip"
ORG = ORGS + "".join(f"o{i},,,School {i * 7919 % 10007},school,,\n" for i in range(500))


def _night(tmp_path: Path, name: str, content: str | bytes) -> Delivery:
    """Take a good file and a bad one; the good one is taken whole, and the bad one's delivery is returned."""
    desk = Desk(tmp_path, [ATTENDANCE, ONEROSTER])
    desk.put("attendance/good_2025-08-18.csv", HEADER + ROW)
    path = desk.put(name, content)
    before = path.read_bytes()
    report = desk.take()
    good = [d for d in report.taken if "good" in d.name]
    assert [(d.status, d.n_rows) for d in good] == [("raw", 1)]
    (bad,) = [d for d in report.taken if "good" not in d.name]
    assert bad.why.startswith(name)
    assert path.read_bytes() == before
    assert desk.take().taken == ()
    assert not list((tmp_path / "data").rglob("*.tmp"))
    return bad


def test_an_empty_file(tmp_path: Path) -> None:
    bad = _night(tmp_path, BAD, "")
    assert (bad.status, bad.why) == ("blocked", f"{BAD}: is empty (0 bytes); ask for it to be sent again")


def test_a_duplicated_header(tmp_path: Path) -> None:
    bad = _night(tmp_path, BAD, "student,school,day,code,Student\n" + ROW)
    assert (bad.status, bad.n_rows, bad.n_quarantined) == ("blocked", 1, 1)
    assert f"{BAD}, line 1: the header names a column twice: 'Student' is column 1 and column 5; name each column once" in bad.why
    names = pq.read_schema(tmp_path / "data" / bad.raw_path).names
    assert names[:5] == ["student", "school", "day", "code", "Student#2"]


def test_a_missing_column(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.put(BAD, "student,school,day,Code\n" + ROW)
    d = desk.one()
    assert d.status == "raw"
    columns = pq.read_schema(tmp_path / "data" / d.raw_path).names
    source = desk.district.source(d.source_id)
    found = format_of(source).projection(ALL_TABLES[d.table_name], source, columns, Reading())
    assert found.missing == ("code",)
    assert "the file has no column 'code'; did you mean 'Code'?" in found.notes[0]


def test_a_truncated_zip(tmp_path: Path) -> None:
    whole = zipped({"manifest.csv": manifest(orgs="bulk"), "orgs.csv": ORG})
    bad = _night(tmp_path, PACKAGE, whole[:-100])
    assert bad.status == "unreadable"
    assert "is a zip that is cut short or damaged" in bad.why
    assert bad.why.endswith("ask for it to be sent again")


@pytest.mark.parametrize("entry", ["../orgs.csv", "/etc/orgs.csv", "a\\..\\orgs.csv"])
def test_a_zip_with_names_that_point_elsewhere(tmp_path: Path, entry: str) -> None:
    bad = _night(tmp_path, PACKAGE, zipped({"manifest.csv": manifest(orgs="bulk"), "orgs.csv": ORG, entry: ORG}))
    assert bad.status == "unreadable"
    assert f"{PACKAGE}, entry {entry!r}: its name points outside the package" in bad.why


def test_a_zip_bomb(tmp_path: Path) -> None:
    bad = _night(tmp_path, PACKAGE, zipped({"manifest.csv": manifest(orgs="bulk"), "orgs.csv": "0" * 20_000_000}))
    assert bad.status == "unreadable"
    assert "intake.max_ratio" in bad.why


def test_a_wrong_encoding(tmp_path: Path) -> None:
    bad = _night(tmp_path, BAD, (HEADER + ROW + "s2,Peña,2025-08-18,P\n").encode("cp1252"))
    assert bad.status == "blocked"
    assert bad.raw_path == ""
    assert f"{BAD}, line 3: byte 0xF1 is not utf-8; set encoding of source attendance in district.toml" in bad.why
    assert "cp1252" in bad.why


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"<!doctype html><title>Sign in</title>", "is a web page"),
        (b"PK\x03\x04\x14\x00workbook", "is an Excel workbook"),
        (HEADER.encode() + b"s1,k\x001,2025-08-18,P\n", "line 2: holds a NUL character"),
    ],
)
def test_what_is_no_text_file(tmp_path: Path, content: bytes, says: str) -> None:
    bad = _night(tmp_path, BAD, content)
    assert bad.status == "blocked"
    assert says in bad.why


def test_a_file_that_is_still_being_written(tmp_path: Path) -> None:
    """A file that grows while the night looks is left alone, and taken whole the next time; a partial name is never looked at."""
    desk = Desk(tmp_path, intake={"settle_seconds": 0.4})
    desk.put("attendance/good_2025-08-18.csv", HEADER + ROW)
    desk.put("attendance/other_2025-08-18.csv.filepart", HEADER)
    path = desk.put(BAD, HEADER + ROW)
    stop = threading.Event()

    def write() -> None:
        with path.open("a") as f:
            while not stop.is_set():
                f.write("s2,k1,2025-08-18,P\n")
                f.flush()
                time.sleep(0.02)

    writing = threading.Thread(target=write)
    writing.start()
    try:
        report = desk.take()
    finally:
        stop.set()
        writing.join()
    assert [d.name for d in report.taken] == ["attendance/good_2025-08-18.csv"]
    assert [w.name for w in report.waiting] == [BAD]
    assert "still being written" in report.waiting[0].why
    d = desk.one()
    assert (d.name, d.n_bytes) == (BAD, path.stat().st_size)
