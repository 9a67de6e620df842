"""`throughline dev`: parses, prepares, hands over to Dagster. Imports what it needs when it is called."""

from __future__ import annotations

import os
import signal
import socket
import sys
from pathlib import Path

import click

from pipelines.command import district_command


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=3000, show_default=True, help="Port of Dagster's pages, on this machine alone.")
@district_command
def dev(folder: Path, port: int) -> None:
    """Dagster's pages for this district, with the daemon that runs its schedule and sensor while they are on. Ctrl-C ends both.

    Schedule and sensor are off at first. Switch them on under Automation; Dagster remembers it for this district.

    \b
    Example:
      throughline dev --district demo --port 3001
    """
    from pipelines import show

    _check_free(port)
    with show.progress("reading the settings and the models"):
        from pipelines.defs.resources import DISTRICT_FOLDER
        from pipelines.district import load_district
        from pipelines.nightly import prepare_instance, prepare_manifest

        district = load_district(folder)
        prepare_manifest()
        home = prepare_instance(district)
    click.echo(
        f"http://127.0.0.1:{port} has Dagster's pages in a few seconds; schedule and sensor are switched under Automation. History is in {home}", err=True
    )
    dagster = str(Path(sys.executable).with_name("dagster"))
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell has what it starts in the background ignore it, and Dagster takes SIGTERM as it takes SIGINT
    os.environ[DISTRICT_FOLDER] = str(folder.resolve())
    os.execv(dagster, [dagster, "dev", "-m", "pipelines.definitions", "-h", "127.0.0.1", "-p", str(port)])  # noqa: S606 (no shell is wanted)


def _check_free(port: int) -> None:
    """Dagster would start everything, fail with a stack trace and exit with 0."""
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
        except OSError as e:
            raise click.ClickException(f"port {port} of this machine cannot be used ({e.strerror}); name another with --port") from None
