"""The source formats: one file each, none knowing of another. Here they are gathered, and a table finds its format's reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from pipelines.district import Source
from pipelines.sources import extract, google_forms, lms, oneroster
from pipelines.sources.shape import Projection, Table

ALL_TABLES: dict[str, Table] = {t.name: t for module in (oneroster, lms, extract, google_forms) for t in module.TABLES.values()}


def project(table: Table, source: Source, raw_columns: Sequence[str], *, mode: Literal["bulk", "delta"], items: Mapping[str, frozenset[str]]) -> Projection:
    """How the raw columns of one delivery become the table's columns. `items` are the known question titles by survey."""
    if source.survey:
        return google_forms.projection(table, source, raw_columns, items=items.get(source.survey.survey_id, frozenset()))
    if source.format == "oneroster":
        return oneroster.projection(table, source, raw_columns, mode=mode)
    reader = lms.projection if source.format == "lms" else extract.projection
    return reader(table, source, raw_columns)
