"""A synthetic district streams: a million students fit into 4 GiB, and a whole year into hardly more than its first weeks."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = [pytest.mark.prove, pytest.mark.timeout(3600), pytest.mark.skipif(sys.platform == "win32", reason="the operating system keeps no such count")]
LIMIT = 4 << 30  # bytes, for a million students
ALL_PLANTED = 30  # days of school by which every defect is planted
CHILD = """
import json, resource, sys
from datetime import date
from pathlib import Path
from pipelines.synth import synthesize

synthesize(int(sys.argv[1]), int(sys.argv[2]), date(2025, 8, 18), 7, Path(sys.argv[3]), progress=lambda _: None)
print(json.dumps(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)))
"""


def peak(folder: Path, students: int, days: int, say: Callable[[str], None]) -> int:
    """Bytes that a process of its own held at most while it wrote a district with defects, as the operating system counts them."""
    try:
        done = subprocess.run([sys.executable, "-c", CHILD, str(students), str(days), str(folder)], capture_output=True, text=True, check=True)
        size = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
        assert len(json.loads((folder / "defects.json").read_text())) == 32
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    held = int(json.loads(done.stdout))
    say(f"{students:,} students, {days} days: {size / 1e6:,.0f} MB written, peak {held / 2**20:,.0f} MiB")
    return held


def test_a_million_students_and_a_year_below_four_gibibytes(tmp_path: Path, say: Callable[[str], None]) -> None:
    """The weeks of a million, and what a year adds to the weeks of 100,000, ten times: a year keeps the assignments given so far, some 13 bytes each, because
    each week's whole roster lists them all; nothing else may grow.
    """
    million = peak(tmp_path / "million", 1_000_000, ALL_PLANTED, say)
    weeks, year = (peak(tmp_path / f"{days}", 100_000, days, say) for days in (ALL_PLANTED, 180))
    say(f"a million students and a year: {(million + 10 * (year - weeks)) / 2**20:,.0f} MiB")
    assert year - weeks < 0.1 * weeks
    assert million + 10 * (year - weeks) < LIMIT
