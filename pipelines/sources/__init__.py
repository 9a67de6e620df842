"""The source formats: one file each, none knowing of another. Here they are gathered, and a source finds its format."""

from __future__ import annotations

from pipelines.district import Source
from pipelines.sources import edfi, extract, google_forms, lms, oneroster
from pipelines.sources.shape import Format, Table

FORMATS: dict[str, Format] = {f.name: f for f in (oneroster.FORMAT, lms.FORMAT, extract.FORMAT, edfi.FORMAT, google_forms.FORMAT)}
ALL_TABLES: dict[str, Table] = {t.name: t for f in FORMATS.values() for t in f.tables.values()}


def format_of(source: Source) -> Format:
    return FORMATS[source.format]
