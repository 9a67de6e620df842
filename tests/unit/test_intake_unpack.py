from __future__ import annotations

import stat
import struct
import zipfile
from pathlib import Path

import pytest

from pipelines.district import Intake
from pipelines.intake.unpack import Unreadable, unpack
from tests.landing import zipped


def _unpack(tmp_path: Path, content: bytes, **limits: int) -> dict[str, str]:
    package, into = tmp_path / "p.zip", tmp_path / "into"
    package.write_bytes(content)
    into.mkdir(exist_ok=True)
    found = unpack(package, "p.zip", into, Intake.model_validate(limits))
    assert all(p.parent == into for p in found.files.values())
    return {name: path.read_text() for name, path in found.files.items()}


def test_csv_entries_are_unpacked_and_others_left(tmp_path: Path) -> None:
    content = zipped({"a.csv": "x\n", "folder/b.csv": "y\n", "read me.txt": "z", "__MACOSX/._a.csv": "junk", ".DS_Store": "junk"})
    assert _unpack(tmp_path, content) == {"a.csv": "x\n", "folder/b.csv": "y\n"}


@pytest.mark.parametrize("name", ["../a.csv", "x/../../a.csv", "/etc/a.csv", "C:/a.csv", "x\\a.csv", "\\\\host\\a.csv", "a\n.csv"])
def test_names_that_point_elsewhere_refuse_the_package(tmp_path: Path, name: str) -> None:
    with pytest.raises(Unreadable, match="not a plain name"):
        _unpack(tmp_path, zipped({"fine.csv": "x\n", name: "y\n"}))
    assert not [p for p in tmp_path.rglob("*") if p.is_file() and p.name != "p.zip"]


def test_links_encryption_nesting_and_repeats_refuse_the_package(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("a.csv")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = tmp_path / "made.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(Unreadable, match=r"'a\.csv': is a link"):
        _unpack(tmp_path, path.read_bytes())
    with pytest.raises(Unreadable, match=r"'b\.zip': is a zip inside a zip"):
        _unpack(tmp_path, zipped({"b.zip": zipped({"a.csv": "x"})}))
    with pytest.raises(Unreadable, match=r"'b\.csv': is a zip inside a zip"):
        _unpack(tmp_path, zipped({"b.csv": zipped({"a.csv": "x"})}))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", "x")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.csv", "y")
    with pytest.raises(Unreadable, match="is there twice"):
        _unpack(tmp_path, path.read_bytes())
    content = bytearray(zipped({"a.csv": "x"}))
    content[content.index(b"PK\x01\x02") + 8] |= 1  # the flag of encryption in the directory
    with pytest.raises(Unreadable, match="is encrypted"):
        _unpack(tmp_path, bytes(content))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a.csv", "x")
    with pytest.raises(Unreadable, match="unusual method"):
        _unpack(tmp_path, path.read_bytes())


def test_limits_count_what_is_read(tmp_path: Path) -> None:
    bomb = zipped({"a.csv": "0" * 12_000_000})
    with pytest.raises(Unreadable, match=r"'a\.csv': unpacks to over 200 times"):
        _unpack(tmp_path, bomb)
    assert len(_unpack(tmp_path, bomb, max_ratio=100_000)["a.csv"]) == 12_000_000
    with pytest.raises(Unreadable, match=r"max_unpacked_bytes = 1,000"):
        _unpack(tmp_path, zipped({"a.csv": "x" * 600, "b.csv": "x" * 600}), max_unpacked_bytes=1_000)
    with pytest.raises(Unreadable, match="holds 3 entries"):
        _unpack(tmp_path, zipped({"a.csv": "", "b.csv": "", "c.csv": ""}), max_entries=2)


def test_a_forged_size_is_not_believed(tmp_path: Path) -> None:
    content = bytearray(zipped({"a.csv": "x" * 5_000}))
    directory = content.index(b"PK\x01\x02")
    content[directory + 24 : directory + 28] = struct.pack("<I", 10)
    with pytest.raises(Unreadable, match=r"'a\.csv'"):
        _unpack(tmp_path, bytes(content))


def test_damage_is_told_from_what_is_no_zip(tmp_path: Path) -> None:
    whole = zipped({"a.csv": "".join(f"{i},{i * 7919 % 10007}\n" for i in range(2_000))})
    for content, says in [(whole[: len(whole) // 2], "cut short"), (b"a,b\n", "is not a zip"), (b"", "is empty")]:
        with pytest.raises(Unreadable, match=says):
            _unpack(tmp_path, content)
    broken = bytearray(whole)
    broken[200:210] = b"\xff" * 10
    with pytest.raises(Unreadable, match=r"'a\.csv': is damaged"):
        _unpack(tmp_path, bytes(broken))
