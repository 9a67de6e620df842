"""Defects of a second kind, written over the files of a clean district by hand, so to speak: with csv, zipfile and random, and nothing of ours.

Each is one thing that goes wrong in schools: a column swapped, a key left blank, a file cut off, a date a year off, an answer typed freely. Two weeks
run clean; in the third everything below happens at once, each thing to its own line or file, and each must be caught: as a line in quarantine, a
file that is stopped, or a school that is missing from a file.
"""

from __future__ import annotations

import csv
import io
import random
import shutil
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pytest

from tests.districts import START
from tests.nights import Line, Night, make

BEFORE, AFTER = date(2025, 9, 7), date(2025, 9, 15)
Row = dict[str, str]


@dataclass
class Vandal:
    """Spoils files below a landing folder and remembers where."""

    landing: Path
    luck: random.Random = field(default_factory=lambda: random.Random(1848))
    lines: dict[str, Line] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    schools: dict[str, tuple[str, str]] = field(default_factory=dict)

    def rows(self, file: str, changes: Mapping[str, Callable[[Row], Row | list[str]]], *, of: Callable[[Row], bool] = bool) -> None:
        """Apply each named change to a line of its own, drawn from those that suit `of`. Names ending in `+` put the changed line after the last one."""
        header, *table = list(csv.reader(io.StringIO(self.read(file))))
        suiting = [k for k, row in enumerate(table) if of(dict(zip(header, row, strict=True)))]
        drawn = iter(self.luck.sample(suiting, len(changes)))
        for name, change in changes.items():
            k = next(drawn)
            changed = change(dict(zip(header, table[k], strict=True)))
            cells = list(changed.values()) if isinstance(changed, dict) else changed
            if name.endswith("+"):
                table.append(cells)
                k = len(table) - 1
            else:
                table[k] = cells
            self.lines[name.removesuffix("+")] = Line(file, k + 2)
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([header, *table])
        self.write(file, text.getvalue().encode())

    def raw(self, name: str, file: str, change: Callable[[bytes], bytes]) -> None:
        """Change a whole file's bytes."""
        self.files[name] = file
        self.write(file, change(self.read_bytes(file)))

    def read(self, file: str) -> str:
        return self.read_bytes(file).decode()

    def read_bytes(self, file: str) -> bytes:
        path, _, entry = file.partition("!")
        if not entry:
            return (self.landing / path).read_bytes()
        with zipfile.ZipFile(self.landing / path) as package:
            return package.read(entry)

    def write(self, file: str, data: bytes) -> None:
        path, _, entry = file.partition("!")
        if not entry:
            (self.landing / path).write_bytes(data)
            return
        with zipfile.ZipFile(self.landing / path) as package:
            entries = {name: package.read(name) for name in package.namelist()}
        with zipfile.ZipFile(self.landing / path, "w", zipfile.ZIP_DEFLATED) as package:
            for name, old in (entries | {entry: data}).items():
                package.writestr(name, data if name == entry else old)


def put(**cells: str) -> Callable[[Row], Row]:
    """A change that writes these cells; `__` stands for a blank in a column's name."""
    named = {k.replace("__", " "): v for k, v in cells.items()}

    def change(row: Row) -> Row:
        assert named.keys() <= row.keys(), named
        return row | named

    return change


def swap(one: str, other: str) -> Callable[[Row], Row]:
    return lambda row: row | {one: row[other], other: row[one]}


def is_student(row: Row) -> bool:
    return row["role"] == "student"


def spoil(v: Vandal) -> None:
    """Everything that goes wrong in the week from 8 September, and on Monday the 15th."""
    _attendance(v)
    _roster(v)
    _gradebook(v)
    _others(v)


def _attendance(v: Vandal) -> None:
    def present(row: Row) -> bool:
        return row["Code"] == "P"

    v.rows("attendance/attendance_2025-09-09.csv", {
        "attendance: student and school swapped": swap("Student Number", "School Number"),
        "attendance: code and modality swapped": swap("Code", "Modality"),
        "attendance: letters for a student number": put(Student__Number="ABCDEFGH"),
        "attendance: no student number": put(Student__Number=""),
        "attendance: no code": put(Code=""),
        "attendance: code in lower case": put(Code="p"),
        "attendance: code damaged on its way": put(Code="P\u00c2\u00a0"),
        "attendance: a year early": put(Date="09/09/2024"),
        "attendance: a year late": put(Date="09/09/2026"),
        "attendance: no such day": put(Date="02/30/2025"),
        "attendance: unknown school": put(School__Number="0777"),
        "attendance: a comma too many": lambda row: [*list(row.values())[:3], "P,", *list(row.values())[4:], "x"],
        "attendance: again with another code+": put(Code="A"),
    }, of=present)  # fmt: skip
    again = v.lines["attendance: again with another code"]
    assert again.line > 50
    friday = v.read("attendance/attendance_2025-09-05.csv").splitlines(keepends=True)
    (v.landing / "attendance/corrections_2025-09-09.csv").write_text("".join(friday[:31]), encoding="utf-8")
    v.rows("attendance/corrections_2025-09-09.csv", {
        "correction: of a day to come+": put(Date="09/19/2025"),
        "correction: of a Saturday+": put(Date="09/06/2025"),
        "correction: of a holiday+": put(Date="09/01/2025"),
        "correction: a date in another form+": put(Date="2025-9-4"),
        "correction: a date in words+": put(Date="Sept 4"),
    })  # fmt: skip
    v.raw("attendance: header in lower case", "attendance/attendance_2025-09-08.csv", lambda b: b.split(b"\n")[0].lower() + b"\n" + b.split(b"\n", 1)[1])
    v.raw(
        "attendance: a column deleted",
        "attendance/attendance_2025-09-12.csv",
        lambda b: b"\n".join(b",".join(r.split(b",")[:2] + r.split(b",")[3:]) for r in b.split(b"\n")),
    )
    v.raw("attendance: every date a year off", "attendance/attendance_2025-09-15.csv", lambda b: b.replace(b"/2025", b"/2024"))
    v.raw(
        "corrections: bytes that are no UTF-8",
        "attendance/corrections_2025-09-11.csv",
        lambda b: b + "S1000001,100,09/03/2025,E,pr\u00e9sent\n".encode("latin-1"),
    )
    cut = "attendance/attendance_2025-09-10.csv"
    whole = v.read(cut).splitlines(keepends=True)
    v.write(cut, "".join(whole[: len(whole) * 2 // 3]).encode())
    kept, all_of = ([row.split(",")[1] for row in rows[1:]] for rows in (whole[: len(whole) * 2 // 3], whole))
    for school in sorted(set(all_of)):
        if kept.count(school) < all_of.count(school) * 3 // 4:
            v.schools[f"attendance: cut off after two thirds, school {school}"] = (cut, school)
    gone = "attendance/attendance_2025-09-11.csv"
    rows = v.read(gone).splitlines(keepends=True)
    v.write(gone, "".join(r for r in rows if r.split(",")[1] not in ("110", "130")).encode())
    v.schools |= {f"attendance: half of the schools gone, school {s}": (gone, s) for s in ("110", "130")}


def _roster(v: Vandal) -> None:
    whole = "oneroster/2025-09-08/oneroster.zip!"
    v.rows(f"{whole}users.csv", {
        "user: no id": put(sourcedId=""), "user: no given name": put(givenName=" "), "user: again with another name+": put(familyName="Otherwise"),
    }, of=lambda row: row["sourcedId"].startswith("S"))  # fmt: skip
    v.rows(f"{whole}demographics.csv", {
        "demographics: of nobody": put(sourcedId="S7777777"), "demographics: birth date and sex swapped": swap("birthDate", "sex"),
        "demographics: sex by a letter": put(sex="M"), "demographics: Y for true": put(asian="Y"),
    })  # fmt: skip
    v.rows(f"{whole}roles.csv", {
        "role: of nobody": put(userSourcedId="S7777777"), "role: misspelled": put(role="studnet"),
        "role: ends before it begins": lambda row: row | {"beginDate": "2025-09-01", "endDate": "2025-08-01"},
        "role: date as in America": put(beginDate="8/18/2025"), "role: at no school": put(orgSourcedId=""),
    }, of=is_student)  # fmt: skip
    v.rows(f"{whole}enrollments.csv", {
        "enrollment: in an unknown class": put(classSourcedId="c99999999"), "enrollment: at an unknown school": put(schoolSourcedId="999"),
        "enrollment: of nobody": put(userSourcedId=""), "enrollment: begin and end mixed up": put(beginDate="2026-06-01", endDate="2025-08-18"),
        "enrollment: role and primary swapped": swap("role", "primary"), "enrollment: date without zeros": put(beginDate="2025-8-18"),
    }, of=is_student)  # fmt: skip
    v.rows(f"{whole}classes.csv", {
        "class: at an unknown school": put(schoolSourcedId="000"), "class: of an unknown course": put(courseSourcedId="crs-none"),
        "class: no title": put(title=""),
    })  # fmt: skip
    v.rows(f"{whole}courses.csv", {"course: no title": put(title="")})
    v.rows(f"{whole}lineItems.csv", {
        "assignment: text for the maximum": put(resultValueMax="ten"), "assignment: no due date": put(dueDate=""),
        "assignment: due a year later": put(dueDate="2026-09-08"), "assignment: of an unknown class": put(classSourcedId="c99999999"),
        "assignment: negative maximum": put(resultValueMax="-10"),
    })  # fmt: skip
    name = "oneroster/2025-09-15/oneroster.zip!orgs.csv"
    v.raw("roster: half of the schools gone", name, lambda b: b"".join(r for r in b.splitlines(keepends=True) if r.split(b",")[0] not in (b"110", b"130")))


def _gradebook(v: Vandal) -> None:
    v.rows("oneroster/2025-09-10/oneroster.zip!results.csv", {
        "result: 9999 points": put(score="9999"), "result: negative points": put(score="-3"), "result: a letter for points": put(score="B+"),
        "result: points with a decimal comma": put(score="7,5"), "result: points in powers of ten": put(score="1e1"),
        "result: status typed freely": put(scoreStatus="done"), "result: letters for a student": put(studentSourcedId="Doe"),
        "result: no assignment": put(lineItemSourcedId=""), "result: late is maybe": put(late="maybe"),
        "result: twice under two ids+": put(sourcedId="rzzzzzz", score="1"),
        "result: student and assignment swapped": swap("studentSourcedId", "lineItemSourcedId"),
        "result: status and score swapped": swap("scoreStatus", "score"),
    }, of=lambda row: row["scoreStatus"] == "fully graded")  # fmt: skip
    v.raw("package: announced file left out", "oneroster/2025-09-11/oneroster.zip", _without("results.csv"))
    v.raw("package: cut in the middle", "oneroster/2025-09-12/oneroster.zip", lambda b: b[: len(b) // 2])


def _without(entry: str) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
            for name in old.namelist():
                if name != entry:
                    new.writestr(name, old.read(name))
        return out.getvalue()

    return change


def _others(v: Vandal) -> None:
    v.raw("programs: bytes that are no UTF-8", "programs/programs_2025-09-08.csv", lambda b: b + "S1000001,FRL,08/18/2025,d\u00e9cembre\n".encode("cp1252"))
    v.rows("programs/programs_2025-09-15.csv", {
        "program: ends before it begins": put(Begin__Date="09/10/2025", End__Date="09/01/2025"), "program: unknown code": put(Program="Lunch"),
        "program: no student": put(Student__Number=""), "program: no such day": put(Begin__Date="13/13/2025"),
        "program: code and student swapped": swap("Program", "Student Number"),
    })  # fmt: skip
    calendar = "calendar/calendar_2025-09-10.csv"
    shutil.copyfile(v.landing / "calendar/calendar_2025-08-18.csv", v.landing / calendar)
    v.rows(calendar, {
        "calendar: unknown school": put(School__Number="555"), "calendar: short date": put(Date="9/10/25"), "calendar: no day type": put(Day__Type=""),
        "calendar: next decade": put(Date="2035-10-01"), "calendar: a day twice, once a holiday+": put(Day__Type="H"),
    }, of=lambda row: row["Date"] > "2025-10-01" and row["Day Type"] == "I")  # fmt: skip
    (v.landing / "calendar/calendar_2025-09-15.csv").unlink()  # the whole calendar again would speak for all of it
    wave = "survey/pulse_w2_2025-09-11.csv"
    first = v.read("survey/pulse_w1_2025-08-27.csv")
    (v.landing / wave).write_text(first, encoding="utf-8")
    v.rows(wave, {
        "survey: answered freely": lambda row: row | {list(row)[4]: "it depends"}, "survey: unknown school": put(School__Number="Maple"),
        "survey: a century ago": put(Timestamp="8/25/1925 8:00:21"), "survey: grade in words": put(Grade="fifth"), "survey: no time": put(Timestamp=""),
    })  # fmt: skip

    v.rows("assessments/assessments_2025-09-12.csv", {
        "assessment: student and test swapped": swap("Student Number", "Test"), "assessment: no test": put(Test=""),
        "assessment: a letter for the score": put(Score="B"), "assessment: score with a decimal comma": put(Score="501,5"),
        "assessment: short year": put(Date="09/12/25"), "assessment: a day to come": put(Date="09/17/2025"), "assessment: a year early": put(Date="09/12/2024"),
        "assessment: level in words": put(Level="third grade"), "assessment: placement typed freely, no level": put(Placement="ok", Level=""),
        "assessment: nothing known of the result": put(Score="", Placement="", Level=""),
    }, of=lambda row: row["Date"] == "09/12/2025")  # fmt: skip


@dataclass
class Week:
    """The spoilt week: what was done, and what came of it."""

    vandal: Vandal
    night: Night
    quarantine: dict[Line, str]
    stopped: dict[str, str]
    missed: set[tuple[str, str]]
    exit_status: int


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Night:
    """Three weeks clean, a few days more in landing."""
    night = make(tmp_path_factory.mktemp("other") / "district", 300, 20, seed=1)
    outcome = night.run(BEFORE, START)
    assert (outcome.exit_status, outcome.verdicts, outcome.rows["quarantined"]) == (0, (), 0)
    return night


@pytest.fixture(scope="module")
def week(clean: Night) -> Week:
    vandal = Vandal(clean.landing)
    spoil(vandal)
    outcome = clean.run(AFTER, date(2025, 9, 8))
    return Week(vandal, clean, clean.quarantine(), clean.stopped(), clean.schools_missed(), outcome.exit_status)


def test_three_weeks_without_defects_hold_nothing_back(clean: Night) -> None:
    assert clean.ledger("select business_date, name from deliveries where business_date <= ? and (n_quarantined or status <> 'accepted')", [str(BEFORE)]) == []


def test_every_line_that_was_spoilt_is_in_quarantine(week: Week) -> None:
    assert len(week.vandal.lines) >= 50
    missed = {name: (line.file, line.line) for name, line in week.vandal.lines.items() if line not in week.quarantine}
    assert not missed, f"{len(missed)} of {len(week.vandal.lines)} were not caught: {missed}"


def test_every_file_that_was_spoilt_is_stopped(week: Week) -> None:
    assert len(week.vandal.files) >= 8
    missed = {name: file for name, file in week.vandal.files.items() if not any(s.startswith(file) for s in week.stopped)}
    assert not missed, f"not stopped: {missed}; stopped were {sorted(week.stopped)}"
    assert all(week.stopped.values())


def test_every_school_that_was_left_out_is_missed(week: Week) -> None:
    assert len(week.vandal.schools) >= 3
    assert set(week.vandal.schools.values()) <= week.missed


def test_such_a_week_says_that_something_is_held_back(week: Week) -> None:
    assert week.exit_status == 3
    words = {w for (w,) in week.night.published("select distinct quality_status from marts.agg_indicator_values")}
    assert any(w.startswith("held since") for w in words)
    # the lines beside the spoilt ones were taken
    ((taken,),) = week.night.ledger("select n_accepted + n_superseded from deliveries where name = 'attendance/attendance_2025-09-09.csv'")
    assert taken > 200
