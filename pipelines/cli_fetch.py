"""`throughline fetch`: parses, calls, prints. Imports what it needs when it is called."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from pipelines.command import as_json_option, created, district_command, print_json


@click.command()
@click.option("--date", "day", type=click.DateTime(["%Y-%m-%d"]), help="Date of the files that land; today by the district's clock where left out.")
@click.option("--source", "source_id", help="One source only, by its id.")
@click.option("--full", "whole", is_flag=True, help="Read every resource from its beginning, as after a server was restored from a backup.")
@as_json_option
@district_command
def fetch(folder: Path, day: datetime | None, source_id: str | None, whole: bool, as_json: bool) -> None:
    """Fetch what is new from every source with an API into the landing folder. The nightly job does it by itself.

    Exit status: 0 all fetched; 1 something failed (the next run goes on from there); 3 a resource is not available to this client.

    \b
    Examples:
      throughline fetch --district demo
      throughline fetch --source sis --date 2025-09-30 --json
    """
    from pipelines import show
    from pipelines.intake.fetch import api_sources, checks, exit_status
    from pipelines.intake.fetch import fetch as fetch_source
    from pipelines.lineage.ledger import now

    with created(folder) as (district, ledger):
        known = api_sources(district)
        sources = [s for s in known if source_id in (None, s.id)]
        if not sources:
            there = f"those with one are {', '.join(s.id for s in known)}" if known else "no source has one"
            raise click.ClickException(f"{folder / 'district.toml'}: nothing to fetch: a source needs a [sources.api] block, and {there}")
        with show.progress("reading the settings"):
            until = day.date() if day else district.today()
            results = [r for s in sources for r in fetch_source(district, ledger, s, until, lambda text: show.PROGRESS.info("%s", text), whole=whole)]
        ledger.put(*checks(f"fetch-{now()}", results))
    if as_json:
        print_json({"exit_status": exit_status(results), "resources": [vars(r) for r in results]})
    else:
        show.fetched(show.console(), results)
    click.get_current_context().exit(exit_status(results))
