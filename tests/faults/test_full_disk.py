"""A disk that fills up: the run stops with plain words before it is full, or in the middle; nothing is half-taken, and the next run heals."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipelines.intake.room import NoRoom
from tests.landing import COURSES, HEADER, ONEROSTER, ORGS, Desk, manifest, zipped

REPOSITORY = Path(__file__).parents[2]
SMALL, BIG, AFTER = (f"attendance/{n}_2025-08-18.csv" for n in ("a", "b", "c"))
N_BIG = 60_000


def many(n: int) -> str:
    """Rows that do not pack well."""
    return "".join(f"s{i * 7919 % 1_000_003},k{i * 104_729 % 999_983},2025-08-18,{i * 15_485_863 % 999_979}\n" for i in range(n))


def assert_consistent(desk: Desk) -> None:
    """Ledger and raw agree: every raw delivery has its whole file, no file is without a delivery, nothing is left over."""
    files = {p.relative_to(desk.folder / "data").as_posix(): pq.read_metadata(p).num_rows for p in (desk.folder / "data" / "raw").rglob("*") if p.is_file()}
    assert files == {d.raw_path: d.n_rows for d in desk.ledger.deliveries() if d.raw_path}
    assert not (desk.folder / "data" / "tmp" / "intake").exists()
    assert desk.ledger.rows("pragma integrity_check") == [{"integrity_check": "ok"}]


def test_it_stops_before_the_disk_is_full_and_says_what_is_needed(tmp_path: Path) -> None:
    """The watermark is set so that the real disk has room for the first file and, by its size, not for the second."""
    desk = Desk(tmp_path)
    desk.put(SMALL, HEADER + many(1))
    assert desk.one().n_rows == 1
    desk.put(BIG, HEADER + many(10))
    desk.put(AFTER, HEADER + many(1))
    free = shutil.disk_usage(tmp_path).free
    desk.intake["min_free_bytes"] = free * 2
    with pytest.raises(NoRoom) as stopped:
        desk.take()
    size = (tmp_path / "landing" / BIG).stat().st_size
    words = str(stopped.value)
    assert words.startswith(f"{BIG}: not taken, for {tmp_path / 'data'} has ")
    said_free = int(words.partition(" has ")[2].partition(" bytes free")[0].replace(",", ""))
    assert abs(said_free - free) < free // 2
    assert f"{size + free * 2:,} are needed ({size:,} for this file, and intake.min_free_bytes = {free * 2:,})" in words
    assert [d.name for d in desk.ledger.deliveries()] == [SMALL]
    assert_consistent(desk)
    del desk.intake["min_free_bytes"]
    assert [(d.name, d.status) for d in desk.take().taken] == [(BIG, "raw"), (AFTER, "raw")]
    assert_consistent(desk)


CHILD = """
import resource, sys
from pathlib import Path
from tests.landing import ATTENDANCE, ONEROSTER, Desk
from pipelines.intake.room import NoRoom

desk = Desk(Path(sys.argv[1]), [ATTENDANCE, ONEROSTER | {"path": sys.argv[3]}])
limit = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    desk.take()
except NoRoom as e:
    print(e)
"""


def take_with_files_limited_to(folder: Path, n_bytes: int, packages: str = "oneroster/**/*.zip") -> str:
    """A take in a process of its own, whose files cannot grow beyond a size; gives what it said when it stopped."""
    command = [sys.executable, "-c", CHILD, str(folder), str(n_bytes), packages]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=REPOSITORY)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="limits on files are POSIX")
def test_a_file_that_cannot_be_written_to_its_end(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.put(SMALL, HEADER + many(3))
    desk.put(BIG, HEADER + many(N_BIG))
    desk.put(AFTER, HEADER + many(2))
    said = take_with_files_limited_to(tmp_path, 300_000)
    assert said.startswith(f"{BIG}: {tmp_path / 'data'} ran full, or met a limit on file size")
    assert "nothing of it is kept: free some space and run again" in said
    assert [(d.name, d.n_rows) for d in desk.ledger.deliveries()] == [(SMALL, 3)]
    assert_consistent(desk)
    assert [(d.name, d.n_rows) for d in desk.take().taken] == [(BIG, N_BIG), (AFTER, 2)]
    assert_consistent(desk)
    assert desk.take().taken == ()


@pytest.mark.skipif(sys.platform == "win32", reason="limits on files are POSIX")
@pytest.mark.parametrize("as_zip", [True, False], ids=["unpacking", "writing"])
def test_a_package_that_is_cut_off_in_the_middle_is_completed(tmp_path: Path, as_zip: bool) -> None:
    desk = Desk(tmp_path, [ONEROSTER if as_zip else ONEROSTER | {"path": "oneroster/*/manifest.csv"}])
    wide = "".join(f"c{i},,,,{i * 7919 % 1_000_003:x}{i * 104_729 % 999_983:x}{i * 15_485_863:x},,,o1,,\n" for i in range(40_000))
    files = {"manifest.csv": manifest(orgs="bulk", courses="bulk"), "orgs.csv": ORGS + "o1,,,Maple Hollow,school,,\n", "courses.csv": COURSES + wide}
    if as_zip:
        desk.put("oneroster/2025-08-18/p.zip", zipped(files))
    else:
        for name, content in files.items():
            desk.put(f"oneroster/2025-08-18/{name}", content)
    said = take_with_files_limited_to(tmp_path, 200_000, desk.sources[0]["path"])
    assert said.startswith("oneroster/2025-08-18/")
    assert "oneroster__courses" not in {d.table_name for d in desk.ledger.deliveries()}
    assert_consistent(desk)
    desk.take()
    assert {d.table_name: d.n_rows for d in desk.ledger.deliveries()} == {"oneroster__orgs": 1, "oneroster__courses": 40_000}
    assert_consistent(desk)


@pytest.mark.skipif(sys.platform == "win32", reason="limits on files are POSIX")
def test_a_ledger_that_cannot_grow(tmp_path: Path) -> None:
    """The raw file is there and its delivery could not be recorded: the next run does the same work again under the same name."""
    desk = Desk(tmp_path)
    for n in range(40):
        desk.put(f"attendance/{n:02}_2025-08-18.csv", HEADER + many(1))
    said = take_with_files_limited_to(tmp_path, 120_000)
    assert "ran full, or met a limit on file size" in said
    before = desk.ledger.deliveries()
    assert 0 < len(before) < 40
    assert desk.ledger.rows("pragma integrity_check") == [{"integrity_check": "ok"}]
    desk.take()
    assert len(desk.ledger.deliveries()) == 40
    assert desk.ledger.deliveries()[: len(before)] == before
    assert_consistent(desk)
