"""Nightly runs in processes of their own that need not import anything: `Forks` starts a server that forks them.

The first run imports what a night needs and says so; the server then imports the same, and later runs have it from the beginning. Each run is a session
leader like a command from a shell, so that it can be killed alone or with all that it started. What it reports of its progress goes to a file, a line each
with the time. Nothing of a district is ever open in the server.
"""

from __future__ import annotations

import gc
import importlib
import json
import logging
import os
import signal
import subprocess
import sys
import time
import traceback
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any


class Forks:
    """The server, and what a test asks of it."""

    def __init__(self) -> None:
        environment = {k: v for k, v in os.environ.items() if k != "DAGSTER_HOME"}  # each district has its own
        command = [sys.executable, "-m", "tests.faults.forks"]
        self._server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, cwd=Path(__file__).parents[2])
        self._answer()

    def start(self, folder: Path, day: date, log: Path) -> int:
        """Begin a night; gives its process id, which is its process group's too."""
        return int(self._ask("start", str(folder), day.isoformat(), str(log)))

    def wait(self, pid: int, seconds: float) -> int | None:
        """The run's exit status (negative: the signal that ended it); None when it has not ended after so many seconds."""
        answer: int | None = self._ask("wait", pid, seconds)
        return answer

    def close(self) -> None:
        """End the server, and the runs that are left."""
        assert self._server.stdin
        assert self._server.stdout
        self._server.stdin.close()
        self._server.wait(60)
        self._server.stdout.close()

    def _ask(self, *request: Any) -> Any:
        assert self._server.stdin
        self._server.stdin.write(json.dumps(request).encode() + b"\n")
        self._server.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:
        assert self._server.stdout
        line = self._server.stdout.readline()
        assert line, "the server of forks has ended"
        return json.loads(line)


def _serve() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # nothing that is printed must look like an answer
    running: set[int] = set()
    logs: dict[int, str] = {}
    has_learned = False

    def answer(value: Any) -> None:
        answers.write(json.dumps(value) + "\n")
        answers.flush()

    answer("ready")
    for line in sys.stdin:
        what, *rest = json.loads(line)
        if what == "start":
            running.add(pid := _fork(*rest))
            logs[pid] = rest[-1]
            answer(pid)
        else:
            status = _wait(*rest)
            running -= set() if status is None else {rest[0]}
            if status == 0 and not has_learned:
                has_learned = _learn(logs[rest[0]])
            answer(status)
    for pid in running:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)


def _modules(log: str) -> Path:
    return Path(f"{log}.modules")


def _learn(log: str) -> bool:
    """Import what a run has imported. What does not import here by its name was made by another module, and does not matter."""
    for name in _modules(log).read_text().split():
        with suppress(Exception):
            importlib.import_module(name)
    gc.freeze()  # what is there already is no garbage of any run
    return True


def _fork(folder: str, day: str, log: str) -> int:
    begun, say = os.pipe()
    pid = os.fork()
    if pid:
        os.close(say)
        os.read(begun, 1)  # it has a process group of its own now
        os.close(begun)
        return pid
    status = 1
    try:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        os.write(say, b"!")
        os.close(say)
        os.close(begun)
        _run(Path(folder), date.fromisoformat(day), Path(log))
        status = 0
    finally:
        os._exit(status)


def _run(folder: Path, day: date, log: Path) -> None:
    from pipelines.nightly import run_nightly

    progress = logging.getLogger("throughline.progress")
    progress.setLevel(logging.INFO)
    progress.propagate = False
    handler = logging.FileHandler(log)
    handler.setFormatter(logging.Formatter("%(created)f %(message)s"))
    progress.addHandler(handler)
    try:
        run_nightly(folder, day)
        _modules(str(log)).write_text("\n".join(n for n in sys.modules if n != "__main__"))
    except BaseException:  # an interruption too: the test reads here why a run ended by itself
        with log.open("a") as f:
            traceback.print_exc(file=f)
        raise


def _wait(pid: int, seconds: float) -> int | None:
    until = time.monotonic() + seconds
    while True:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= until:
            return None
        time.sleep(0.005)


if __name__ == "__main__":
    _serve()
