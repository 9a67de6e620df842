"""dbt as the night starts it: forks of a process that stands ready."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from pipelines import dbt_process
from pipelines.dbt_process import DbtProcess
from pipelines.lineage.graph import PROJECT
from pipelines.nightly import prepare_manifest
from pipelines.quality.build import DBT_PROFILE

SLOW = ("compile",)


def told(folder: Path) -> dict[str, str]:
    """What the night tells a dbt, for a folder of its own."""
    prepare_manifest()
    places = {"HOME": folder, "DBT_PROJECT_DIR": PROJECT, "DBT_PROFILES_DIR": PROJECT, "DBT_TARGET_PATH": folder / "target", "DBT_LOG_PATH": folder / "logs"}
    return {**os.environ, **DBT_PROFILE, **{name: str(path) for name, path in places.items()}, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}


def start(folder: Path, *arguments: str) -> DbtProcess:
    return DbtProcess(arguments, told(folder), PROJECT, folder / "ready")


def test_one_command_after_another(tmp_path: Path) -> None:
    listed = start(tmp_path, "list", "--resource-type", "seed", "--output", "name", "--quiet")
    assert {"measures", "indicators", "indicator_profiles"} <= set(listed.stdout.read().decode().split())
    assert listed.wait() == listed.returncode == 0

    unknown = start(tmp_path, "build", "--no-such-option")
    assert unknown.wait() == 2

    failing = start(tmp_path, "build", "--select", "dim_schools", "--full-refresh")
    said = failing.stdout.read().decode()
    assert failing.wait() == 1, said
    assert "Error in model dim_schools" in said
    assert failing._by is listed._by, "each had a process of its own"

    untold = DbtProcess(["list"], {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}, tmp_path, tmp_path)
    said = untold.stdout.read().decode()
    assert untold.wait() == 2, f"it knew of a project that another command was told of: {said}"


def test_a_command_that_is_killed_ends_by_its_signal(tmp_path: Path) -> None:
    command = start(tmp_path, *SLOW)
    assert command.returncode is None
    with pytest.raises(subprocess.TimeoutExpired):
        command.wait(timeout=0.01)
    command.send_signal(signal.SIGKILL)
    assert command.wait() == -signal.SIGKILL
    command.send_signal(signal.SIGKILL)  # too late, and no matter


def test_when_the_process_that_stands_ready_is_killed_the_next_command_has_another(tmp_path: Path) -> None:
    command = start(tmp_path, *SLOW)
    command._by.process.kill()
    assert command.wait() == -signal.SIGKILL
    with suppress(ProcessLookupError):
        os.kill(command.pid, signal.SIGKILL)
    again = start(tmp_path, "list", "--resource-type", "seed", "--quiet")
    assert again.stdout.read()
    assert again.wait() == 0


def test_a_command_that_nobody_waits_for_is_not_mistaken_for_the_next(tmp_path: Path) -> None:
    left = start(tmp_path, "list", "--resource-type", "seed", "--quiet")
    left.stdout.read()
    failing = start(tmp_path, "build", "--no-such-option")
    assert failing.wait() == 2
    assert left.wait() == 0


def test_the_next_run_has_the_definitions_as_they_are_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare_manifest()
    before = dbt_process.make_ready(tmp_path)
    assert dbt_process.make_ready(tmp_path) is before
    monkeypatch.setattr(dbt_process, "definitions_hash", lambda: "changed")
    assert dbt_process.make_ready(tmp_path) is not before
    assert before.process.wait(60) == 0, "the one that has read the old ones is still there"


def test_nothing_runs_for_somebody_who_was_killed_while_the_project_was_being_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dbt_process, "definitions_hash", lambda: "of a run that is killed")
    ready = dbt_process.make_ready(tmp_path)
    reader, writer = os.pipe()
    socket.send_fds(ready.control, [b"\n"], [writer])
    request = {"arguments": ["list", "--resource-type", "seed", "--quiet"], "environment": told(tmp_path), "folder": str(PROJECT)}
    ready.control.sendall(json.dumps(request).encode() + b"\n")
    os.close(writer)
    ready.control.close()
    with os.fdopen(reader, "rb") as output:
        assert output.read() == b""
    assert ready.process.wait(60) == 0
