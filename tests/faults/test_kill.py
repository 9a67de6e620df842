"""A run killed at any moment leaves the last publication whole and readable; the next run completes and clears what was left."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from tests.districts import START, TestDistrict, make_district

KILLS = 20
PUBLISHED = "select count(*), sum(numerator), sum(denominator), max(data_as_of) from marts.agg_indicator_values"
RUN = """
import sys
from datetime import date
from pathlib import Path
from pipelines.nightly import run_nightly

run_nightly(Path(sys.argv[1]), date.fromisoformat(sys.argv[2]))
"""


def start(district: TestDistrict, day: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", RUN, str(district.folder), day]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)


@pytest.mark.timeout(1500)
def test_twenty_kills_at_random_moments(tmp_path: Path) -> None:
    first, second = START + timedelta(days=3), START + timedelta(days=4)
    district = make_district(tmp_path / "d", students=80, days=6, seed=5)
    assert district.run(first, START).exit_status == 0
    evening = district.copy(tmp_path / "evening")
    expected = district.copy(tmp_path / "expected")
    began = time.monotonic()
    undisturbed = start(expected, second.isoformat())
    assert undisturbed.wait() == 0
    whole = time.monotonic() - began

    before, after = district.published(PUBLISHED), expected.published(PUBLISHED)
    assert before != after
    rng = random.Random(20)
    killed = finished = runs = 0
    while killed < KILLS:
        runs += 1
        process = start(district, second.isoformat())
        try:
            process.wait(timeout=rng.uniform(0.2, 1.0) * whole)
            finished += 1
        except subprocess.TimeoutExpired:
            if rng.random() < 0.5:
                os.kill(process.pid, signal.SIGKILL)  # its dbt, if any, lives on for a moment, as it would
            else:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            killed += 1
        assert district.published(PUBLISHED) in (before, after), f"after {killed} kills a reader sees neither the one publication nor the other"
        if finished and killed < KILLS:
            # it got through: go on from the evening before, so that the next kill has something to disturb
            district = evening.copy(tmp_path / f"again-{runs}")
            finished = 0
    last = start(district, second.isoformat())
    assert last.wait() == 0
    assert district.published(PUBLISHED) == after
    assert district.hashes() == expected.hashes()
    left = [p.name for p in (district.folder / "data" / "warehouse" / "versions").iterdir() if p.name.startswith(".")]
    assert left == [], "leftovers of killed publishers are cleared"
    assert not list((district.folder / "data" / "raw").rglob("*.tmp"))
    assert district.published("select count(*) from operations.publications where status = 'publishing'") == [(0,)]
    print(f"{killed} kills, 0 torn publications")
