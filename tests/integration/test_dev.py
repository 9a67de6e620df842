"""`throughline dev`: a real server on a small district, asked over its own GraphQL."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml
from click.testing import CliRunner

from pipelines.cli import cli
from pipelines.lineage.graph import PROJECT
from tests.conftest import REPOSITORY
from tests.districts import make_district

UP_SECONDS, DOWN_SECONDS = 300.0, 120.0
QUESTION = """{
  repositoriesOrError { ... on RepositoryConnection { nodes {
    location { name }
    schedules { name executionTimezone scheduleState { status } }
    sensors { name sensorState { status } }
    jobs { name } } }
    ... on PythonError { message } }
  assetNodes { assetKey { path } }
  instance { info } }"""


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port


@contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Told to end, as a service manager does; whatever of its group is left after that is killed."""
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(DOWN_SECONDS)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def ask(port: int, question: str) -> dict[str, Any]:
    body = json.dumps({"query": question}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/graphql", body, {"Content-Type": "application/json"})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
        said: dict[str, Any] = json.load(answer)["data"]
        return said


def when_up(process: subprocess.Popen[bytes], port: int, log: Path) -> dict[str, Any]:
    """The first answer of the server."""
    until = time.monotonic() + UP_SECONDS
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text(encoding="utf-8")
        try:
            return ask(port, QUESTION)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.5)
    raise AssertionError(f"no answer in {UP_SECONDS} seconds:\n{log.read_text(encoding='utf-8')}")


def test_one_command_prepares_and_serves_a_district(tmp_path: Path) -> None:
    """From another folder than the project's, with nothing of Dagster set up, and ended as a service is."""
    district = make_district(tmp_path / "d", students=60, days=2)
    port = free_port()
    project_changed = max(p.stat().st_mtime for p in (PROJECT / "models").rglob("*.sql"))
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("DAGSTER_", "THROUGHLINE_"))} | {"PYTHONPATH": str(REPOSITORY)}
    log = tmp_path / "server.log"
    with log.open("wb") as out:
        command = [sys.executable, "-m", "pipelines.cli", "dev", "--district", "d", "--port", str(port)]
        command = ["/bin/sh", "-c", "trap '' INT; exec \"$@\"", "sh", *command]  # as a script starts it in the background: interrupts ignored
        process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=out, stderr=out, start_new_session=True)
        with ended(process):
            said = when_up(process, port, log)
    (repository,) = said["repositoriesOrError"]["nodes"]
    assert repository["location"]["name"] == "pipelines.definitions"
    assert repository["schedules"] == [{"name": "nightly_at_two", "executionTimezone": "America/New_York", "scheduleState": {"status": "STOPPED"}}]
    assert repository["sensors"] == [{"name": "landing", "sensorState": {"status": "STOPPED"}}]
    assert "nightly" in {job["name"] for job in repository["jobs"]}
    assert ["warehouse", "agg_indicator_values"] in [node["assetKey"]["path"] for node in said["assetNodes"]]
    home = district.folder / "data" / "dagster"
    settings = yaml.safe_load(said["instance"]["info"])
    assert settings["telemetry"] == {"enabled": False}
    assert settings["event_log_storage"]["class"] == "KeptOpenEventLogStorage"
    assert str(home) in settings["run_storage"]["config"]["base_dir"]
    assert not [p for folder in ("logs", ".logs_queue") for p in (home / folder).glob("*")], "what telemetry would keep to send"
    assert (PROJECT / "target" / "manifest.json").stat().st_mtime >= project_changed
    assert not list(tmp_path.glob(".tmp_dagster_home_*"))
    assert process.returncode == 0, log.read_text(encoding="utf-8")
    assert f"Serving dagster-webserver on http://127.0.0.1:{port} " in log.read_text(encoding="utf-8"), "on this machine alone"


def test_a_folder_that_is_no_district_starts_nothing(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["dev", "--district", str(tmp_path), "--port", str(free_port())])
    assert result.exit_code == 1
    assert "name the district's folder with --district DIR" in result.stderr
    assert not (tmp_path / "data").exists()


def test_a_port_that_is_taken_is_told_at_once(tmp_path: Path) -> None:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        result = CliRunner().invoke(cli, ["dev", "--district", str(tmp_path), "--port", str(s.getsockname()[1])])
    assert result.exit_code == 1
    assert "Address already in use); name another with --port" in result.stderr
