"""Reading one code map, a CSV file that people keep, and saying of a row that cannot be used the file, the line and the remedy."""

from __future__ import annotations

import csv
from pathlib import Path

from pipelines.code_maps import CODE_MAPS, OPTIONAL_COLUMNS, code_columns, wrong_cell
from pipelines.priority_rules import complaint
from pipelines.settings import SettingsError


def read_code_map(path: Path, name: str) -> list[dict[str, str]]:
    """The rows of the map `name`, text as written. Raises SettingsError."""
    with path.open(newline="", encoding="utf-8-sig") as f:
        reader = csv.DictReader(f)
        if missing := [c for c in CODE_MAPS[name] if c not in (reader.fieldnames or ())]:
            raise SettingsError(f"{path}, line 1: no column {', '.join(missing)}; the header must be {','.join(CODE_MAPS[name])}")
        defaults = OPTIONAL_COLUMNS.get(name, {})
        rows: list[dict[str, str]] = []
        seen: set[tuple[str, ...]] = set()
        for row in reader:
            rows.append({c: (row.get(c) or "").strip() or defaults.get(c, "") for c in code_columns(name)})
            wrong = wrong_cell(name, rows[-1], seen) or (complaint(rows[-1], rows[:-1]) if name == "priority_rules" else "")
            if wrong:
                raise SettingsError(f"{path}, line {reader.line_num}: {wrong}")
        return rows
