"""The source formats: one file each, none knowing of another. Here they are gathered, and a source finds its format."""

from __future__ import annotations

from pipelines.district import Source
from pipelines.sources import canvas, classroom, edfi, extract, google_forms, lms, oneroster, panorama, qualtrics, registry
from pipelines.sources.shape import Format, Table

_ALL = (
    oneroster.FORMAT, lms.FORMAT, canvas.FORMAT, classroom.FORMAT, extract.FORMAT, edfi.FORMAT, google_forms.FORMAT, qualtrics.FORMAT,
    panorama.FORMAT, registry.FORMAT,
)  # fmt: skip
FORMATS: dict[str, Format] = {f.name: f for f in _ALL}
ALL_TABLES: dict[str, Table] = {t.name: t for f in FORMATS.values() for t in f.tables.values()}


def format_of(source: Source) -> Format:
    return FORMATS[source.format]
