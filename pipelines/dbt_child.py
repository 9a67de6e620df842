"""The process that `dbt_process.py` starts: it imports dbt and reads the project once, then forks a dbt for each request until nobody asks any more.

Belongs here: what is done once for all dbt commands of a run, and one command. Nobody imports this module; it alone uses dbt as a library.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from typing import Any

from pipelines.lineage.graph import PROJECT
from pipelines.quality.build import DBT_PROFILE


def read_project(folder: str) -> Any:
    """The project as `prepare_manifest` left it, read again; what dbt keeps of that goes into `folder`.

    None where the project does not parse: the command that needs it then says why.
    """
    from dbt.cli.main import dbtRunner

    os.environ.update(DBT_PROFILE)
    known = str(PROJECT / "target" / "partial_parse.msgpack")
    quietly = ["--quiet", "--no-send-anonymous-usage-stats", "--log-level-file", "none", "--partial-parse-file-path", known]
    places = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--target-path", folder, "--log-path", folder]
    done = dbtRunner().invoke([*quietly, "parse", *places])
    return done.result if done.success else None


def run(request: dict[str, Any], output: int, manifest: Any) -> int:
    """One dbt command, printing to the file descriptor `output`; its exit status, as of the command line."""
    from dbt.cli.main import dbtRunner

    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    done = dbtRunner(manifest=manifest).invoke(request["arguments"])
    return 0 if done.success else 2 if done.exception else 1


def serve(control: socket.socket, folder: str) -> None:
    """Requests come one at a time: a byte with the descriptor for the output, then a line of JSON. The answer is two lines: process id, wait status."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of Ctrl-C, which all processes of a terminal get, the dbt that is under way makes an end itself
    manifest = read_project(folder)
    lines = control.makefile("r", encoding="utf-8")
    while True:
        asked, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not asked:
            return
        request = json.loads(lines.readline())
        if _is_gone(control):
            return  # whoever asked was killed while the project was being read: nobody holds the district any more
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            lines.close()
            control.close()
            sys.exit(run(request, descriptors[0], manifest))
        os.close(descriptors[0])
        control.sendall(f"{child}\n".encode())
        control.sendall(f"{os.waitpid(child, 0)[1]}\n".encode())


def _is_gone(control: socket.socket) -> bool:
    """Whether the other side has closed."""
    try:
        return control.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False


if __name__ == "__main__":
    try:
        serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2])
    except ConnectionError:
        sys.exit(1)  # the run was killed in the middle: its terminal has gone on to other things
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # DuckDB's binding (nanobind) complains of leaks as Python ends, to a terminal that is another's by now
