"""The process that `dbt_process.py` starts: it imports dbt and reads the project once, then forks a dbt for each request until nobody asks any more.

Belongs here: what is done once for all dbt commands of a run, and one command. Alone of all rooms it imports dbt, and nobody imports it.
"""

import json
import os
import shutil
import signal
import socket
import sys
import tempfile
from typing import Any

from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest

from pipelines.lineage.graph import PROJECT
from pipelines.quality.build import DBT_PROFILE


def read_project() -> Manifest | None:
    """The project as `prepare_manifest` left it, read again; None where it does not parse: the command that needs it then says why."""
    known = PROJECT / "target" / "partial_parse.msgpack"
    os.environ.update(DBT_PROFILE)
    with tempfile.TemporaryDirectory(prefix="throughline-dbt-") as folder:
        if known.exists():
            shutil.copy(known, folder)
        places = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--target-path", folder, "--log-path", folder]
        result = dbtRunner().invoke(["--quiet", "--no-send-anonymous-usage-stats", "--log-level-file", "none", "parse", *places]).result
    return result if isinstance(result, Manifest) else None


def run(request: dict[str, Any], output: int, manifest: Manifest | None) -> int:
    """One dbt command, printing to the file descriptor `output`; its exit status, as of the command line."""
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    done = dbtRunner(manifest=manifest).invoke(request["arguments"])
    return 0 if done.success else 2 if done.exception else 1


def serve(control: socket.socket) -> None:
    """Requests come one at a time: a byte with the descriptor for the output, then a line of JSON. The answer is two lines: process id, wait status."""
    manifest = read_project()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of Ctrl-C, which all processes of a terminal get, the dbt that is under way makes an end itself
    with control, control.makefile("r", encoding="utf-8") as lines:
        while True:
            asked, descriptors, _, _ = socket.recv_fds(control, 1, 1)
            if not asked:
                os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libraries that complain of how Python ends have nobody to complain to
                return
            request = json.loads(lines.readline())
            child = os.fork()
            if child == 0:
                signal.signal(signal.SIGINT, signal.default_int_handler)
                control.close()
                sys.exit(run(request, descriptors[0], manifest))
            os.close(descriptors[0])
            control.sendall(f"{child}\n".encode())
            control.sendall(f"{os.waitpid(child, 0)[1]}\n".encode())


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
