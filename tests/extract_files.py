"""The folder of a small made-up district that sends extracts alone, whole files by name and date in the product's own column names."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

POSITIVE = """
[attendance]
reporting = "positive"

[enrollment]
exit_is_inclusive = false

[intake]
settle_seconds = 0
"""


def one_year(district: str, name: str, first: date, last: date) -> str:
    """The head of `district.toml` of a district with one school year, which is one term, and positive attendance."""
    return f"""\
[district]
id = "{district}"
name = "{name}"

[[school_years]]
year = {last.year}
start = {first}
end = {last}
terms = [{{ id = "Y", name = "Year", start = {first}, end = {last} }}]
{POSITIVE}"""


Tables = Mapping[str, Sequence[str]]  # columns by table


def write_settings(folder: Path, head: str, tables: Iterable[str], codes: Mapping[str, str]) -> None:
    """`district.toml`, with a source for each table behind its `head`, and the code maps."""
    date_pattern = "'(?P<date>\\d{4}-\\d{2}-\\d{2})(?:_(?P<sequence>\\d+))?\\.csv$'"
    blocks = [
        head,
        *(
            f'[[sources]]\nid = "{name}"\nformat = "extract"\ntable = "{name}"\npath = "{name}/*.csv"\nmode = "bulk"\ndate = {date_pattern}\n'
            for name in tables
        ),
    ]
    folder.mkdir(parents=True)
    (folder / "district.toml").write_text("\n".join(blocks))
    (folder / "codes").mkdir()
    for name, text in codes.items():
        (folder / "codes" / f"{name}.csv").write_text(text)


def put(folder: Path, table: str, columns: Sequence[str], day: date, rows: Iterable[Sequence[Any]], sequence: str = "") -> None:
    """A file of a table that comes on a day; `sequence` as "_2" where it is not the day's first."""
    path = folder / "landing" / table / f"{table}_{day}{sequence}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as f:
        csv.writer(f).writerows([columns, *rows])
