"""What every command shares: the district option, how an error is told, JSON, an opened ledger.

Belongs here: plumbing between click and the rooms below. The commands are in `cli.py`, their layout in `show.py`.
"""

from __future__ import annotations

import functools
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from pipelines.district import District
    from pipelines.lineage.graph import Manifest
    from pipelines.lineage.ledger import Ledger

OURS = ("pipelines.",)


class InOrder(click.Group):
    """Lists commands in the order in which people need them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


def told(error: Exception) -> str:
    """One plain message. Our own errors say what to do; of others we say how to find out more."""
    if type(error).__module__.startswith(OURS):
        return str(error)
    if type(error).__name__ == "IOException" and "lock" in str(error):  # duckdb, which is not imported for this
        return f"the build database is in use: a run is under way, or another program holds it ({str(error).splitlines()[0]}); see `throughline doctor`"
    what = f"{type(error).__name__}: {error}".strip().splitlines()[0]
    return f"{what}\nThis was not foreseen. See `throughline doctor`; the same command with --debug says where it happened."


def district_command(f: Callable[..., Any]) -> Callable[..., Any]:
    """Adds --district and --debug, and tells errors in one message with exit status 1."""
    where = click.option("--district", "folder", type=click.Path(path_type=Path), default=Path(), help="The district's folder; by default where you stand.")
    return where(lone_command(f))


def lone_command(f: Callable[..., Any]) -> Callable[..., Any]:
    """Of a command that needs no district: adds --debug, and tells errors in one message with exit status 1."""

    @click.option("--debug", is_flag=True, help="With an error, also say where in the code it happened.")
    @functools.wraps(f)
    def wrapped(*args: Any, debug: bool, **options: Any) -> Any:
        try:
            return f(*args, **options)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as e:  # noqa: BLE001 (the last place: every error is told, none is lost)
            if debug:
                click.echo(getattr(e, "detail", "") or traceback.format_exc(), err=True)
            if options.get("as_json"):
                click.echo(json.dumps({"error": told(e), "exit_status": 1}))
            raise click.ClickException(told(e)) from None

    return wrapped


def as_json_option(f: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else on stdout.")(f)


def print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=1, default=str))


@contextmanager
def opened(folder: Path) -> Iterator[tuple[District, Ledger]]:
    """The district and its ledger. Raises SettingsError; a UsageError where nothing has been run yet."""
    from pipelines.district import load_district
    from pipelines.lineage.ledger import Ledger

    district = load_district(folder)
    path = district.data / "ledger.sqlite"
    if not path.exists():
        raise click.ClickException(f"{path}: not there yet. Run first: throughline run --district {folder} --date YYYY-MM-DD")
    ledger = Ledger(path)
    try:
        yield district, ledger
    finally:
        ledger.close()


@contextmanager
def created(folder: Path) -> Iterator[tuple[District, Ledger]]:
    """The district and its ledger, made where there is none yet, with the district to ourselves. Raises SettingsError, BusyError."""
    from pipelines.defs.resources import DistrictResource

    with DistrictResource(folder=str(folder)).ledger() as both:
        yield both


def manifest() -> Manifest:
    from pipelines.lineage.graph import Manifest
    from pipelines.nightly import prepare_manifest

    return Manifest(prepare_manifest())


def end_quietly(status: list[int]) -> None:
    """End the process, where Great Expectations was loaded, without the interpreter's last tidying up.

    What it keeps of the DuckDB dialect outlives the duckdb module, whose binding would then fill the terminal with a report of leaks on which no one can act.
    """
    if "great_expectations" in sys.modules:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status[0])
