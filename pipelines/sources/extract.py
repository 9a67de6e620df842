"""A district's own extract (CSV or JSON lines), read through the column map in `district.toml`."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.district import Source
from pipelines.sources.shape import Format, Projection, Reading, Table, file_columns, iso_date, literal, quoted, select, suggestion

TABLES: dict[str, Table] = {
    "attendance": Table(
        name="extract__attendance",
        columns=("student_id", "school_id", "attendance_date", "attendance_code", "modality"),
        key=("student_id", "school_id", "attendance_date"),
        required=("student_id", "school_id", "attendance_date", "attendance_code"),
        scope="business_date",
        scope_column="attendance_date",
        dates=("attendance_date",),
    ),
    "calendar": Table(
        name="extract__calendar",
        columns=("school_id", "calendar_date", "day_type"),
        key=("school_id", "calendar_date"),
        required=("school_id", "calendar_date", "day_type"),
        dates=("calendar_date",),
    ),
    "programs": Table(
        name="extract__programs",
        columns=("student_id", "program_code", "begin_date", "end_date"),
        key=("student_id", "program_code", "begin_date"),
        required=("student_id", "program_code"),
        withdrawal="ends",
        dates=("begin_date", "end_date"),
    ),
}


def projection(table: Table, source: Source, raw_columns: Sequence[str], reading: Reading) -> Projection:
    """Read the file through `source.columns` (exact names; our own name where the map is silent), `constants` and `date_formats`."""
    present = file_columns(raw_columns)
    cells: dict[str, str] = {}
    used: set[str] = set()
    missing: list[str] = []
    notes: list[str] = []
    for column in table.columns:
        theirs = source.columns.get(column, column)
        if column in source.constants:
            cells[column] = literal(source.constants[column])
        elif theirs in present:
            used.add(theirs)
            cells[column] = iso_date(quoted(theirs), source.date_formats.get(column))
        elif column in table.required:
            missing.append(theirs)
            place = f"columns.{column} of source {source.id} in district.toml"
            notes.append(f"the file has no column {theirs!r}{suggestion(theirs, present)} It is needed as {column}: set {place}")
        elif column in source.columns:
            notes.append(f"the file has no column {theirs!r}{suggestion(theirs, present)} {column} stays blank")
    unknown = tuple(c for c in present if c not in used)
    return Projection(select(table, cells), tuple(missing), unknown, tuple(notes))


def _tables_of(source: Source, name: str) -> tuple[Table, ...] | str:
    table = TABLES.get(source.table or "")
    return (table,) if table else f"source {source.id}: table = {source.table!r} is none of {', '.join(TABLES)}"


FORMAT = Format("extract", TABLES, _tables_of, projection)
