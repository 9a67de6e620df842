"""The command `throughline map`. Kept apart from `cli.py`, which lists it with the others."""

from __future__ import annotations

from pathlib import Path

import click

from pipelines.command import as_json_option, district_command, print_json


@click.command("map")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--table", help="Which table the file is, where its columns do not say, such as attendance.")
@as_json_option
@district_command
def map_file(folder: Path, file: Path, table: str | None, as_json: bool) -> None:
    """Draft the `[[sources]]` block of a file: types, columns, dates and codes by evidence, and what could not be placed. Prints no person's values.

    \b
    Example:
      throughline map exports/attendance_2025-09-08.txt --district demo
    """
    from pipelines import show
    from pipelines.district import load_district
    from pipelines.mapping import draft

    district = load_district(folder) if (folder / "district.toml").exists() else None
    found = draft(file, table, district)
    if as_json:
        print_json(found.as_json())
    else:
        show.mapping(show.console(), file.name, found)
