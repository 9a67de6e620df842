"""dbt as the night starts it: forks of a process that stands ready."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from pipelines import dbt_process
from pipelines.dbt_process import DbtProcess
from pipelines.lineage.graph import PROJECT
from pipelines.nightly import prepare_manifest
from pipelines.quality.build import DBT_PROFILE

SLOW = ("parse", "--no-partial-parse")


def start(folder: Path, *arguments: str) -> DbtProcess:
    prepare_manifest()
    places = {
        "DBT_PROJECT_DIR": str(PROJECT),
        "DBT_PROFILES_DIR": str(PROJECT),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
    }
    environment = {**os.environ, **DBT_PROFILE, **places, "HOME": str(folder), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    return DbtProcess(arguments, environment, PROJECT)


def test_one_command_after_another(tmp_path: Path) -> None:
    listed = start(tmp_path, "list", "--resource-type", "seed", "--output", "name", "--quiet")
    assert {"measures", "indicators", "indicator_profiles"} <= set(listed.stdout.read().decode().split())
    assert listed.wait() == listed.returncode == 0
    assert os.environ.get("DBT_TARGET_PATH") != str(tmp_path / "target"), "what one command is told, it alone is told"

    unknown = start(tmp_path, "build", "--no-such-option")
    assert unknown.wait() == 2

    nothing = start(tmp_path, "build", "--select", "dim_schools", "--full-refresh")
    said = nothing.stdout.read().decode()
    assert nothing.wait() == 1, said
    assert "Error in model dim_schools" in said


def test_a_command_that_is_killed_ends_by_its_signal(tmp_path: Path) -> None:
    command = start(tmp_path, *SLOW)
    assert command.returncode is None
    with pytest.raises(subprocess.TimeoutExpired):
        command.wait(timeout=0.01)
    command.send_signal(signal.SIGKILL)
    assert command.wait() == -signal.SIGKILL


def test_when_the_process_that_stands_ready_is_killed_the_next_command_has_another(tmp_path: Path) -> None:
    command = start(tmp_path, *SLOW)
    assert dbt_process._ready
    dbt_process._ready[0].kill()
    assert command.wait() == -signal.SIGKILL
    dbt_process._ready[0].wait()
    os.kill(command.pid, signal.SIGKILL)
    again = start(tmp_path, "list", "--resource-type", "seed", "--quiet")
    assert again.stdout.read()
    assert again.wait() == 0
