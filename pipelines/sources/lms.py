"""The Ed-Fi LMS Toolkit's "unifying" CSV form: a learning-management system's users, sections, assignments and submissions."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.district import Source
from pipelines.sources.lms_tables import HEADERS, TABLES
from pipelines.sources.shape import Format, Projection, Reading, Table, file_columns, iso_date, quoted, select, snake, suggestion


def projection(table: Table, source: Source, raw_columns: Sequence[str], reading: Reading) -> Projection:
    """Straight through: `SubmissionStatus` -> `submission_status`. Names are matched exactly."""
    kind = next(k for k, t in TABLES.items() if t.name == table.name)
    present = file_columns(raw_columns)
    theirs = {snake(h): h for h in HEADERS[kind]}
    cells = {c: iso_date(quoted(h), source.date_formats.get(c)) for c, h in theirs.items() if h in present}
    missing = tuple(theirs[c] for c in table.required if theirs[c] not in present)
    notes = tuple(f"the file has no column {m!r}{suggestion(m, present)}" for m in missing)
    return Projection(select(table, cells), missing, tuple(c for c in present if c not in HEADERS[kind]), notes)


def _tables_of(source: Source, name: str) -> tuple[Table, ...] | str:
    """By the folder that a file lies in."""
    parts = name.split("/")
    kind = parts[-2] if len(parts) > 1 else ""
    return (TABLES[kind],) if kind in TABLES else f"source {source.id}: its folder {kind!r} is none of {', '.join(TABLES)}"


FORMAT = Format("lms", TABLES, _tables_of, projection)
