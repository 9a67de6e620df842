"""Starting dbt: seconds of every start go into importing it and reading the project, the same every time.

Belongs here: a process that does both while the night's files are being taken (`dbt_child.py`), and dbt commands as forks of it.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pipelines.lineage.graph import PROJECT
from pipelines.publication.publish import definitions_hash


@dataclass(frozen=True)
class _Ready:
    """A process that stands ready, the way to it, and the definitions that it has read."""

    process: subprocess.Popen[bytes]
    control: socket.socket
    definitions: str


_ready: _Ready | None = None  # none while a command is under way


def make_ready(folder: Path) -> _Ready:
    """Begin to import dbt and to read the project, in a process of its own that lives as long as this one; what dbt keeps of it goes into `folder`.

    Nothing is to be done where one stands ready that has read the definitions as they are now.
    """
    global _ready
    definitions = definitions_hash()
    if _ready and _ready.process.poll() is None and _ready.definitions == definitions:
        return _ready
    if _ready:
        _ready.control.close()  # and with it goes whoever listens
    folder.mkdir(parents=True, exist_ok=True)
    ours, theirs = socket.socketpair()
    with theirs:
        command = [sys.executable, "-m", "pipelines.dbt_child", str(theirs.fileno()), str(folder)]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=2, cwd=PROJECT.parent, pass_fds=[theirs.fileno()])
    _ready = _Ready(process, ours, definitions)
    return _ready


class DbtProcess:
    """A dbt command under way, with what `DbtCliInvocation` uses of a `subprocess.Popen`. `stdout` has its output and what it says of errors."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], folder: Path, target: Path) -> None:
        """`folder` is where the command runs, `target` where dbt keeps what it makes. Raises ConnectionError."""
        global _ready
        self._by, _ready = make_ready(target), None  # ready again when this command has ended: one that nobody waits for must not be mistaken for the next
        self.args = ["dbt", *arguments]
        self.returncode: int | None = None  # negative where a signal ended it
        self._said = b""
        reader, writer = os.pipe()
        self.stdout = os.fdopen(reader, "rb")
        request = {"arguments": list(arguments), "environment": dict(environment), "folder": str(folder)}
        try:
            socket.send_fds(self._by.control, [b"\n"], [writer])
            self._by.control.sendall(json.dumps(request).encode() + b"\n")
        finally:
            os.close(writer)  # the end of the output is then the end of the command
        self.pid = int(self._answer() or 0)
        if not self.pid:
            raise ConnectionError("the process that starts dbt ended before its time; what it said stands above")

    def wait(self, timeout: float | None = None) -> int:
        """Raises subprocess.TimeoutExpired after `timeout` seconds."""
        global _ready
        if self.returncode is None:
            try:
                status = self._answer(timeout)
            except TimeoutError as e:
                raise subprocess.TimeoutExpired(self.args, timeout or 0) from e
            self.returncode = os.waitstatus_to_exitcode(int(status)) if status else -signal.SIGKILL  # nothing: whoever started it was ended
            _ready = _ready or self._by
        return self.returncode

    def send_signal(self, number: signal.Signals) -> None:
        if self.returncode is None:
            with suppress(ProcessLookupError):  # it has just ended
                os.kill(self.pid, number)

    def _answer(self, timeout: float | None = None) -> bytes:
        """The next line that the process which stands ready says; nothing where it is gone. Raises TimeoutError."""
        self._by.control.settimeout(timeout)
        try:
            while b"\n" not in self._said:
                said = self._by.control.recv(64)
                if not said:
                    return b""
                self._said += said
        except ConnectionError:
            return b""
        finally:
            self._by.control.settimeout(None)
        line, _, self._said = self._said.partition(b"\n")
        return line
