"""`throughline quarantine`: what was held back at the door, why, and letting it through."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipelines.command import InOrder, as_json_option, district_command, manifest, opened, print_json

if TYPE_CHECKING:
    from pipelines.lineage.ledger import Delivery


def why_stopped(stopped: Delivery) -> str:
    from pipelines.quality.stopped import in_words

    return in_words(stopped).removeprefix(f"{stopped.name}: ")


@click.group(cls=InOrder)
def quarantine() -> None:
    """What was held back at the door, why, and letting it through."""


@quarantine.command("list")
@click.option("--table", help="One table only, such as extract__attendance.")
@district_command
def list_quarantine(folder: Path, table: str | None) -> None:
    """Stopped files and rows set aside: why, since when, and which figures lack them.

    \b
    Example:
      throughline quarantine list --table extract__attendance
    """
    from pipelines import show
    from pipelines.lineage.graph import tables_behind_indicators
    from pipelines.quality.build import open_build
    from pipelines.quality.quarantine import set_aside
    from pipelines.quality.stopped import open_deliveries

    with opened(folder) as (district, ledger):
        with open_build(district, read_only=True) as db:
            aside = set_aside(db, ledger, tables_behind_indicators(manifest()), table)
        stopped = [(d.delivery_id, d.name, d.n_rows, d.business_date, why_stopped(d)) for d in open_deliveries(ledger) if table in (None, d.table_name)]
    show.quarantine(show.console(), stopped, aside)


@quarantine.command("show")
@click.argument("table")
@click.option("--rows", "n_rows", type=click.IntRange(min=0), default=20, show_default=True, help="How many rows to list.")
@click.option("--all", "every", is_flag=True, help="List every row.")
@as_json_option
@district_command
def show_quarantine(folder: Path, table: str, n_rows: int, every: bool, as_json: bool) -> None:
    """Rows of one table that were set aside, with rule, file and line. Restricted: it shows student-level rows.

    \b
    Example:
      throughline quarantine show extract__attendance
    """
    from pipelines import show
    from pipelines.quality.build import open_build
    from pipelines.quality.quarantine import quarantined_rows

    with opened(folder) as (district, _), open_build(district, read_only=True) as db:
        rows = quarantined_rows(db, table, None if every else n_rows)
    if as_json:
        print_json(rows)
    elif rows:
        show.table(show.console(), f"{table}: rows set aside", list(rows[0]), [list(r.values()) for r in rows], whole=("key", "rule"))
    else:
        click.echo(f"{table}: no row is set aside.")


@quarantine.command()
@click.option("--delivery", help="A stopped delivery, by the beginning of its id.")
@click.option("--table", help="The table of one row.")
@click.option("--key", help="The row's key, as `quarantine show` prints it.")
@click.option("--by", required=True, help="Who lets it through.")
@click.option("--reason", required=True, help="Why. Both stay in the ledger.")
@district_command
def release(folder: Path, delivery: str | None, table: str | None, key: str | None, by: str, reason: str) -> None:
    """Let a stopped file, or one row, through with the next run.

    \b
    Examples:
      throughline quarantine release --delivery 3fa2c1d0 --by "R. Example" --reason "two schools closed by storm"
      throughline quarantine release --table extract__attendance --key "100017|110|2025-09-08" --by "R. Example" --reason "enrolled late"
    """
    from pipelines.quality.build import open_build
    from pipelines.quality.quarantine import release_delivery, release_row

    if bool(delivery) == bool(table or key) or bool(table) != bool(key):
        raise click.ClickException("name either --delivery ID, or --table T with --key K")
    if not by.strip() or not reason.strip():
        raise click.ClickException("--by and --reason must say something: they are kept in the ledger")
    with opened(folder) as (district, ledger):
        if delivery:
            again = release_delivery(ledger, delivery, by, reason)
            click.echo("\n".join(f"{d.name} is judged again with the next run up to {d.business_date} or later." for d in again))
            return
        with open_build(district, read_only=True) as db:
            row = release_row(db, ledger, str(table), str(key), by, reason)
        click.echo(f"{row['file']}, line {row['line']} passes {row['rule']} with the next run.")
