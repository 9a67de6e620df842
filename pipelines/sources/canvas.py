"""The Canvas gradebook export: one CSV a course, a line a student, a column an assignment. Read into the tables of a learning-management system.

Layout, from general knowledge of the export (no specification was read): `Student, ID, SIS User ID, SIS Login ID, Section`, columns named
`Title (12345)` with the assignment's number, then read-only totals. Under the header there may be a line of `Manual Posting` marks, and there is one of
points possible. Both say something of the columns and have no ID. The export has no due dates, no time of handing in, and no "late".
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipelines.district import Source
from pipelines.sources.lms_tables import TABLES
from pipelines.sources.shape import Format, Projection, Reading, Table, file_columns, literal, quoted, select, suggestion, trimmed

# Who the student is, is said by the ids: names and logins are dropped before raw.
REDACTED: tuple[str, ...] = ("Student", "SIS Login ID")
_NEEDED = ("ID", "SIS User ID", "Section")
_KNOWN = ("Root Account", "Integration ID", "Notes")
_TOTALS = re.compile(r"(Current|Final) (Score|Grade|Points)$")
_ASSIGNMENT = re.compile(r"(?P<title>.*)\((?P<id>\d+)\)", re.DOTALL)
_NUMBER = "[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)"
_GRADE = "([A-F][+-]?|P|NP|S|U|CR|NC|[0-9]+([.][0-9]+)?%)"  # a letter, pass or fail, or a share: a mark, without points
# The course: what the file's name says after "Grades-", else the name without its date.
_COURSE = r"""coalesce(nullif(regexp_extract(_file, 'Grades-(.+?)(?: ?\([0-9]+\))?\.csv$', 1), ''),
    trim(regexp_replace(regexp_extract(_file, '([^/]+)\.[^.]+$', 1), '[0-9]{4}-[0-9]{2}-[0-9]{2}[T0-9-]*', '', 'g'), ' _-'))"""


def projection(table: Table, source: Source, raw_columns: Sequence[str], reading: Reading) -> Projection:
    """One of the five tables. An assignment is one for each section of the file; a cell of a student is a submission, an empty one included."""
    present = file_columns(raw_columns)
    assignments = {c: m for c in present if (m := _ASSIGNMENT.fullmatch(c))}
    missing = tuple(c for c in _NEEDED if c not in present)
    notes = tuple(f"the file has no column {c!r}{suggestion(c, present)} It is needed: export the gradebook with its ids and sections" for c in missing)
    unknown = tuple(c for c in present if c not in (*_NEEDED, *_KNOWN) and c not in assignments and not _TOTALS.search(c))
    if not assignments:
        missing += ("Title (number)",)
        notes += ("the file has no column of an assignment, named like 'Essay (12345)'; export the gradebook of a course that has some",)
    if missing:
        return Projection(select(table, {}, "(select * from raw where false)"), missing, unknown, notes)
    user, section = f"coalesce({trimmed(quoted('ID'))}, '')", f"({_COURSE} || '/' || coalesce({trimmed(quoted('Section'))}, ''))"
    describes = f"(_defect is null and {user} = '')"
    cells = {"source_system": literal(source.id)}
    relation, context = f"(select *, {user} as _user, {section} as _section from raw where not {describes})", describes
    match table.name:
        case "lms__users":
            cells |= {"source_system_identifier": "_user", "user_role": "'student'", "sis_user_identifier": quoted("SIS User ID")}
        case "lms__sections":
            cells |= {"source_system_identifier": "_section", "sis_section_identifier": quoted("Section"), "title": quoted("Section")}
        case "lms__section_associations":
            cells |= {"source_system_identifier": "_section || ':' || _user", "enrollment_status": "'Active'"}
            cells |= {"lms_user_source_system_identifier": "_user", "lms_section_source_system_identifier": "_section"}
        case "lms__assignments":
            points = " or ".join(f"regexp_full_match({trimmed(quoted(c))}, '{_NUMBER}')" for c in assignments)
            context = f"not ({describes} and ({points}))"
            sections = f"(select distinct _delivery_id as _of, {section} as _section from raw where _defect is null and {user} <> '')"
            relation = f"(select r.*, _section, unnest([{_structs(assignments)}]) as _a from raw r join {sections} on _of = r._delivery_id where not {context})"
            cells |= {"source_system_identifier": "_a.id || '@' || _section", "title": "_a.title", "max_points": _as_number("_a.cell")}
            cells |= {"lms_section_source_system_identifier": "_section"}
        case _:
            status = _status("_a.cell", source.blank_is)
            relation = f"(select *, unnest([{_structs(assignments)}]) as _a from {relation})"
            cells |= {"source_system_identifier": "_a.id || '@' || _section || ':' || _user", "assignment_source_system_identifier": "_a.id || '@' || _section"}
            cells |= {"lms_user_source_system_identifier": "_user", "submission_status": status}
            cells |= {"earned_points": _as_number("_a.cell"), "grade": f"case when {status} = 'Graded' then _a.cell end"}
    return Projection(select(table, cells, relation), (), unknown, notes, context)


def _structs(assignments: dict[str, re.Match[str]]) -> str:
    """Each assignment's number, title and cell."""
    pairs = [f"{{'id': {literal(m['id'])}, 'title': {literal(m['title'].strip())}, 'cell': {trimmed(quoted(c))}}}" for c, m in assignments.items()]
    return ", ".join(pairs)


def _as_number(cell: str) -> str:
    return f"case when regexp_full_match({cell}, '{_NUMBER}') then {cell} end"


def _status(cell: str, blank_is: str) -> str:
    """What a cell says of the work, in the words of `work_statuses`; a word that is none of these is left as it stands, for the gate to set aside."""
    return f"""case
        when coalesce({cell}, '') in ('', '-') then {literal(blank_is.capitalize())}
        when upper({cell}) = 'EX' then 'Exempt'
        when upper({cell}) = 'N/A' then 'Unknown'
        when lower({cell}) = 'complete' then 'Complete'
        when lower({cell}) = 'incomplete' then 'Incomplete'
        when regexp_full_match({cell}, '{_NUMBER}') or regexp_full_match({cell}, '{_GRADE}') then 'Graded'
        else {cell} end"""


def _tables_of(source: Source, name: str) -> tuple[Table, ...] | str:
    """One export feeds all five tables."""
    return tuple(TABLES.values()) if name.lower().endswith(".csv") else f"source {source.id}: a gradebook export is a .csv file"


FORMAT = Format("canvas", TABLES, _tables_of, projection, REDACTED, partial=frozenset({"lms__users", "lms__sections"}))
