"""A Google-Forms-style survey export: one header row, a timestamp, a column a question. Read into one long answer table."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.district import Source
from pipelines.sources.shape import Format, Projection, Reading, Table, file_columns, iso_date, literal, quoted, select, suggestion, trimmed

# What a form itself collects to say who answered. An anonymous wave keeps none of it: dropped before raw, never a question.
REDACTED: tuple[str, ...] = ("Email Address", "Username")
TABLES: dict[str, Table] = {
    "answers": Table(
        name="survey__answers",
        columns=("survey_id", "wave_id", "response_id", "answered_on", "role", "school_id", "grade", "item_title", "answer"),
        key=("survey_id", "wave_id", "response_id", "item_title"),
        required=("survey_id", "wave_id", "response_id", "answered_on", "item_title"),
        scope="rows",
        scope_column="wave_id",
        dates=("answered_on",),
    )
}


def projection(table: Table, source: Source, raw_columns: Sequence[str], reading: Reading) -> Projection:
    """Unpivot the questions: one candidate for each response and each column whose title is among the survey's titles in survey_items.

    Only those titles, the timestamp, school and grade are read, so that a column which says who answered goes no further than raw, whatever
    the settings forgot; what is redacted is never read, even where the items name it. An unanswered question is a candidate with a blank answer.
    """
    survey = source.survey
    if survey is None:
        raise ValueError(f"source {source.id} has no survey block")
    items = reading.items.get(survey.survey_id, frozenset())
    present = file_columns(raw_columns)
    secret = {r.lower() for r in (*REDACTED, *source.redact)}
    about = {survey.timestamp_column: "answered_on"} | {c: n for c, n in ((survey.school_column, "school_id"), (survey.grade_column, "grade")) if c}
    titles = {_title(i): i for i in items}
    questions = [c for c in present if c not in about]
    asked = [c for c in questions if _title(c) in titles and _title(c).lower() not in secret]
    missing = [c for c in about if c not in present]
    place = f"set it in the survey block of source {source.id}"
    notes = [f"the file has no column {c!r}{suggestion(c, present)} It is needed as {about[c]}: {place}" for c in missing]
    if not asked:
        missing.append("item_title")
        notes.append(f"no column is a question of survey {survey.survey_id!r}; list their titles as item_title in codes/survey_items.csv")
    unknown = tuple(c for c in questions if c not in asked)
    response = f"{literal(survey.wave_id + ':')} || _line"
    fixed = {"survey_id": literal(survey.survey_id), "wave_id": literal(survey.wave_id), "role": literal(survey.role)}
    said = {name: quoted(c) for c, name in about.items() if c in present}
    if "answered_on" in said:
        said["answered_on"] = _day(trimmed(said["answered_on"]), source.date_formats.get("answered_on"))
    cells = {**fixed, **said, "response_id": response, "item_title": "_item.title", "answer": "_item.answer"}
    pairs = ", ".join(f"{{'title': {literal(titles[_title(c)])}, 'answer': {quoted(c)}}}" for c in asked) or "{'title': '', 'answer': ''}"
    relation = f"(select *, unnest([{pairs}]) as _item from raw{'' if asked else ' where false'})"
    return Projection(select(table, cells, relation), tuple(missing), unknown, tuple(notes))


def _title(column: str) -> str:
    """A question's title on one line: forms put line breaks and double blanks in them."""
    return " ".join(column.split())


def _day(text: str, date_format: str | None) -> str:
    """The date of a timestamp: by `date_format`, else as ISO, or year first with slashes as the form service writes it; else as it stood."""
    iso = f"nullif(replace(regexp_extract({text}, '^(\\d{{4}}[-/]\\d{{2}}[-/]\\d{{2}})([ T]|$)', 1), '/', '-'), '')"
    return f"coalesce(nullif({iso_date(text, date_format)}, {text}), {iso}, {text})"


def _tables_of(source: Source, name: str) -> tuple[Table, ...] | str:
    return (TABLES["answers"],)


FORMAT = Format("google_forms", TABLES, _tables_of, projection, REDACTED)
