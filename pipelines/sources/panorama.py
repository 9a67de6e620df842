"""A Panorama-style wide export: a row a respondent with school and grade, a column an item, and columns of topic scores.

The layout varies by contract, so all of it is said in the survey block: `respondent_column`, `school_column`, `grade_column`, `items` (their column
-> item_title) and `scores` (their column -> our name of the score). Topic scores are computed by the vendor: they are kept as scores, never as answers.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.district import Source
from pipelines.sources.answers import ANSWERS, SCORES, Column, by_title, handle, item_of, numbered, project, survey_of
from pipelines.sources.shape import Format, Handling, Items, Projection, Reading, Table

TABLES: dict[str, Table] = {"answers": ANSWERS, "scores": SCORES}


def projection(table: Table, source: Source, raw_columns: Sequence[str], reading: Reading) -> Projection:
    """Unpivot the items (or the topic scores). Without `timestamp_column` every response is dated on the day that the wave closes."""
    survey = survey_of(source)
    items = reading.items.get(survey.survey_id, ())
    return project(table, source, by_title(source, raw_columns, items, survey.timestamp_column))


def _handling(source: Source, header: Sequence[str], head: Sequence[Sequence[str]], items: Items) -> Handling:
    survey = survey_of(source)
    known = items.get(survey.survey_id, ())
    return handle(source, header, [Column(n, item_of(survey, n, known)) for n in numbered(header)])


def _tables_of(source: Source, name: str) -> tuple[Table, ...] | str:
    if source.table:
        return (TABLES[source.table],)
    return (ANSWERS, SCORES) if survey_of(source).scores else (ANSWERS,)


FORMAT = Format("panorama", TABLES, _tables_of, projection, handling=_handling)
