"""Reading one code map, a CSV file that people keep, and saying of a row that cannot be used the file, the line and the remedy."""

from __future__ import annotations

import csv
from pathlib import Path

from pipelines.code_maps import CODE_MAPS, OPTIONAL_COLUMNS, WORDS, code_columns
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
        for row in reader:
            rows.append({c: (row.get(c) or "").strip() or defaults.get(c, "") for c in code_columns(name)})
            for column, words in WORDS.get(name, {}).items():
                if rows[-1][column].lower() not in words:
                    raise SettingsError(f"{path}, line {reader.line_num}: {column} is {rows[-1][column]!r}; write {' or '.join(words)}")
            if name == "priority_rules" and (wrong := complaint(rows[-1], rows[:-1])):
                raise SettingsError(f"{path}, line {reader.line_num}: {wrong}")
        return rows
