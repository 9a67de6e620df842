"""A large text file goes to raw in bounded memory: the peak of a process of its own that takes it, as the operating system counts it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.landing import Desk

pytestmark = pytest.mark.prove
BYTES = 300_000_000
LIMIT = 1 << 30  # bytes
CHILD = """
import json, resource, sys
from pathlib import Path
from tests.landing import Desk

delivery = Desk(Path(sys.argv[1]), json.loads(sys.argv[2])).one()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
print(json.dumps({"peak": peak, "rows": delivery.n_rows, "why": delivery.why, "warnings": delivery.warnings}))
"""
FIXED = {"file_type": "fixed", "widths": {"student_id": [1, 8], "school_id": [9, 12], "attendance_date": [13, 22], "attendance_code": [23, 25]}}


@pytest.mark.skipif(sys.platform == "win32", reason="the operating system keeps no such count")
@pytest.mark.parametrize("kind", ["fixed", "tab"])
def test_300_megabytes_below_one_gibibyte(tmp_path: Path, kind: str, say: Callable[[str], None]) -> None:
    import json

    settings = FIXED if kind == "fixed" else {"delimiter": "\t"}
    source = {"id": "attendance", "format": "extract", "table": "attendance", "path": "attendance/*", **settings}
    path = Desk(tmp_path, [source]).put("attendance/2025-09-08.txt", b"")
    header = b"" if kind == "fixed" else b"student_id\tschool_id\tattendance_date\tattendance_code\n"
    n_rows = 0
    with path.open("wb") as f:
        f.write(header)
        while f.tell() < BYTES:
            sep = "" if kind == "fixed" else "\t"
            f.write("".join(f"{i:08d}{sep}{i % 97:04d}{sep}2025-09-08{sep}{'PAX'[i % 3]:3}\n" for i in range(n_rows, n_rows + 100_000)).encode())
            n_rows += 100_000
    done = subprocess.run([sys.executable, "-c", CHILD, str(tmp_path), json.dumps([source])], capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    say(f"{kind}: {n_rows:,} rows, {path.stat().st_size / 1e6:.0f} MB, peak {told['peak'] / 2**20:.0f} MiB")
    assert (told["rows"], told["why"], told["warnings"]) == (n_rows, "", [])
    assert told["peak"] < LIMIT
