"""Reading one code map, a CSV file that people keep, and saying of a row that cannot be used the file, the line and the remedy."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

from pipelines import index_rules, priority_rules
from pipelines.code_maps import CODE_MAPS, OPTIONAL_COLUMNS, code_columns, wrong_cell
from pipelines.settings import SettingsError

Complaint = Callable[[Mapping[str, str], Sequence[Mapping[str, str]]], str]  # a row and those before it: what is wrong with it, "" where nothing is
_COMPLAINTS: dict[str, Complaint] = {"priority_rules": priority_rules.complaint, "index_cut_points": index_rules.wrong_cut_point}


def read_code_map(path: Path, name: str, complaint: Complaint | None = None) -> list[dict[str, str]]:
    """The rows of the map `name`, text as written; `complaint` sees each besides what is known of such a map. Raises SettingsError."""
    with path.open(newline="", encoding="utf-8-sig") as f:
        reader = csv.DictReader(f)
        if missing := [c for c in CODE_MAPS[name] if c not in (reader.fieldnames or ())]:
            raise SettingsError(f"{path}, line 1: no column {', '.join(missing)}; the header must be {','.join(CODE_MAPS[name])}")
        defaults = OPTIONAL_COLUMNS.get(name, {})
        for other in set(reader.fieldnames or ()) - set(code_columns(name)):
            if meant := get_close_matches(other.lower(), set(defaults) - set(reader.fieldnames or ()), 1, 0.8):
                raise SettingsError(f"{path}, line 1: column {other!r} is not read; write {meant[0]}, or take it out")
        rows: list[dict[str, str]] = []
        seen: set[tuple[str, ...]] = set()
        for row in reader:
            rows.append({c: (row.get(c) or "").strip() or defaults.get(c, "") for c in code_columns(name)})
            own = (c(rows[-1], rows[:-1]) for c in (_COMPLAINTS.get(name), complaint) if c)
            if wrong := wrong_cell(name, rows[-1], seen) or next(filter(None, own), ""):
                raise SettingsError(f"{path}, line {reader.line_num}: {wrong}")
        return rows
