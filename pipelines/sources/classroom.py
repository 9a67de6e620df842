"""The Google Classroom grade export ("Download all grades as CSV"): one CSV a class, a line a student, a column an assignment. Read into the tables of a
learning-management system.

Layout, from programs of others that read the file (no specification and no real export was seen): `Last Name, First Name, Email Address`, then a column
for each assignment, named by its title. Under the header a line of due dates and one of points possible, `Date` and `Points` in a first cell; a line
`Class average` may come. The file has no numbers of students, assignments or classes, no time of handing in, and no "late".

Who the student is, only the e-mail address says. Names are dropped before raw, and the address reaches raw as its SHA-256 alone, in which it is compared
with the addresses of the roster and of `classroom_students`. Whoever has an address can work out its SHA-256: it keeps addresses out of sight, not secret.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pipelines.district import Source
from pipelines.sources.lms_tables import TABLES
from pipelines.sources.shape import (
    Format,
    Handling,
    Items,
    Projection,
    Reading,
    Table,
    file_columns,
    iso_date,
    literal,
    quoted,
    select,
    suggestion,
    trimmed,
)  # fmt: skip

LAST, FIRST, MAIL = "last name", "first name", "email address"
POINTS, DATE, AVERAGE = "Points", "Date", "Class average"
_LABELS = {label.lower(): label for label in (POINTS, DATE, AVERAGE)}  # what the first cells of a line call it that is no student's
_NOT_WORK = ("overall grade", "assignment state")  # columns that are no assignments
_WORDS = ("comments",)  # nor these, which hold words about a student: dropped before raw
_N_HEAD = 8  # the lines of dates and points come at once after the header
_NUMBER = "[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)"
_NOBODY = "the line has no e-mail address, which alone says whose it is"
_SAID = "names: Last Name and First Name not kept, Email Address kept as its SHA-256"
# The class: the file's name without its date and a browser's " (2)".
_CLASS = r"""trim(regexp_replace(regexp_replace(regexp_extract(_file, '([^/]+)\.[^.]+$', 1), '[0-9]{4}-[0-9]{2}-[0-9]{2}[T0-9-]*', '', 'g'),
    ' ?\([0-9]+\)$', ''), ' _-')"""


@dataclass(frozen=True)
class Work:
    """An assignment as its column says it. `id` is its title and due date as written; of several alike the second has `#2`."""

    id: str
    title: str
    due: str
    points: str
    column: str


def address_digest(address: str) -> str:
    """SHA-256 of an e-mail address in small letters, without blanks around it, as hexadecimal digits; "" of what is no address."""
    plain = address.strip().lower()
    return hashlib.sha256(plain.encode()).hexdigest() if "@" in plain else ""


def projection(table: Table, source: Source, raw_columns: Sequence[str], reading: Reading) -> Projection:
    """One of the five tables. A file is one section; a cell of a student is a submission, an empty one included."""
    present = file_columns(raw_columns)
    columns = {c.strip().lower(): c for c in reversed(present)}
    missing, notes = _missing(columns, present)
    if missing:
        return Projection(select(table, {}, "(select * from raw where false)"), missing, (), notes)
    last, mail = quoted(columns[LAST]), quoted(columns[MAIL])
    lines = {row[columns[LAST]]: row for row in reversed(reading.head) if row[columns[LAST]]}
    work = _work([c for c in present if c.strip().lower() not in (LAST, FIRST, MAIL, *_NOT_WORK)], lines)
    line = (lines.get(POINTS) or lines.get(DATE) or {}).get("_line")
    if not work or line is None:
        missing = ("Title",) if not work else ("Points",)
        what = "no column of an assignment" if not work else "no line 'Date' or 'Points' under its header"
        notes = (f"the file has {what}: in Google Classroom choose 'Download all grades as CSV', for a class that has assignments",)
        return Projection(select(table, {}, "(select * from raw where false)"), missing, (), notes)
    describes = f"(_defect is null and coalesce({last}, '') <> '')"
    nobody = f"case when _defect is null and coalesce({mail}, '') = '' then {literal(_NOBODY)} else _defect end"
    relation = f"(select * replace ({nobody} as _defect), coalesce({mail}, '') as _user, {_CLASS} as _section from raw where not {describes})"
    cells, context = {"source_system": literal(source.id)}, describes
    structs = ", ".join(_struct(w) for w in work)
    match table.name:
        case "lms__users":
            cells |= {"source_system_identifier": "_user", "user_role": "'student'"}
        case "lms__sections":
            cells |= {"source_system_identifier": "_section", "sis_section_identifier": "_section", "title": "_section"}
        case "lms__section_associations":
            cells |= {"source_system_identifier": "_section || ':' || _user", "enrollment_status": "'Active'"}
            cells |= {"lms_user_source_system_identifier": "_user", "lms_section_source_system_identifier": "_section"}
        case "lms__assignments":
            context = f"_line <> {line}"
            relation = f"(select *, {_CLASS} as _section, unnest([{structs}]) as _a from raw where not ({context}))"
            cells |= {"source_system_identifier": "_a.id || '@' || _section", "title": "_a.title", "max_points": "_a.points"}
            cells |= {"due_date_time": iso_date("_a.due", source.date_formats.get("due_date_time")), "lms_section_source_system_identifier": "_section"}
        case _:
            is_number = f"regexp_full_match(_a.cell, '{_NUMBER}')"
            blank = literal(source.blank_is.capitalize())
            # a word is left as it stands: it counts where it is one of `work_statuses`, and is set aside by the gate where it is none
            status = f"case when coalesce(_a.cell, '') = '' then {blank} when {is_number} then 'Graded' else _a.cell end"
            relation = f"(select *, unnest([{structs}]) as _a from {relation})"
            cells |= {"source_system_identifier": "_a.id || '@' || _section || ':' || _user", "assignment_source_system_identifier": "_a.id || '@' || _section"}
            cells |= {"lms_user_source_system_identifier": "_user", "submission_status": status}
            cells |= {"earned_points": f"case when {is_number} then _a.cell end", "grade": f"case when {is_number} then _a.cell end"}
    unknown = tuple(c for c in present if c.strip().lower() in _NOT_WORK)
    return Projection(select(table, cells, relation), (), unknown, (), context)


def _missing(columns: Mapping[str, str], present: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns that the file lacks, as the export calls them, and what to do."""
    missing = tuple(name.title() for name in (LAST, MAIL) if name not in columns)
    close = (suggestion(m, present) if len(missing) == 1 else "." for m in missing)  # of a file that is another thing altogether no cell is repeated
    return missing, tuple(
        f"the file has no column {m!r}{s} It is needed: in Google Classroom choose 'Download all grades as CSV'" for m, s in zip(missing, close, strict=True)
    )


def _work(columns: Sequence[str], lines: Mapping[str, Mapping[str, str]]) -> list[Work]:
    """The assignments, in the file's order. Intake numbers a title that comes again (`Quiz#2`); the title is what stands before."""
    found: list[Work] = []
    seen: dict[str, int] = {}
    for column in columns:
        again = re.fullmatch(r"(.*)#\d+", column, re.DOTALL)
        title = (again[1] if again and again[1] in columns else column).strip()
        due, points = (lines.get(label, {}).get(column, "").strip() for label in (DATE, POINTS))
        name = " ".join(f"{title}|{due}".rstrip("|").replace("@", "(at)").split())
        seen[name] = seen.get(name, 0) + 1
        found.append(Work(name if seen[name] == 1 else f"{name}#{seen[name]}", title, due, points, column))
    return found


def _struct(work: Work) -> str:
    said = ", ".join(f"'{k}': {literal(v)}" for k, v in (("id", work.id), ("title", work.title), ("due", work.due), ("points", work.points)))
    return f"{{{said}, 'cell': {trimmed(quoted(work.column))}}}"


def _handling(source: Source, header: Sequence[str], head: Sequence[Sequence[str]], items: Items) -> Handling:
    """Names go, addresses become digests, and of the first column only the word stays that says what a line is. A file without these columns is some
    other file: none of its cells is kept.
    """
    places = {cell.strip().lower(): i for i, cell in reversed(list(enumerate(header)))}
    if LAST not in places or MAIL not in places:
        return Handling(rewritten={i: lambda cells: "" for i in range(len(header))}, repeats=frozenset(range(len(header))))
    people = [places[name] for name in (LAST, FIRST, MAIL) if name in places]
    dropped = {i: "redacted" for i, cell in enumerate(header) if cell.strip().lower() in (FIRST, *_WORDS)}
    rewritten: dict[int, Callable[[Sequence[str]], str]] = {
        places[LAST]: lambda cells: _label([cells[i] for i in people], cells[places[MAIL]]),
        places[MAIL]: lambda cells: address_digest(cells[places[MAIL]]),
    }
    return Handling(dropped=dropped, rewritten=rewritten, repeats=frozenset(range(len(header))) - frozenset(people), words=(_SAID,))


def _label(first_cells: Sequence[str], mail: str) -> str:
    """What a line that is no student's is called, wherever in its first cells that stands; "" of any other."""
    said = [_LABELS[word] for cell in first_cells if (word := cell.strip().lower()) in _LABELS]
    return said[0] if said and "@" not in mail else ""


def _tables_of(source: Source, name: str) -> tuple[Table, ...] | str:
    """One export feeds all five tables."""
    return tuple(TABLES.values()) if name.lower().endswith(".csv") else f"source {source.id}: a grade export of Google Classroom is a .csv file"


FORMAT = Format(
    "classroom", TABLES, _tables_of, projection, handling=_handling, n_head=_N_HEAD, partial=frozenset({"lms__users", "lms__sections"}), has_no_ids=True,
)  # fmt: skip
