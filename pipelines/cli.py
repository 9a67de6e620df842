"""The command line: parses, calls, prints. `throughline --help`.

Belongs here: commands, their options and exit statuses. Each imports what it needs when it is called, so that `--help` is quick.
"""

from __future__ import annotations

import atexit
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipelines.check_command import check_oneroster
from pipelines.cli_dev import dev
from pipelines.cli_fetch import fetch
from pipelines.cli_map import map_file
from pipelines.cli_quarantine import quarantine, why_stopped
from pipelines.command import InOrder, as_json_option, district_command, end_quietly, manifest, opened, print_json

if TYPE_CHECKING:
    from pipelines.district import District
    from pipelines.lineage.ledger import Ledger

DAY = click.DateTime(["%Y-%m-%d"])


@click.group(cls=InOrder, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="throughline")
def cli() -> None:
    """Carry a school district's files to gated, published, traceable figures.

    \b
    A first look, without any district's data:
      throughline synth --students 2000 --days 30 --start 2025-08-18 --seed 7 --out demo
      throughline run --district demo --date 2025-09-30
    """


@cli.command()
@click.option("--date", "day", type=DAY, required=True, help="Take everything dated up to this day; figures run to it.")
@click.option("--from", "first", type=DAY, help="First day of a range that is done in one go.")
@as_json_option
@district_command
def run(folder: Path, day: datetime, first: datetime | None, as_json: bool) -> None:
    """Run the nightly job: landing, raw, gates, models, warehouse.

    The very job that the schedule runs. Exit status: 0 all published; 1 an error (what was published before stays); 3 ran, and something was held back.

    \b
    Examples:
      throughline run --district demo --date 2025-09-30
      throughline run --from 2025-08-18 --date 2025-09-30 --json
    """
    from pipelines import show

    until, since = day.date(), first.date() if first else None
    if since and since > until:
        raise click.ClickException(f"--from {since} is after --date {until}; name the earlier day with --from")
    with show.progress("reading the settings and the models"):
        from pipelines.nightly import run_nightly

        outcome = run_nightly(folder, until, since)
    with opened(folder) as (district, ledger):
        _report(district, ledger, outcome, as_json=as_json)
    click.get_current_context().exit(outcome.exit_status)


cli.add_command(fetch)


def _report(district: District, ledger: Ledger, outcome: Any, *, as_json: bool) -> None:
    """Print what a run did."""
    from pipelines import show
    from pipelines.lineage.graph import registry, tables_behind_indicators
    from pipelines.publication.figures import district_figures
    from pipelines.publication.warehouse import open_warehouse
    from pipelines.quality.build import open_build
    from pipelines.quality.expectations import PACKAGE
    from pipelines.quality.quarantine import set_aside
    from pipelines.quality.stopped import open_deliveries

    figures = district_figures(open_warehouse(district.warehouse_url))
    with open_build(district, read_only=True) as db:
        aside = set_aside(db, ledger, tables_behind_indicators(manifest()))
    if as_json:
        print_json({**outcome.as_json(), "figures": figures, "set_aside": [vars(a) for a in aside]})
        return
    # a package is listed with the file of it that is wrong
    stopped = [(d.name, why_stopped(d), "missing") for d in open_deliveries(ledger) if d.why != PACKAGE]
    known = {name for name, *_ in stopped}
    mended = [d for d in ledger.deliveries(status=("blocked", "unreadable")) if d.run_id == outcome.run_id and d.name not in known and d.why != PACKAGE]
    stopped += [(d.name, why_stopped(d), "a later file stands in its place") for d in mended]
    there = {f["indicator_id"] for f in figures}
    missing = [i["indicator_name"] for i in registry("indicators") if i["indicator_id"] not in there]
    show.run(show.console(), district.district.name, outcome, figures, stopped, aside, missing)


@cli.command()
@click.option("--students", type=click.IntRange(min=1), required=True, help="How many students.")
@click.option("--days", type=click.IntRange(min=1), required=True, help="How many school days.")
@click.option("--start", type=DAY, required=True, help="First school day.")
@click.option("--seed", type=int, required=True, help="Same seed, same bytes.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to write; its landing folder must be empty.")
@click.option("--clean", is_flag=True, help="Plant no defects.")
@click.option("--scenarios", default="", help="What happens in a first month: all, or names separated by commas. No defects then.")
@district_command
def synth(folder: Path, students: int, days: int, start: datetime, seed: int, out: Path, clean: bool, scenarios: str) -> None:
    """Write a synthetic district: settings, landing files day by day, and the defects planted in them.

    \b
    Example:
      throughline synth --students 2000 --days 30 --start 2025-08-18 --seed 7 --out demo
    """
    from pipelines import show

    with show.progress("drawing a district"):
        from pipelines.synth import synthesize
        from pipelines.synth.month import NAMES

        try:
            wanted = NAMES if scenarios == "all" else tuple(s for s in scenarios.split(",") if s)
            synthesize(
                students, days, start.date(), seed, out, defects=not (clean or wanted), scenarios=wanted,
                progress=lambda text: show.PROGRESS.info("%s", text),
            )  # fmt: skip
        except (ValueError, FileExistsError) as e:
            raise click.ClickException(str(e)) from None
    show.console().print(f"A district of {students:,} students is in {out}. Next: throughline run --district {out} --date YYYY-MM-DD", soft_wrap=True)


@cli.command()
@click.argument("figure")
@click.option("--rows", "n_rows", type=click.IntRange(min=0), default=20, show_default=True, help="How many rows to list.")
@click.option("--all", "every", is_flag=True, help="List every row.")
@as_json_option
@district_command
def trace(folder: Path, figure: str, n_rows: int, every: bool, as_json: bool) -> None:
    """From a published figure down to the rows, files and lines behind it. Restricted: it shows student-level rows.

    FIGURE is agg_indicator_values: and columns of its key; what you leave out means the district, all grades, all students, the year to date, the newest.
    A value_key in their place will do as well. Exit status 1 where the rows do not add up to the figure.

    \b
    Examples:
      throughline trace agg_indicator_values:indicator_id=attendance_rate,school_id=110,period_type=week,period_start=2025-09-08
      throughline trace agg_indicator_values:indicator_id=chronic_absence,profile_id=edfacts,group_family=gender,group_value=female --all
    """
    from pipelines import show
    from pipelines.lineage import trace as tracing
    from pipelines.publication.figures import published_figure
    from pipelines.publication.warehouse import open_warehouse
    from pipelines.quality.build import build_path, open_build

    wanted = tracing.parse_figure(figure)
    with opened(folder) as (district, ledger):
        if not build_path(district).exists():
            raise click.ClickException(f"{build_path(district)}: not there; run the nightly job first")
        with open_build(district, read_only=True) as db:
            found = tracing.trace(db, ledger, tracing.find_figure(db, wanted), None if every else n_rows)
        published = published_figure(open_warehouse(district.warehouse_url), str(found.figure["value_key"]))
    if as_json:
        print_json({**found.as_json(), "published": published})
    else:
        show.trace(show.console(), found, published)
    click.get_current_context().exit(0 if found.agrees else 1)


@cli.group(cls=InOrder)
def publications() -> None:
    """What was published, when, from what; and going back to it."""


@publications.command("list")
@as_json_option
@district_command
def list_publications(folder: Path, as_json: bool) -> None:
    """Every publication, newest first.

    \b
    Example:
      throughline publications list --district demo
    """
    from pipelines import show
    from pipelines.publication.history import history
    from pipelines.publication.warehouse import open_warehouse

    with opened(folder) as (district, ledger):
        past = history(ledger, open_warehouse(district.warehouse_url))
    if as_json:
        print_json([{**vars(p.publication), **{k: v for k, v in vars(p).items() if k != "publication"}} for p in past])
    else:
        show.publications(show.console(), past)


@publications.command("show")
@click.argument("publication", default="latest")
@as_json_option
@district_command
def show_publication(folder: Path, publication: str, as_json: bool) -> None:
    """One publication: a verdict for each slice, and its figures where it is still kept. PUBLICATION is an id or `latest`.

    \b
    Example:
      throughline publications show latest
    """
    from pipelines import show
    from pipelines.publication.figures import district_figures
    from pipelines.publication.history import find_publication
    from pipelines.publication.warehouse import open_warehouse

    with opened(folder) as (district, ledger):
        found = find_publication(ledger, publication)
        verdicts = ledger.verdicts(found.publication_id)
        warehouse = open_warehouse(district.warehouse_url)
        figures = district_figures(warehouse, found.publication_id) if found.publication_id in warehouse.versions() else []
    if as_json:
        print_json({**vars(found), "verdicts": [vars(v) for v in verdicts], "figures": figures})
    else:
        show.publication(show.console(), found, verdicts, figures)


@publications.command()
@click.argument("publication")
@district_command
def rollback(folder: Path, publication: str) -> None:
    """Show people an earlier publication again, at once. The next run publishes anew.

    \b
    Example:
      throughline publications rollback 20251001T060312-3fa2c1
    """
    from pipelines.publication.history import roll_back
    from pipelines.publication.warehouse import open_warehouse

    with opened(folder) as (district, ledger):
        warehouse = open_warehouse(district.warehouse_url)
        now = roll_back(district, ledger, warehouse, manifest().marts(), publication)
    click.echo(f"People now see publication {now} in {warehouse.location()}.\nThe next run publishes anew: stop the schedule if this one is to stay.")


cli.add_command(quarantine)


@cli.command()
@click.argument("indicator", required=False)
@district_command
def explain(folder: Path, indicator: str | None) -> None:
    """A definition in plain words, with its profiles and sources. Without INDICATOR, what there is.

    \b
    Example:
      throughline explain chronic_absence
    """
    from pipelines import show
    from pipelines.district import load_district
    from pipelines.lineage.explain import explain as explained
    from pipelines.lineage.graph import registry
    from pipelines.settings import SettingsError
    from pipelines.sources import format_of

    if indicator is None:
        rows = [(i["indicator_id"], i["indicator_name"], i["description"]) for i in registry("indicators")]
        show.table(show.console(), "Indicators", ("indicator", "name", "is"), rows)
        return
    found = explained(indicator, manifest())
    try:
        sources = [s.id for s in load_district(folder).sources if any(t.name in found.tables for t in format_of(s).feeds(s))]
    except SettingsError:
        sources = []  # a definition can be read without any district
    show.explanation(show.console(), found, sources)


cli.add_command(map_file)
cli.add_command(dev)


@cli.command()
@as_json_option
@district_command
def doctor(folder: Path, as_json: bool) -> None:
    """What is wrong with this set-up, in order of importance, and what to do. Exit status 1 where something is serious.

    \b
    Example:
      throughline doctor --district demo
    """
    from pipelines import show
    from pipelines.doctor import examine

    found = examine(folder)
    if as_json:
        print_json([vars(f) for f in found])
    else:
        show.findings(show.console(), found)
    click.get_current_context().exit(1 if any(f.weight == "serious" for f in found) else 0)


cli.add_command(check_oneroster)


def main() -> None:
    """The `throughline` command."""
    status = [0]
    atexit.register(end_quietly, status)  # first in, so last out: after every other exit handler
    try:
        cli()
    except SystemExit as e:
        status[0] = e.code if isinstance(e.code, int) else 0 if e.code is None else 1
        raise


if __name__ == "__main__":
    main()
