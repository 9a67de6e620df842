"""Which defects are planted where, and what each does to the lines of a file.

A row defect spoils or adds one line (two, where the two contradict each other) and should end in quarantine; it is planted in the first file
that suits it on or after its day. A file defect spoils a whole file on its own day and should be held, and the right file follows. Lines are
counted from 1, the header being line 1. Which day a defect falls on does not depend on how many days are written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import date, timedelta
from itertools import chain
from typing import Literal

import numpy as np

from pipelines.synth.text import Chunk
from pipelines.synth.world import FIRST_STUDENT, World

Slot = Literal["quiet", "weekly", "any"]
AT_THE_END = 0  # the number of a line that will be the file's last
UNKNOWN_STUDENT = f"S{FIRST_STUDENT * 9 + 999_999}"


@dataclass(frozen=True)
class Planted:
    """One entry of `defects.json`. `lines` are the physical lines of `file`; `resent` is the file that puts it right, where there is one.

    `rule` is the id of the rule in `expectations/arrival` that should catch it, or `file_is_readable` where the file is stopped before any rule.
    """

    id: str
    kind: str
    table: str
    file: str
    lines: list[int]
    business_date: str
    expect: Literal["quarantine", "held"]
    rule: str
    note: str
    school: str | None = None
    resent: str | None = None


@dataclass
class Lines:
    """A stretch of a file's lines while a defect is planted, so that a file of any size streams; fields hold no commas.

    `added` is what goes to the end of the file, which is far from here. Line numbers are 0 for such a line until the file has ended.
    """

    world: World
    day: date
    corrected: Callable[[str], bool]  # will a later file correct this student's attendance of the day?
    pending: Callable[[str], bool]  # will a later file change this result, or any that this student has of an assessment?
    header: str
    before: int  # lines of the file before these, its header included
    lines: list[str]
    added: str = ""

    def __post_init__(self) -> None:
        self.at: dict[str, int] = {name: k for k, name in enumerate(self.header.split(","))}

    def find(self, suits: Callable[[list[str]], bool]) -> int | None:
        """The first line after the middle that suits, else before it: its place in `lines`, None where there is none."""
        middle = max(0, (len(self.lines) - 1) // 2)
        for k in chain(range(middle, len(self.lines)), range(middle)):
            if suits(self.lines[k].split(",")):
                return k
        return None

    def number(self, k: int) -> int:
        """The number in the file of the line at `k`."""
        return self.before + k + 1

    def spoil(self, suits: Callable[[list[str]], bool], **cells: str) -> list[int]:
        """Write other cells into the first line that suits; [] where none does."""
        k = self.find(suits)
        if k is None:
            return []
        self.lines[k] = self._with(self.lines[k], cells)
        return [self.number(k)]

    def add(self, suits: Callable[[list[str]], bool], **cells: str) -> list[int]:
        """Add a copy of the first line that suits, with other cells, to the end; gives the number of the line copied from, and 0 for the new one."""
        k = self.find(suits)
        if k is None:
            return []
        self.added = self._with(self.lines[k], cells)
        return [self.number(k), AT_THE_END]

    def _with(self, line: str, cells: dict[str, str]) -> str:
        row = line.split(",")
        for name, value in cells.items():
            row[self.at[name]] = value
        return ",".join(row)

    def simply_present(self, row: list[str]) -> bool:
        """An attendance row that nothing else touches: present, not corrected later, of a student who attends one school."""
        stays = self.world.people.stays
        return row[3] == "P" and not self.corrected(row[0]) and int(np.sum(stays.student == int(row[0][1:]) - FIRST_STUDENT)) == 1

    def once(self, row: list[str]) -> bool:
        """A result of an assessment that is of this day, of a student of whom no later file sends one again."""
        return row[3] == _day(self) and not self.pending(row[0])

    def settled(self, row: list[str]) -> bool:
        """A marked result that no later file changes."""
        return row[5] == "fully graded" and not self.pending(row[0])


def _any(row: list[str]) -> bool:
    return True


def _day(f: Lines, days: int = 0) -> str:
    return (f.day - timedelta(days=days)).strftime("%m/%d/%Y")


def _wrong_school(f: Lines) -> list[int]:
    k = f.find(f.simply_present)
    if k is None:
        return []
    own, schools = f.lines[k].split(",")[1], f.world.people.schools
    other = next(s for i, s in enumerate(schools.ids) if s != own and f.world.session(f.day)[i])
    return f.add(lambda row: row[:2] == f.lines[k].split(",")[:2], **{"School Number": other})[1:]


def _ragged(f: Lines) -> list[int]:
    k = f.find(f.simply_present)
    if k is None:
        return []
    f.lines[k] = ",".join(f.lines[k].split(",")[:2])
    return [f.number(k)]


def _not_enrolled(f: Lines) -> list[int]:
    k = f.find(f.settled)
    if k is None:
        return []
    cls = int(f.lines[k].split(",")[f.at["classSourcedId"]][1:])
    roster, students = f.world.people.roster, f.world.people.students
    inside = set(roster.student[roster.first[cls] : roster.first[cls + 1]].tolist())
    other = next(s for s in range(len(students)) if s not in inside and students.arrives[s] == 0)
    return f.add(lambda row: row == f.lines[k].split(","), sourcedId="rx00001", studentSourcedId=f"S{FIRST_STUDENT + other}")[1:]


def _ends_before(f: Lines) -> list[int]:
    begin, end = f.at["beginDate"], f.at["endDate"]
    k = f.find(lambda row: row[6] == "student" and row[end] == "")
    if k is None:
        return []
    row = f.lines[k].split(",")
    row[end] = (date.fromisoformat(row[begin]) - timedelta(days=5)).isoformat()
    f.lines[k] = ",".join(row)
    return [f.number(k)]


def _late_due(f: Lines) -> list[int]:
    due = f.world.year.last_day + timedelta(days=60)
    return f.add(_any, sourcedId="lix0001", dueDate=due.isoformat())[1:]


@dataclass(frozen=True)
class RowDefect:
    """One line spoilt or added by `plant`, in `file` (a folder below landing, or `delta!x.csv` and `bulk!x.csv` in a package)."""

    kind: str
    table: str
    file: str
    slot: Slot
    n: int
    rule: str
    note: str
    plant: Callable[[Lines], list[int]]


@dataclass(frozen=True)
class FileDefect:
    """A whole file spoilt on the `n`-th day of its kind."""

    kind: str
    table: str
    slot: Slot
    n: int
    rule: str
    note: str


ATTENDANCE, RESULTS, ASSESSMENTS = "extract__attendance", "oneroster__results", "extract__assessments"
ROW_DEFECTS = (
    RowDefect("attendance_unknown_student", ATTENDANCE, "attendance", "quiet", 1, "student_is_known", "a student no roster has",
              lambda f: f.add(f.simply_present, **{"Student Number": UNKNOWN_STUDENT})[1:]),
    RowDefect("attendance_unknown_code", ATTENDANCE, "attendance", "quiet", 3, "code_is_mapped", "the code Q is in no code map",
              lambda f: f.spoil(f.simply_present, Code="Q")),
    RowDefect("attendance_wrong_year", ATTENDANCE, "attendance", "quiet", 5, "date_is_in_a_school_year", "the right row with last year's date",
              lambda f: f.spoil(f.simply_present, Date=_day(f, 364))),
    RowDefect("attendance_outside_enrollment", ATTENDANCE, "attendance", "quiet", 7, "inside_enrollment", "a student at a school of others",
              _wrong_school),
    RowDefect("attendance_conflicting", ATTENDANCE, "attendance", "quiet", 9, "one_row_per_key", "one student and day, present and absent: both lines",
              lambda f: f.add(f.simply_present, Code="A")),
    RowDefect("attendance_ragged", ATTENDANCE, "attendance", "quiet", 11, "well_formed_line", "two cells instead of five", _ragged),
    RowDefect("result_above_maximum", RESULTS, "delta!results.csv", "quiet", 3, "score_is_possible", "250 points",
              lambda f: f.spoil(f.settled, score="250")),
    RowDefect("result_negative", RESULTS, "delta!results.csv", "quiet", 5, "score_is_a_number", "5 points below none",
              lambda f: f.spoil(f.settled, score="-5")),
    RowDefect("result_unknown_line_item", RESULTS, "delta!results.csv", "quiet", 7, "line_item_is_known", "a result of an assignment nobody gave",
              lambda f: f.add(f.settled, sourcedId="rx00002", lineItemSourcedId="li-unknown")[1:]),
    RowDefect("result_not_enrolled", RESULTS, "delta!results.csv", "quiet", 9, "student_is_in_the_class", "a student of another class",
              _not_enrolled),
    RowDefect("result_unknown_status", RESULTS, "delta!results.csv", "quiet", 11, "status_is_known", "'turned in' is not in the vocabulary",
              lambda f: f.spoil(f.settled, scoreStatus="turned in")),
    RowDefect("line_item_outside_year", "oneroster__line_items", "delta!lineItems.csv", "quiet", 13, "due_in_a_school_year", "due in August",
              _late_due),
    RowDefect("user_without_family_name", "oneroster__users", "bulk!users.csv", "weekly", 1, "required_values", "family name blank",
              lambda f: f.spoil(lambda row: row[0].startswith("S"), familyName="")),
    RowDefect("demographics_not_boolean", "oneroster__demographics", "bulk!demographics.csv", "weekly", 1, "booleans_are_booleans", "'yes' for a boolean",
              lambda f: f.spoil(lambda row: row[8] == "true", white="yes")),
    RowDefect("enrollment_ends_before_begin", "oneroster__enrollments", "bulk!enrollments.csv", "weekly", 3, "ends_after_it_begins",
              "ends five days before it begins", _ends_before),
    RowDefect("role_unknown_org", "oneroster__roles", "bulk!roles.csv", "weekly", 3, "org_is_known", "a role at school 999",
              lambda f: f.add(lambda row: row[5] == "student", sourcedId="rox0001", roleType="secondary", orgSourcedId="999")[1:]),
    RowDefect("program_unknown_code", "extract__programs", "programs", "weekly", 1, "program_is_mapped", "the code ZZZ is in no code map",
              lambda f: f.add(_any, Program="ZZZ")[1:]),
    RowDefect("program_unknown_student", "extract__programs", "programs", "weekly", 2, "student_is_known", "a student no roster has",
              lambda f: f.add(_any, **{"Student Number": UNKNOWN_STUDENT})[1:]),
    RowDefect("survey_answer_off_scale", "survey__answers", "survey", "any", 0, "answer_is_on_the_scale", "'Totally' is not on the scale",
              lambda f: f.spoil(lambda row: row[3] == "Agree", **{"I feel like I belong at this school": "Totally"})),
    RowDefect("calendar_unknown_day_type", "extract__calendar", "calendar", "any", 1, "day_type_is_mapped", "the day type X is in no code map",
              lambda f: f.spoil(lambda row: row[2] in "HB" and row[1] > f.day.isoformat(), **{"Day Type": "X"})),
    RowDefect("assessment_unknown_student", ASSESSMENTS, "assessments", "any", 0, "student_is_known", "a student no roster has",
              lambda f: f.add(f.once, **{"Student Number": UNKNOWN_STUDENT})[1:]),
    RowDefect("assessment_unknown_placement", ASSESSMENTS, "assessments", "any", 0, "level_is_mapped", "a placement in no code map, and no level beside it",
              lambda f: f.spoil(f.once, Placement="Exceeds", Level="")),
    RowDefect("assessment_score_in_words", ASSESSMENTS, "assessments", "any", 0, "numbers_are_numbers", "'invalidated' for the score",
              lambda f: f.spoil(f.once, Score="invalidated")),
)  # fmt: skip
FILE_DEFECTS = (
    FileDefect("attendance_empty", ATTENDANCE, "quiet", 2, "file_is_readable", "no bytes"),
    FileDefect("attendance_missing_column", ATTENDANCE, "quiet", 4, "required_columns", "no column Code"),
    FileDefect("attendance_duplicated_header", ATTENDANCE, "quiet", 6, "file_is_readable", "the column Code twice"),
    FileDefect("attendance_wrong_encoding", ATTENDANCE, "quiet", 8, "file_is_readable", "UTF-16 without a mark"),
    FileDefect("attendance_school_missing", ATTENDANCE, "quiet", 10, "school_is_reported", "one school is missing; its rows come with the next corrections"),
    FileDefect("attendance_last_year", ATTENDANCE, "quiet", 12, "mostly_bad_rows", "every row is of last year"),
    FileDefect("roster_shrunken", "oneroster__users", "weekly", 2, "not_shrunken", "users.csv holds a fifth of the users"),
    FileDefect("gradebook_truncated", RESULTS, "weekly", 3, "file_is_readable", "the zip ends early"),
    FileDefect("roster_next_year", "oneroster__academic_sessions", "weekly", 4, "covers_the_files_date", "next year's sessions, roles and ids"),
)


@dataclass
class Defects:
    """Plants as the days go by, and remembers what was planted."""

    world: World
    planted: list[Planted] = field(default_factory=list)

    def __post_init__(self) -> None:
        year = self.world.year
        everyone = set(year.sessions["A"]) & set(year.sessions["B"])
        days: dict[Slot, list[date]] = {
            "quiet": year.quiet_days, "weekly": [d for d in year.weekly_days if d in everyone],
            "any": [year.start, year.start + timedelta(days=1)],
        }  # fmt: skip
        self._waiting = [(days[d.slot][d.n], d) for d in ROW_DEFECTS if d.n < len(days[d.slot])]
        self._files = {(days[d.slot][d.n], d.table == ATTENDANCE, d.kind): d for d in FILE_DEFECTS if d.n < len(days[d.slot])}

    def of_file(self, day: date, *, attendance: bool) -> FileDefect | None:
        """The file defect of the day, in the attendance file or in the packages."""
        return next((d for (on, kind, _), d in self._files.items() if on == day and kind == attendance), None)

    def rows(
        self, kind: str, path: str, day: date, chunks: Iterable[Chunk], corrected: Callable[[str], bool] = lambda _: False,
        pending: Callable[[str], bool] = lambda _: False,
    ) -> Iterable[Chunk]:  # fmt: skip
        """The file's chunks, with the next waiting row defect of its kind planted (one a file and day)."""
        for since, defect in self._waiting:
            if defect.file == kind and since <= day:
                return self._planted(defect, path, Lines(self.world, day, corrected, pending, "", 0, []), chunks)
        return chunks

    def _planted(self, defect: RowDefect, path: str, stretch: Lines, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        """The chunks, the first of which is the header, with the defect in the first other one that suits it."""
        n, numbers, added = 0, list[int](), ""
        for chunk in chunks:
            text = bytes(chunk)
            if n == 0:
                stretch = replace(stretch, header=text.decode().rstrip("\n"))
            elif not numbers:
                part = replace(stretch, before=n, lines=text.decode().splitlines())
                numbers, added = defect.plant(part), part.added
                text = ("\n".join(part.lines) + "\n").encode()
            n += text.count(b"\n")
            yield text
        if added:
            n += 1
            yield f"{added}\n".encode()
        if numbers:
            self._waiting = [(since, d) for since, d in self._waiting if d is not defect]
            self.note(defect, path, stretch.day, [k or n for k in numbers], "quarantine")

    def note(
        self, defect: RowDefect | FileDefect, path: str, day: date, lines: list[int], expect: Literal["quarantine", "held"],
        *, school: str | None = None, resent: str | None = None,
    ) -> None:  # fmt: skip
        """Remember one planted defect."""
        number = f"d{len(self.planted) + 1:02d}"
        on = day.isoformat()
        self.planted.append(Planted(number, defect.kind, defect.table, path, lines, on, expect, defect.rule, defect.note, school, resent))

    def as_json(self) -> list[dict[str, object]]:
        return [asdict(p) for p in self.planted]
