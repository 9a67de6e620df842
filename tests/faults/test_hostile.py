"""Files made to do harm, or that only look so: each is named with what to do, nothing is followed or held in memory whole, and the night goes on."""

from __future__ import annotations

import io
import json
import os
import socket
import stat
import struct
import subprocess
import sys
import unicodedata
import zipfile
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipelines.intake.scan import find, look
from pipelines.intake.take import IntakeReport
from pipelines.lineage.ledger import Delivery
from tests.landing import ATTENDANCE, HEADER, ONEROSTER, ORGS, Desk, manifest, zipped

GOOD = "attendance/good_2025-08-18.csv"
BAD = "attendance/bad_2025-08-18.csv"
PACKAGE = "oneroster/2025-08-18/oneroster.zip"
ROW = "s1,k1,2025-08-18,P\n"
JSON_LINES: dict[str, Any] = ATTENDANCE | {"id": "lines", "path": "lines/*", "file_type": "jsonl"}
LINES = "lines/bad_2025-08-18.jsonl"


def night(desk: Desk) -> IntakeReport:
    """A take beside a good file, which is taken whole; the landing folder is not written to, and nothing is left in the scratch folder."""
    desk.put(GOOD, HEADER + "g1,k1,2025-08-18,P\n")
    report = desk.take()
    assert [(d.status, d.n_rows) for d in report.taken if d.name == GOOD] == [("raw", 1)], "the good file did not get through"
    assert not list(desk.folder.rglob("*.tmp"))
    assert desk.take().taken == ()
    return report


def bad_one(desk: Desk) -> Delivery:
    (bad,) = (d for d in night(desk).taken if d.name != GOOD)
    return bad


@dataclass(frozen=True)
class Stopped:
    """A file that may not be used, and what is said of it."""

    content: bytes
    says: str
    intake: dict[str, Any] = field(default_factory=dict)
    source: dict[str, Any] = field(default_factory=dict)
    name: str = BAD


LONG = {"max_line_chars": 2_000, "max_cell_chars": 1_000}
STOPPED = {
    "one long line": Stopped(b"x" * 2_001, "line 1: is longer than intake.max_line_chars = 2,000", LONG),
    "a long line later": Stopped((HEADER + ROW + "x" * 3_000_000 + "\n" + ROW).encode(), "line 3: is longer than intake.max_line_chars", LONG),
    "a long line of JSON": Stopped(b'{"a":1}\r{"a":"' + b"x" * 2_001 + b'"}', "line 2: is longer than", LONG, {}, LINES),
    "quotes never closed": Stopped((HEADER + 's1,"' + '","\n' * 2_000).encode(), "line 2: a record begins here that is longer than", LONG),
    "a header never closed": Stopped(('student,"' + '","\n' * 2_000).encode(), "line 1: a record begins here that is longer than", LONG),
    "100,000 columns": Stopped((",".join(f"c{i}" for i in range(100_000)) + "\n").encode(), "100,000 columns, more than intake.max_columns = 5,000"),
    "a huge name of a column": Stopped(("x" * 200_000 + ",b\n1,2\n").encode(), "the name of column 1 is longer than 1,000 characters"),
    "NUL bytes": Stopped((HEADER + "s1,k\x001,2025-08-18,P\n").encode(), "line 2: holds a NUL character (a damaged file"),
    "nothing but NUL": Stopped(bytes(100_000), "NUL character"),
    "UTF-16 without its mark": Stopped((HEADER + ROW).encode("utf-16-le"), "to 'utf-16-le' if it is"),
    "UTF-16, the other way round": Stopped((HEADER + ROW).encode("utf-16-be"), "to 'utf-16-be' if it is"),
    "cp1252 declared as UTF-8": Stopped((HEADER + "Zoë,k1,2025-08-18,P\n").encode("cp1252"), "line 2: byte 0xEB is not utf-8"),
    "HTML": Stopped(b"<!DOCTYPE html><p>Sign in</p>", "is a web page"),
    "a table of HTML called a workbook": Stopped(b"\n  <table><tr><td>student</td></tr></table>", "is a web page"),
    "an Excel workbook": Stopped(zipped({"xl/workbook.xml": "<x/>"}), "is an Excel workbook"),
    "an old Excel workbook": Stopped(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is an old Excel workbook"),
    "gzip": Stopped(b"\x1f\x8b\x08\x00rest", "is compressed with gzip"),
    "bzip2": Stopped(b"BZh91AY&SYrest", "is compressed with bzip2"),
    "xz": Stopped(b"\xfd7zXZ\x00rest", "is compressed with xz"),
    "a PDF": Stopped(b"%PDF-1.7 rest", "is a PDF"),
    "Parquet": Stopped(b"PAR1rest", "is a Parquet file"),
    "JSON with ids for names": Stopped(json.dumps({f"id{i}": i for i in range(6_000)}).encode(), "more different names than", {}, {}, LINES),
    "JSON with a huge name": Stopped(json.dumps({"x" * 1_001: 1}).encode(), "of more than 1,000 characters", {}, {}, LINES),
    "objects in each other": Stopped(b'{"abcdef":' * 300 + b"1" + b"}" * 300, "names within each other", {}, {}, LINES),
}


@pytest.mark.parametrize("case", STOPPED.values(), ids=STOPPED.keys())
def test_a_file_that_is_stopped(tmp_path: Path, case: Stopped) -> None:
    desk = Desk(tmp_path, [ATTENDANCE | case.source, JSON_LINES], {"settle_seconds": 0, **case.intake})
    desk.put(case.name, case.content)
    bad = bad_one(desk)
    assert (bad.status, bad.n_rows, bad.raw_path) == ("blocked", 0, "")
    assert bad.why.startswith(case.name)
    assert case.says in bad.why
    assert len(bad.why) < 600, "the message repeats the file"


def _link() -> bytes:
    out = io.BytesIO()
    entry = zipfile.ZipInfo("orgs.csv")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(entry, "/etc/passwd")
    return out.getvalue()


def _with_bytes(content: bytes, at: int, new: bytes) -> bytes:
    """A zip whose directory is changed: `at` counts from its first entry."""
    start = content.index(b"PK\x01\x02") + at
    return content[:start] + new + content[start + len(new) :]


def _endless_directory() -> bytes:
    """A directory of a size that the zip only claims, with room for it in a file of nothing."""
    return bytes(8_000_000) + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 65_535, 65_535, 7_000_000, 1_000_000, 0)


WHOLE: dict[str, str | bytes] = {"manifest.csv": manifest(orgs="bulk"), "orgs.csv": ORGS + "o1,,,Maple Hollow,school,,\n"}
ZIPS: dict[str, tuple[bytes, str]] = {
    "a name above": (zipped(WHOLE | {"../orgs.csv": "x"}), "entry '../orgs.csv': its name points outside"),
    "a name above, deeper": (zipped(WHOLE | {"a/../../orgs.csv": "x"}), "its name points outside"),
    "an absolute name": (zipped(WHOLE | {"/etc/orgs.csv": "x"}), "its name points outside"),
    "a drive": (zipped(WHOLE | {"C:/orgs.csv": "x"}), "its name points outside"),
    "a backslash": (zipped(WHOLE | {"..\\orgs.csv": "x"}), "its name points outside"),
    "a share": (zipped(WHOLE | {"\\\\host\\orgs.csv": "x"}), "its name points outside"),
    "a change of direction": (zipped(WHOLE | {"orgs\u202evsc.csv": "x"}), "is not a plain name"),
    "a link": (_link(), "is a link"),
    "a bomb by ratio": (zipped(WHOLE | {"users.csv": "0" * 20_000_000}), "intake.max_ratio"),
    "a bomb by number": (zipped(WHOLE | {f"{i}.csv": "" for i in range(2_000)}), "2,002 entries, more than intake.max_entries = 1,000"),
    "a bomb by directory": (_endless_directory(), "its directory is too long"),
    "a zip inside": (zipped(WHOLE | {"more.zip": zipped(WHOLE)}), "is a zip inside a zip"),
    "a zip inside that is called CSV": (zipped(WHOLE | {"users.csv": zipped(WHOLE)}), "is a zip inside a zip"),
    "a forged size": (_with_bytes(zipped(WHOLE), 24, struct.pack("<I", 5)), "manifest.csv"),
    "an encrypted entry": (_with_bytes(zipped(WHOLE), 8, b"\x01"), "is encrypted"),
    "an endless manifest": (zipped({"manifest.csv": "\n" + "ab\n" * 400_000}), "is longer than 1,000,000 bytes"),
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("content", ZIPS.values(), ids=ZIPS.keys())
def test_a_zip_that_is_refused(tmp_path: Path, content: tuple[bytes, str]) -> None:
    desk = Desk(tmp_path / "district", [ATTENDANCE, ONEROSTER])
    desk.put(PACKAGE, content[0])
    bad = bad_one(desk)
    assert (bad.status, bad.raw_path) == ("unreadable", "")
    assert bad.why.startswith(PACKAGE)
    assert content[1] in bad.why
    assert not [p for p in tmp_path.rglob("*.csv") if p.parent.name != "attendance"], "something was unpacked and left"


@dataclass(frozen=True)
class Warned:
    """A file that is taken whole with a word on it: the students that raw holds."""

    content: bytes
    students: list[str]
    says: str = ""
    source: dict[str, Any] = field(default_factory=dict)


def _rows(*students: str) -> str:
    return "".join(f"{s},k1,2025-08-18,P\n" for s in students)


WARNED = {
    "UTF-8 declared as cp1252": Warned((HEADER + _rows("Ana", "Zoë")).encode(), ["Ana", "ZoÃ«"], "mojibake: 1 letters", {"encoding": "cp1252"}),
    "cp1252 declared as cp1252": Warned((HEADER + _rows("Zoë", "Ñandú")).encode("cp1252"), ["Zoë", "Ñandú"], "", {"encoding": "cp1252"}),
    "mangled by the sender": Warned((HEADER + _rows("a", "ZoÃ«")).encode(), ["a", "ZoÃ«"], "the first in line 3; the sending system has mangled them"),
    "right letters": Warned((HEADER + _rows("Zoë", "São", "Łukasz", "李")).encode(), ["Zoë", "São", "Łukasz", "李"]),
    "letters that were lost": Warned((HEADER + _rows("Zo\ufffd")).encode(), ["Zo\ufffd"], "lost_characters: 1 replacement"),
    "a mark in the middle": Warned(
        (HEADER + _rows("a") + "\ufeff" + _rows("b", "c\ufeff")).encode(), ["a", "b", "c"], "byte_order_mark: 2 within the file, the first in line 3"
    ),
    "two marks at the start": Warned(("\ufeff\ufeff" + HEADER + _rows("a")).encode(), ["a"], "byte_order_mark: 1"),
    "mixed line ends": Warned((HEADER + _rows("a") + "b,k1,2025-08-18,P\r\nc,k1,2025-08-18,P\rd,k1,2025-08-18,P").encode(), ["a", "b", "c", "d"]),
    "CR alone": Warned((HEADER + _rows("a", "b")).replace("\n", "\r").encode(), ["a", "b"]),
    "formulas": Warned(
        (HEADER + _rows("=1+1", "@SUM(A1)", "+1", "-1", '"=HYPERLINK(""http://x"",""y"")"')).encode(),
        ["=1+1", "@SUM(A1)", "+1", "-1", '=HYPERLINK("http://x","y")'],
    ),
    "a quotation mark never closed": Warned((HEADER + '"a,k1,2025-08-18,P\n' + _rows("b")).encode(), ["a,k1,2025-08-18,P", "b"], "defects: 1 of 2 lines"),
    "a long cell": Warned((HEADER + _rows("x" * 200_000, "b")).encode(), ["", "b"], "defects: 1 of 2 lines"),
}


@pytest.mark.parametrize("case", WARNED.values(), ids=WARNED.keys())
def test_a_file_that_is_taken_as_it_is(tmp_path: Path, case: Warned) -> None:
    desk = Desk(tmp_path, [ATTENDANCE | case.source])
    desk.put(BAD, case.content)
    taken = bad_one(desk)
    assert (taken.status, taken.why) == ("raw", "")
    assert [row["student"] or "" for row in desk.raw(taken)] == case.students
    assert [w for w in taken.warnings if case.says and case.says in w] or not case.says, taken.warnings
    assert bool(taken.warnings) == bool(case.says), taken.warnings


DEFECTS = {
    "deep JSON": ('{"a":' + "[" * 100_000 + "]" * 100_000 + "}", "JSON nested too deeply"),
    "half a character": (r'{"student": "\ud800"}', "holds half a character"),
    "half a character in a name": (r'{"\ud800": "x"}', "holds half a character"),
    "a NUL spelled out": (r'{"student": "a\u0000"}', "holds a NUL character"),
    "a long value": (json.dumps({"student": "x" * 200_000}), "a value is longer than 131,072 characters"),
    "cut short": ('{"student": "a",', "not readable as JSON at character"),
    "no object": ("[1, 2]", "not a JSON object"),
}


@pytest.mark.parametrize("case", DEFECTS.values(), ids=DEFECTS.keys())
def test_a_line_of_json_that_cannot_be_used_spoils_itself_alone(tmp_path: Path, case: tuple[str, str]) -> None:
    desk = Desk(tmp_path, [ATTENDANCE, JSON_LINES])
    desk.put(LINES, f'{{"student": "s1"}}\n{case[0]}\n{{"student": "s2"}}\n')
    taken = bad_one(desk)
    rows = desk.raw(taken)
    assert [(r["student"], r["_line"]) for r in rows] == [("s1", 1), (None, 2), ("s2", 3)]
    assert rows[1]["_defect"].startswith(case[1])
    assert rows[1]["_text"] == case[0], "a line that cannot be divided is kept as delivered"
    assert "defects: 1 of 3 lines are not well formed" in taken.warnings


def test_huge_json_numbers_keep_their_digits(tmp_path: Path) -> None:
    desk = Desk(tmp_path, [ATTENDANCE, JSON_LINES])
    numbers = ["9" * 5_000, "1e999999999", "-0.0000", "1E+400", "NaN"]
    desk.put(LINES, "".join(f'{{"student": {n}}}\n' for n in numbers))
    assert [r["student"] for r in desk.raw(bad_one(desk))] == numbers


@pytest.mark.timeout(60)
def test_links_pipes_and_sockets_are_named_and_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(tmp_path / "district")
    landing = desk.folder / "landing"
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a_2025-08-18.csv").write_text(HEADER + "outside,k1,2025-08-18,P\n")
    (landing / "attendance").mkdir()
    (landing / "attendance" / "link_2025-08-18.csv").symlink_to(outside / "a_2025-08-18.csv")
    (landing / "attendance" / "dangling_2025-08-18.csv").symlink_to(outside / "nothing")
    (landing / "attendance" / "zero_2025-08-18.csv").symlink_to("/dev/zero")
    (landing / "linked").symlink_to(outside, target_is_directory=True)
    os.mkfifo(landing / "attendance" / "pipe_2025-08-18.csv")
    monkeypatch.chdir(landing / "attendance")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket_2025-08-18.csv")
        report = night(desk)
    assert [d.name for d in report.taken] == [GOOD]
    why = {w.name: w.why for w in report.waiting}
    for name in ("attendance/link_2025-08-18.csv", "attendance/dangling_2025-08-18.csv", "attendance/zero_2025-08-18.csv", "linked"):
        assert why.pop(name) == "it is a link, and links are never followed; put the file itself there"
    for name in ("attendance/pipe_2025-08-18.csv", "attendance/socket_2025-08-18.csv"):
        assert "it is no plain file (a pipe, a socket or a device)" in why.pop(name)
    assert why == {}
    assert b"outside,k1" not in b"".join(p.read_bytes() for p in (desk.folder / "data").rglob("*") if p.is_file())


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_a_file_exchanged_after_it_was_found_is_not_opened(tmp_path: Path, kind: str) -> None:
    desk = Desk(tmp_path)
    path = desk.put(BAD, HEADER + ROW)
    (found,), _ = find(desk.district, date(2025, 12, 31))
    path.unlink()
    if kind == "link":
        path.symlink_to("/etc/hosts")
    else:
        os.mkfifo(path)
    with pytest.raises(OSError, match="no plain file"):
        look(found)


@pytest.mark.parametrize("as_zip", [True, False], ids=["zip", "folder"])
def test_a_link_in_a_package_that_is_a_folder(tmp_path: Path, as_zip: bool) -> None:
    """The member is not there, so the package says that it lacks it; a zip of the same is refused (see above)."""
    desk = Desk(tmp_path, [ATTENDANCE, ONEROSTER if as_zip else ONEROSTER | {"path": "oneroster/*/manifest.csv"}])
    (tmp_path / "orgs.csv").write_text(ORGS + "outside,,,Elsewhere,school,,\n")
    if as_zip:
        desk.put(PACKAGE, _link())
    else:
        desk.put("oneroster/2025-08-18/manifest.csv", manifest(orgs="bulk"))
        (tmp_path / "landing" / "oneroster" / "2025-08-18" / "orgs.csv").symlink_to(tmp_path / "orgs.csv")
    bad = bad_one(desk)
    assert bad.status in ("unreadable", "blocked")
    assert ("is a link" if as_zip else "the package does not have it") in bad.why


def test_unusual_names(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    long = "attendance/2025-08-18_" + "x" * 230 + ".csv"
    composed, apart = (unicodedata.normalize(form, "attendance/Señora_2025-08-18.csv") for form in ("NFC", "NFD"))
    fine = [long, composed, apart, "attendance/🎒 2025-08-18 'x\" ; drop table.csv", "attendance/李_2025-08-18.csv", "attendance/-rf 2025-08-18.csv"]
    for number, name in enumerate(fine):
        desk.put(name, HEADER + f"s{number},k1,2025-08-18,P\n")
    odd = ["attendance/a\nb_2025-08-18.csv", "attendance/\u202evsc_2025-08-18.csv", "attendance/\x1b[31m_2025-08-18.csv"]
    for name in odd:
        desk.put(name, HEADER + ROW)
    raw_bytes = os.fsencode(tmp_path / "landing" / "attendance") + b"/\xff\xfe_2025-08-18.csv"
    Path(os.fsdecode(raw_bytes)).write_bytes((HEADER + ROW).encode())
    report = night(desk)
    assert {d.name for d in report.taken} == {GOOD, *fine}
    assert all(d.status == "raw" and d.n_rows == 1 for d in report.taken)
    assert len(report.waiting) == 4
    assert all("rename it" in w.why and w.name.isascii() and w.name.isprintable() for w in report.waiting)
    second = next(d for d in report.taken if d.name == max(composed, apart))
    assert second.warnings == (f"same_name_but_for_case: {min(composed, apart)}",)


def test_names_that_differ_in_case_alone_are_two_files_and_said(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.put("attendance/A_2025-08-18.csv", HEADER + ROW)
    desk.put("attendance/a_2025-08-18.csv", HEADER + "s2,k1,2025-08-18,P\n")
    upper, lower = desk.take().taken
    assert (upper.name, upper.warnings) == ("attendance/A_2025-08-18.csv", ())
    assert (lower.name, lower.warnings) == ("attendance/a_2025-08-18.csv", ("same_name_but_for_case: attendance/A_2025-08-18.csv",))
    assert desk.raw(upper)[0]["student"] == "s1"
    assert desk.raw(lower)[0]["student"] == "s2"


def test_a_renamed_copy_is_known_by_its_bytes(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.put("attendance/a_2025-08-18.csv", HEADER + ROW)
    desk.put("attendance/a_2025-08-19.csv", HEADER + ROW)  # of another date: no copy
    assert [d.warnings for d in desk.take().taken] == [(), ()]
    desk.put("attendance/copy of a_2025-08-18.csv", HEADER + ROW)
    copy = desk.one()
    assert (copy.status, copy.warnings) == ("raw", ("same_bytes_as: attendance/a_2025-08-18.csv",))


CHILD = """
import sys
from pathlib import Path
from tests.landing import ATTENDANCE, HEADER, Desk

def peak():
    return next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))

folder, name = Path(sys.argv[1]), sys.argv[2]
lines = ATTENDANCE | {"id": "lines", "path": "lines/*", "file_type": "jsonl"}
desk = Desk(folder, [ATTENDANCE, lines])
big = folder / "landing" / name
aside = big.rename(folder / "aside")
desk.put("attendance/good_2025-08-18.csv", HEADER + "s1,k1,2025-08-18,P\\n")
desk.put("lines/good_2025-08-18.jsonl", '{"student": "s1"}')
desk.take()
before = peak()
aside.rename(big)
bad = desk.one()
print((peak() - before) // 1024, bad.status, bad.why)
"""
BIG = 300 << 20  # bytes
WITHIN = 100  # MiB, a third of the file
ENDLESS: dict[str, tuple[str, bytes, bytes, str]] = {
    "one line": (BAD, HEADER.encode(), b"x" * 1_024, "line 2: is longer than"),
    "one line of JSON": (LINES, b'{"student": "', b"x" * 1_024, "line 1: is longer than"),
    "JSON whose lines end in CR, the last never": (LINES, b'{"student": "a"}\r[', b"1," * 512, "line 2: is longer than"),
    "a record over many lines": (BAD, HEADER.encode() + b's1,"', b'","' + b"x" * 60 + b"\n", "line 2: a record begins here"),
}


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
@pytest.mark.parametrize("case", ENDLESS.values(), ids=ENDLESS.keys())
def test_memory_is_bounded_whatever_the_size_of_the_file(tmp_path: Path, case: tuple[str, bytes, bytes, str]) -> None:
    name, start, piece, says = case
    path = tmp_path / "landing" / name
    path.parent.mkdir(parents=True)
    with path.open("wb") as f:
        f.write(start)
        for _ in range(BIG >> 20):
            f.write(piece * ((1 << 20) // len(piece)))
    done = subprocess.run([sys.executable, "-c", CHILD, str(tmp_path), name], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    mebibytes, status, why = done.stdout.split(maxsplit=2)
    path.unlink()
    assert status == "blocked"
    assert says in why
    assert int(mebibytes) < WITHIN, f"{mebibytes} MiB were taken for a file of {BIG >> 20} MiB"
