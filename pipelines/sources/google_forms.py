"""A Google-Forms-style survey export: one header row, a timestamp, a column a question. Read into one long answer table.

Questions are known by title: of titles that come twice, which of them is meant is the item map's `occurrence`; a row of a grid is a question of the
title `Question [Row]`. Several choices in one cell are parted by `, ` (the sheet) or `;` (the download).
"""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.district import Source
from pipelines.sources.answers import ANSWERS, Column, by_title, handle, item_of, numbered, project, survey_of, title
from pipelines.sources.shape import Format, Handling, Items, Projection, Reading, Table

TABLES: dict[str, Table] = {"answers": ANSWERS}
TIMESTAMP = "Timestamp"


def projection(table: Table, source: Source, raw_columns: Sequence[str], reading: Reading) -> Projection:
    """Unpivot the questions: one candidate for each response and each column whose title is among the survey's titles in survey_items."""
    survey = survey_of(source)
    items = reading.items.get(survey.survey_id, ())
    return project(table, source, by_title(source, raw_columns, items, survey.timestamp_column or TIMESTAMP))


def _handling(source: Source, header: Sequence[str], head: Sequence[Sequence[str]], items: Items) -> Handling:
    survey = survey_of(source)
    known = items.get(survey.survey_id, ())
    columns = [Column(n, item_of(survey, n, known), is_kept=n == title(survey.timestamp_column or TIMESTAMP)) for n in numbered(header)]
    return handle(source, header, columns)


def _tables_of(source: Source, name: str) -> tuple[Table, ...] | str:
    return (ANSWERS,)


FORMAT = Format("google_forms", TABLES, _tables_of, projection, handling=_handling)
