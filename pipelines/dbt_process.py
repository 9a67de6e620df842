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
from pathlib import Path

_ready: tuple[subprocess.Popen[bytes], socket.socket] | None = None


def make_ready() -> socket.socket:
    """Begin to import dbt and to read the project, in a process of its own that lives as long as this one; returns the way to it."""
    global _ready
    if _ready is None or _ready[0].poll() is not None:
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", "pipelines.dbt_child", str(theirs.fileno())]
        _ready = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()]), ours
        theirs.close()
    return _ready[1]


class DbtProcess:
    """A dbt command under way, with what `DbtCliInvocation` uses of a `subprocess.Popen`. `stdout` has its output and what it says of errors.

    One at a time: wait for it before the next is started.
    """

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
        self.args = ["dbt", *arguments]
        self.returncode: int | None = None  # negative where a signal ended it
        self._control = make_ready()
        reader, writer = os.pipe()
        self.stdout = os.fdopen(reader, "rb")
        try:
            socket.send_fds(self._control, [b"\n"], [writer])
        finally:
            os.close(writer)  # the end of the output is then the end of the command
        request = {"arguments": list(arguments), "environment": dict(environment), "folder": str(folder)}
        self._control.sendall(json.dumps(request).encode() + b"\n")
        self._said = b""
        self.pid = int(self._answer() or 0)
        if not self.pid:
            raise ConnectionError("the process that starts dbt ended before its time; what it said stands above")

    def wait(self, timeout: float | None = None) -> int:
        """Raises subprocess.TimeoutExpired after `timeout` seconds."""
        if self.returncode is None:
            try:
                status = self._answer(timeout)
            except TimeoutError as e:
                raise subprocess.TimeoutExpired(self.args, timeout or 0) from e
            self.returncode = os.waitstatus_to_exitcode(int(status)) if status else -signal.SIGKILL  # nothing: whoever started it was ended
        return self.returncode

    def send_signal(self, number: signal.Signals) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)

    def _answer(self, timeout: float | None = None) -> bytes:
        """The next line that the process which stands ready says; nothing where it is gone. Raises TimeoutError."""
        self._control.settimeout(timeout)
        try:
            while b"\n" not in self._said:
                said = self._control.recv(64)
                if not said:
                    return b""
                self._said += said
        finally:
            self._control.settimeout(None)
        line, _, self._said = self._said.partition(b"\n")
        return line
