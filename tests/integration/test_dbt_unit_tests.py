"""dbt's own unit tests, beside the models' logic: run here because a night leaves them out (they test the code, not the data)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from pipelines.lineage.graph import PROJECT
from tests.districts import START, make_district


def test_every_dbt_unit_test_passes(tmp_path: Path) -> None:
    """On the build of a small district: dbt reads the types of what a unit test stands in for from the tables that are there."""
    district = make_district(tmp_path / "d", students=60, days=2)
    district.run(START, START)
    target = tmp_path / "target"
    environment = {**os.environ, "THROUGHLINE_BUILD": str(district.build), "DBT_LOG_PATH": str(target), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    command = [str(Path(sys.executable).with_name("dbt")), "test", "--select", "test_type:unit", "--target-path", str(target)]
    command += ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:]
    ran = [r["unique_id"] for r in json.loads((target / "run_results.json").read_text())["results"]]
    declared = list(json.loads((target / "manifest.json").read_text())["unit_tests"])
    assert sorted(ran) == sorted(declared)
    assert declared
