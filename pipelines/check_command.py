"""`throughline check-oneroster`: a conformance report on a package, with no district behind it.

Belongs here: the command's options and exit statuses. The checking is `quality/conformance.py`, the layout `show.py`.
"""

from __future__ import annotations

from pathlib import Path

import click

from pipelines.command import as_json_option, lone_command, print_json


@click.command("check-oneroster")
@click.argument("package", type=click.Path(path_type=Path))
@click.option("--version", type=click.Choice(["1.1", "1.2"]), help="Check against this version, whatever the manifest says (1.2 is 1.2.1).")
@as_json_option
@lone_command
def check_oneroster(package: Path, version: str | None, as_json: bool) -> None:
    """Check a OneRoster CSV package, a zip or a folder, against the standard. It needs no district, and prints no value of a person.

    Exit status: 0 conformant (remarks on style may be listed); 3 it is not; 1 it cannot be read as a package.

    \b
    Examples:
      throughline check-oneroster export.zip
      throughline check-oneroster export/ --version 1.2 --json
    """
    from pipelines import show
    from pipelines.quality.conformance import check

    with show.progress("checking the package"):
        report = check(package, version or "")
    if as_json:
        print_json(report.as_json())
    else:
        show.conformance(show.console(), report)
    click.get_current_context().exit(0 if report.is_conformant else 3)
