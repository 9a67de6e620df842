"""A Qualtrics CSV export: three header rows (short names, question texts, ImportIds), or the two of exports before 2017 (`V1`.. and labels).

Columns are known by ImportId, never by text; in the older form, which has none, by name. So an item of survey_items has the question's short name
(export tag) as item_title and its ImportId as import_id, and both forms give the same answers. School, grade and respondent are embedded data, named
in the survey block by their ImportId (in the older form, their name).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipelines.district import Source
from pipelines.sources.answers import ANSWERS, Column, Export, handle, project, says_who, survey_of
from pipelines.sources.shape import Format, Handling, Item, Items, Projection, Reading, Table, file_columns, literal, quoted, trimmed

TABLES: dict[str, Table] = {"answers": ANSWERS}
# The columns that the tool itself writes: ImportId -> name in the older form ("" where it had none).
SYSTEM = {
    "_recordId": "V1", "externalDataReference": "V4", "recipientEmail": "V5", "ipAddress": "V6", "status": "V7", "startDate": "V8", "endDate": "V9",
    "finished": "V10", "progress": "", "duration": "", "recordedDate": "", "recipientLastName": "", "recipientFirstName": "", "locationLatitude": "",
    "locationLongitude": "", "distributionChannel": "", "userLanguage": "",
}  # fmt: skip
KEPT = ("_recordId", "status", "startDate", "endDate", "finished", "progress", "duration", "recordedDate", "distributionChannel", "userLanguage")
DROPPED = ("externalDataReference", "recipientEmail", "ipAddress", "recipientLastName", "recipientFirstName", "locationLatitude", "locationLongitude", "V3")
TIMESTAMP = "endDate"
PREVIEWS = ("1", "Survey Preview")
SPAM = ("8", "Spam")
FINISHED = ("1", "true")


@dataclass(frozen=True)
class _Header:
    """What a file's first rows say: each column's id (ImportId, or in the older form the ImportId that its `V` name stands for, else the name)."""

    ids: tuple[str, ...]
    n_context: int
    is_older: bool
    is_known: bool = True


def _read(names: Sequence[str], head: Sequence[Sequence[str]]) -> _Header:
    """Tell the form by its first rows (cells in the order of `names`)."""
    for n, row in enumerate(head, start=1):
        if any('"ImportId"' in cell for cell in row):
            return _Header(tuple(_import_id(cell) for cell in [*row, *[""] * (len(names) - len(row))]), n, is_older=False)
    older = {v: i for i, v in SYSTEM.items() if v}
    is_older = "V1" in names and "V9" in names
    labels = bool(head) and len(head[0]) == len(names) and "V1" in names and head[0][list(names).index("V1")].strip().lower() == "responseid"
    return _Header(tuple(older.get(n, n) if is_older else n for n in names), int(labels), is_older=True, is_known=is_older)


def _import_id(cell: str) -> str:
    """`{"ImportId":"QID1"}` -> `QID1`; columns of a loop have `choiceId` and `questionId` beside it and are told apart by ImportId all the same."""
    try:
        said = json.loads(cell)
    except ValueError:
        return ""
    return str(said.get("ImportId", "")) if isinstance(said, dict) else ""


def _item_of(header: _Header, position: int, name: str, items: Sequence[Item]) -> Item | None:
    if header.is_older:
        return next((i for i in items if i.column == name.strip()), None)
    return next((i for i in items if i.import_id and i.import_id == header.ids[position]), None)


def _is_text(identity: str) -> bool:
    """Free text by its id: `QID2_TEXT`, `QID7_4_TEXT`, and what text analysis makes of it (`QID2_TEXT_..Topics`)."""
    return identity.endswith("_TEXT") or "_TEXT_" in identity


def _handling(source: Source, header: Sequence[str], head: Sequence[Sequence[str]], items: Items) -> Handling:
    read = _read(header, head)
    known = items.get(survey_of(source).survey_id, ())
    columns = [
        Column(
            _called(source, identity),
            _item_of(read, n, header[n], known),
            is_text=_is_text(identity) or _is_text(header[n]),
            is_kept=identity in KEPT,
            is_identity=identity in DROPPED or header[n] in DROPPED,
        )
        for n, identity in enumerate(read.ids)
    ]
    return handle(source, header, columns, read.n_context)


def _called(source: Source, identity: str) -> str:
    """The respondent may be named by the older form's name too."""
    return next((v for i, v in SYSTEM.items() if i == identity and v and v == survey_of(source).respondent_column), identity)


def projection(table: Table, source: Source, raw_columns: Sequence[str], reading: Reading) -> Projection:
    """Unpivot the questions; responses that are previews, spam or unfinished (by the survey block's `statuses` and `min_progress`) are left out."""
    survey = survey_of(source)
    present = file_columns(raw_columns)
    header = _read(present, [[row[c] for c in present] for row in reading.head])
    where: Mapping[str, str] = {i: c for i, c in reversed(list(zip(header.ids, present, strict=True))) if i}
    timestamp = survey.timestamp_column or TIMESTAMP
    respondent = next((i for i, v in SYSTEM.items() if v and v == survey.respondent_column), survey.respondent_column)
    needed = {timestamp: "answered_on", "_recordId": "response_id", "status": "its status", "finished": "whether it is finished"}
    needed |= {c: n for c, n in ((survey.school_column, "school_id"), (survey.grade_column, "grade"), (respondent, "respondent_id")) if c}
    missing = [c for c in needed if c not in where]
    notes = [f"no column has the {'name' if header.is_older else 'ImportId'} {c!r}, needed as {needed[c]}" for c in missing]
    if not header.is_known:
        notes.insert(0, "the file has neither ImportIds in its third row nor the columns V1, V9 of older exports: export it from Qualtrics as CSV, unchanged")
    known = reading.items.get(survey.survey_id, ())
    asked = []
    for n, c in enumerate(present):
        item = _item_of(header, n, c, known)
        if item and item.kind != "text" and header.ids[n] not in needed and not _is_text(header.ids[n]) and not says_who(c):
            asked.append((item, c))
    used = {c for _, c in asked} | {c for i, c in where.items() if i in SYSTEM or i in needed}
    if not asked and not header.is_older and any(not i.import_id for i in known):
        notes.append("the file's questions have ImportIds: give them as import_id in codes/survey_items.csv")
    context = f"_line <= {reading.head[header.n_context - 1]['_line']}" if header.n_context else "false"
    return project(table, source, Export(
        answered_on=where.get(timestamp),
        school=where.get(survey.school_column or ""),
        grade=where.get(survey.grade_column or ""),
        respondent=where.get(respondent or "") if survey.respondent != "anonymous" else None,
        response_id=f"coalesce(nullif({trimmed(quoted(where['_recordId']))}, ''), {literal(survey.wave_id + ':')} || _line)" if "_recordId" in where else None,
        questions=tuple(asked),
        unknown=tuple(c for c in present if c not in used),
        missing=tuple(missing),
        notes=tuple(notes),
        context=context,
        not_answers=_not_answers(source, where),
    ))  # fmt: skip


def _not_answers(source: Source, where: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Responses that are no answers: by status, then by how far they went. A line that cannot be read is a matter for the gate."""
    survey = survey_of(source)
    out = []
    if "status" in where:
        status = f"coalesce({trimmed(quoted(where['status']))}, '')"

        def among(words: Sequence[str]) -> str:
            return f"{status} in ({', '.join(literal(w) for w in words)})"

        other = f"_defect is null and not {among(survey.statuses)}"
        out += [(words, f"{other} and {among(codes)}") for words, codes in (("previews", PREVIEWS), ("spam", SPAM))]
        out.append(("responses of another status", f"{other} and not {among((*PREVIEWS, *SPAM))}"))
    if "finished" in where:
        finished = f"lower(coalesce({trimmed(quoted(where['finished']))}, '')) in ({', '.join(literal(w) for w in FINISHED)})"
        progress = f"coalesce(try_cast({trimmed(quoted(where['progress']))} as integer), 0)" if "progress" in where else "0"
        out.append(("unfinished responses", f"_defect is null and not {finished} and {progress} < {survey.min_progress}"))
    return tuple(out)


def _tables_of(source: Source, name: str) -> tuple[Table, ...] | str:
    return (ANSWERS,)


FORMAT = Format("qualtrics", TABLES, _tables_of, projection, handling=_handling, n_head=2)
