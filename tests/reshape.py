"""A district's landing files, written anew with other rows: for tests that ask how figures answer to a change of the world.

`change(table, rows)` gets every file's rows by column name and gives those that take their place. The table is the file's name without its date: `attendance`,
`corrections`, `calendar`; of a OneRoster package that of the file in it: `users`, `enrollments`, `results`.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

from tests.districts import TestDistrict

Rows = list[dict[str, str]]
Change = Callable[[str, Rows], Rows]


def reshaped(district: TestDistrict, folder: Path, change: Change) -> TestDistrict:
    """A copy of a district that was not run yet, in `folder`, with its files changed."""
    made = district.copy(folder)
    for path in sorted(made.landing.rglob("*.csv")):
        path.write_text(_changed(path.stem.rsplit("_", 1)[0], path.read_text(encoding="utf-8"), change), encoding="utf-8")
    for path in sorted(made.landing.rglob("*.zip")):
        with zipfile.ZipFile(path) as package:
            inside = {name: package.read(name).decode("utf-8") for name in package.namelist()}
        with zipfile.ZipFile(path, "w") as package:
            for name, text in inside.items():
                package.writestr(name, text if name == "manifest.csv" else _changed(name.removesuffix(".csv"), text, change))
    return made


def _changed(table: str, text: str, change: Change) -> str:
    reader = csv.DictReader(io.StringIO(text))
    rows = change(table, [dict(row) for row in reader])
    out = io.StringIO()
    writer = csv.DictWriter(out, reader.fieldnames or [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()
