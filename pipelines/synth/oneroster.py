"""OneRoster 1.2 packages: the whole roster of a week, a night's changes, and the manifest. Columns in the order of the CSV binding 1.2.1."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.synth import people as p
from pipelines.synth.text import NEVER, Chunk, Column, Days, chunked, fixed, glue, pick, strings
from pipelines.synth.world import DISTRICT_ID, FIRST_STUDENT, FIRST_TEACHER, World, told

_FILES = (
    "academicSessions", "categories", "classes", "classResources", "courseResources", "courses", "demographics", "enrollments",
    "lineItemLearningObjectiveIds", "lineItems", "lineItemScoreScales", "orgs", "resources", "resultLearningObjectiveIds", "results",
    "resultScoreScales", "roles", "scoreScales", "userProfiles", "userResources", "users",
)  # fmt: skip
_COLUMNS = {
    "academicSessions": "title,type,startDate,endDate,parentSourcedId,schoolYear",
    "orgs": "name,type,identifier,parentSourcedId",
    "courses": "schoolYearSourcedId,title,courseCode,grades,orgSourcedId,subjects,subjectCodes",
    "classes": "title,grades,courseSourcedId,classCode,classType,location,schoolSourcedId,termSourcedIds,subjects,subjectCodes,periods",
    "users": "enabledUser,username,userIds,givenName,familyName,middleName,identifier,email,sms,phone,agentSourcedIds,grades,password,"
    "userMasterIdentifier,preferredGivenName,preferredMiddleName,preferredFamilyName,primaryOrgSourcedId,pronouns",
    "roles": "userSourcedId,roleType,role,beginDate,endDate,orgSourcedId,userProfileSourcedId",
    "enrollments": "classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate",
    "demographics": "birthDate,sex,americanIndianOrAlaskaNative,asian,blackOrAfricanAmerican,nativeHawaiianOrOtherPacificIslander,white,"
    "demographicRaceTwoOrMoreRaces,hispanicOrLatinoEthnicity,countryOfBirthCode,stateOfBirthAbbreviation,cityOfBirth,publicSchoolResidenceStatus",
    "categories": "title,weight",
    "lineItems": "title,description,assignDate,dueDate,classSourcedId,categorySourcedId,academicSessionSourcedId,resultValueMin,resultValueMax,schoolSourcedId",
    "results": "lineItemSourcedId,studentSourcedId,scoreStatus,score,scoreDate,comment,textScore,classSourcedId,inProgress,incomplete,late,missing",
}
CATEGORIES = (("cat-classwork", "Classwork", 30), ("cat-homework", "Homework", 20), ("cat-quiz", "Quiz", 20), ("cat-test", "Test", 30))
_FLAG = strings(["false", "true"])
_FLAG_OR_BLANK = strings(["false", "true", ""])
_GRADES = strings(p.GRADES)
_SUBJECTS, _SUBJECT_CODES = strings(p.SUBJECTS), strings(p.SUBJECT_CODES)

File = tuple[str, Iterable[Chunk]]  # a name without ".csv" and its lines, header included


@dataclass(frozen=True)
class Stamp:
    """The `status` and `dateLastModified` of every row of a package: blank in bulk, filled in a delta."""

    status: str = ""
    modified: str = ""


def delta_stamp(day: date) -> Stamp:
    return Stamp("active", f"{day.isoformat()}T22:00:00.000Z")


BULK = Stamp()


@dataclass(frozen=True)
class View:
    """How a roster names things: this year's, or (for a defect) next year's with other ids and dates."""

    year: int
    days: Days
    student_ids: Any
    class_ids: Any
    role: str = "ro"
    enrollment: str = "e"
    rolled_over: bool = False

    @property
    def sessions(self) -> tuple[str, str, str]:
        return f"sy{self.year}", f"{self.year}-s1", f"{self.year}-s2"


def this_year(world: World) -> View:
    return View(world.year.year, world.days, world.student_ids, world.class_ids)


def next_year(world: World) -> View:
    """The same district a year on, as a roster sent too early would show it."""
    return View(
        world.year.year + 1, Days(world.year.start + timedelta(days=364)),
        fixed(np.arange(len(world.people.students)) + 2 * FIRST_STUDENT, "N", 7), fixed(np.arange(len(world.people.classes)), "n", 6),
        "rn", "en", rolled_over=True,
    )  # fmt: skip


def with_header(name: str, chunks: Iterable[Chunk]) -> File:
    def whole() -> Iterator[Chunk]:
        yield f"sourcedId,status,dateLastModified,{_COLUMNS[name]}\n".encode()
        yield from chunks

    return name, whole()


def package(files: Iterable[File], mode: str) -> list[tuple[str, Iterable[Chunk]]]:
    """The zip's entries: the manifest (every file of the version is declared `mode` or absent) and the files."""
    held = list(files)
    names = {name for name, _ in held}
    rows = ["propertyName,value", "manifest.version,1.0", "oneroster.version,1.2"]
    rows += [f"file.{name},{mode if name in names else 'absent'}" for name in _FILES]
    rows += ["source.systemName,Synthetic SIS", "source.systemCode,synth"]
    manifest: list[Chunk] = [("\n".join(rows) + "\n").encode()]
    return [("manifest.csv", manifest), *((f"{name}.csv", chunks) for name, chunks in held)]


def bulk(world: World, view: View, today: int) -> Iterator[File]:
    """The whole roster as of `today`, gradebook categories included; line items are the gradebook's to add."""
    yield with_header("academicSessions", [_sessions(world, view)])
    yield with_header("orgs", [_orgs(world)])
    yield with_header("courses", [_courses(world, view)])
    yield with_header("categories", ["".join(f"{i},,,{title},{weight}\n" for i, title, weight in CATEGORIES).encode()])
    yield with_header("classes", _classes(world, view))
    day = NEVER - 1 if view.rolled_over else today
    students, stays, roster = world.people.students, world.people.stays, world.people.roster
    yield with_header("users", _users(world, view, np.flatnonzero(students.arrives <= day), BULK, day, teachers=True))
    stay_rows = stays.end > day if view.rolled_over else stays.begin <= day
    yield with_header("roles", _roles(world, view, np.flatnonzero(stay_rows), BULK, day, teachers=True))
    roster_rows = roster.end > day if view.rolled_over else roster.begin <= day
    yield with_header("enrollments", _enrollments(world, view, np.flatnonzero(roster_rows), BULK, day, teachers=True))
    shown = np.flatnonzero((students.arrives <= day) & students.in_demographics)
    yield with_header("demographics", _demographics(world, view, shown, BULK))


def delta(world: World, today: int) -> Iterator[File]:
    """What changed in the roster on `today`; a file without changes is not sent."""
    view, stamp = this_year(world), delta_stamp(world.days.at(today))
    students, stays, roster = world.people.students, world.people.stays, world.people.roster
    moved = np.flatnonzero((stays.begin == today) | (stays.end == today))
    if not len(moved):
        return
    users = np.unique(stays.student[moved][~stays.secondary[moved]])
    if len(users):
        yield with_header("users", _users(world, view, users, stamp, today, teachers=False))
    yield with_header("roles", _roles(world, view, moved, stamp, today, teachers=False))
    changed = np.flatnonzero((roster.begin == today) | (roster.end == today))
    yield with_header("enrollments", _enrollments(world, view, changed, stamp, today, teachers=False))
    new = np.flatnonzero((students.arrives == today) & students.in_demographics)
    if len(new):
        yield with_header("demographics", _demographics(world, view, new, stamp))


def _sessions(world: World, view: View) -> bytes:
    year, days = world.year, view.days
    first, end = date(view.year - 1, 7, 1), date(view.year, 7, 1)
    opens, half = days.at(0), days.at(world.days.number(year.semester_end) + 1)
    whole, s1, s2 = view.sessions
    return (
        f"{whole},,,{view.year - 1}-{view.year},schoolYear,{first},{end},,{view.year}\n"
        f"{s1},,,Semester 1,semester,{opens},{half},{whole},{view.year}\n"
        f"{s2},,,Semester 2,semester,{half},{end},{whole},{view.year}\n"
    ).encode()


def _orgs(world: World) -> bytes:
    schools = world.people.schools
    rows = [f"{DISTRICT_ID},,,Synthetic Unified School District,district,990000,\n"]
    rows += [f"{i},,,{name},school,99{int(i):06d},{DISTRICT_ID}\n" for i, name in zip(schools.ids, schools.names, strict=True)]
    return "".join(rows).encode()


def _courses(world: World, view: View) -> bytes:
    pairs = sorted(set(zip(world.people.classes.grade.tolist(), world.people.classes.subject.tolist(), strict=True)))
    return "".join(
        f"crs-{p.GRADES[g]}-{p.SUBJECT_CODES[s]},,,{view.sessions[0]},{_course_title(g, s)},{p.GRADES[g]}{p.SUBJECT_CODES[s]},{p.GRADES[g]},"
        f"{DISTRICT_ID},{p.SUBJECTS[s]},{p.SUBJECT_CODES[s]}\n"
        for g, s in pairs
    ).encode()


def _course_title(grade: int, subject: int) -> str:
    return f"{p.SUBJECTS[subject]} {'K' if grade == 0 else grade}"


def _classes(world: World, view: View) -> Iterator[Chunk]:
    classes = world.people.classes
    titles = strings([_course_title(g, s) for g in range(13) for s in range(len(p.SUBJECTS))])
    periods = strings(["", "1", "2", "3", "4", "5"])
    terms = f'"{view.sessions[1]},{view.sessions[2]}"'

    def build(rows: NDArray[Any]) -> list[Column]:
        grade, subject = pick(_GRADES, classes.grade[rows]), pick(_SUBJECT_CODES, classes.subject[rows])
        section = fixed(classes.section[rows] + 1, "", 3)
        elementary = classes.grade[rows] <= 5
        return [
            pick(view.class_ids, rows), "", "", glue(pick(titles, classes.grade[rows].astype(np.int64) * 5 + classes.subject[rows]), "-", section),
            grade, glue("crs-", grade, "-", subject), glue(grade, subject, "-", section), "scheduled", "",
            pick(world.school_ids, classes.school[rows]), terms, pick(_SUBJECTS, classes.subject[rows]), subject,
            pick(periods, np.where(elementary, 0, classes.subject[rows] + 1)),
        ]  # fmt: skip

    return chunked(np.arange(len(classes)), build)


def _users(world: World, view: View, rows: NDArray[Any], stamp: Stamp, today: int, *, teachers: bool) -> Iterator[Chunk]:
    students = world.people.students
    school, enabled = world.main_school(today)
    given_names, family_names = strings(p.GIVEN), strings(p.FAMILY)
    given_lower, family_lower = strings([g.lower() for g in p.GIVEN]), strings([f.lower() for f in p.FAMILY])

    def row(ids: Any, on: Any, given: NDArray[Any], family: NDArray[Any], grades: Column, org: Any) -> list[Column]:
        username = glue(pick(given_lower, given), ".", pick(family_lower, family), ".", ids)
        return [
            ids, stamp.status, stamp.modified, on, username, glue("{sis:", ids, "}"), pick(given_names, given), pick(family_names, family), "",
            ids, glue(username, "@example.org"), "", "", "", grades, "", "", "", "", "", org, "",
        ]  # fmt: skip

    def build(rows: NDArray[Any]) -> list[Column]:
        return row(
            pick(view.student_ids, rows), pick(_FLAG, enabled[rows].astype(np.int8)), students.given[rows], students.family[rows],
            pick(_GRADES, students.grade[rows]), pick(world.school_ids, np.maximum(0, school[rows])),
        )  # fmt: skip

    def build_teachers(rows: NDArray[Any]) -> list[Column]:
        given, family = rows * 7 % len(p.GIVEN), rows * 11 % len(p.FAMILY)
        return row(_teacher_ids(rows), "true", given, family, "", pick(world.school_ids, world.people.classes.teacher_school[rows]))

    yield from chunked(rows, build)
    if teachers:
        yield from chunked(np.arange(world.people.classes.n_teachers), build_teachers)


def _teacher_ids(rows: NDArray[Any]) -> Any:
    return fixed(rows + FIRST_TEACHER, "T", 6)


def _roles(world: World, view: View, rows: NDArray[Any], stamp: Stamp, today: int, *, teachers: bool) -> Iterator[Chunk]:
    stays = world.people.stays
    kinds = strings(["primary", "secondary"])

    def build(rows: NDArray[Any]) -> list[Column]:
        return [
            fixed(rows, view.role, 7), stamp.status, stamp.modified, pick(view.student_ids, stays.student[rows]),
            pick(kinds, stays.secondary[rows].astype(np.int8)), "student", view.days.iso(_begin(view, stays.begin[rows])),
            view.days.iso(told(stays.end[rows], today)), pick(world.school_ids, stays.school[rows]), "",
        ]  # fmt: skip

    def build_teachers(rows: NDArray[Any]) -> list[Column]:
        start = view.days.at(0).isoformat()
        school = pick(world.school_ids, world.people.classes.teacher_school[rows])
        return [fixed(rows, "t" + view.role, 6), "", "", _teacher_ids(rows), "primary", "teacher", start, "", school, ""]

    yield from chunked(rows, build)
    if teachers:
        yield from chunked(np.arange(world.people.classes.n_teachers), build_teachers)


def _enrollments(world: World, view: View, rows: NDArray[Any], stamp: Stamp, today: int, *, teachers: bool) -> Iterator[Chunk]:
    roster, classes = world.people.roster, world.people.classes

    def build(rows: NDArray[Any]) -> list[Column]:
        cls = roster.cls[rows]
        return [
            fixed(rows, view.enrollment, 8), stamp.status, stamp.modified, pick(view.class_ids, cls), pick(world.school_ids, classes.school[cls]),
            pick(view.student_ids, roster.student[rows]), "student", "false", view.days.iso(_begin(view, roster.begin[rows])),
            view.days.iso(told(roster.end[rows], today)),
        ]  # fmt: skip

    def build_teachers(rows: NDArray[Any]) -> list[Column]:
        school = pick(world.school_ids, classes.school[rows])
        start = view.days.at(0).isoformat()
        teacher = _teacher_ids(classes.teacher[rows])
        return [fixed(rows, "t" + view.enrollment, 7), "", "", pick(view.class_ids, rows), school, teacher, "teacher", "true", start, ""]

    yield from chunked(rows, build)
    if teachers:
        yield from chunked(np.arange(len(classes)), build_teachers)


def _begin(view: View, begin: NDArray[np.int16]) -> NDArray[np.int16]:
    return np.zeros_like(begin) if view.rolled_over else begin


def _demographics(world: World, view: View, rows: NDArray[Any], stamp: Stamp) -> Iterator[Chunk]:
    students = world.people.students
    sexes = strings(["female", "male", "unspecified"])

    def build(rows: NDArray[Any]) -> list[Column]:
        race = students.race[rows]
        blank = race == 255
        flags = [pick(_FLAG_OR_BLANK, np.where(blank, 2, (race >> k) & 1)) for k in range(len(p.RACES))]
        several = pick(_FLAG_OR_BLANK, np.where(blank, 2, np.bitwise_count(race) > 1))
        hispanic = pick(_FLAG_OR_BLANK, np.where(blank, 2, students.hispanic[rows]))
        return [
            pick(view.student_ids, rows), stamp.status, stamp.modified, world.days.iso(students.birth[rows]),
            pick(sexes, students.sex[rows]), *flags, several, hispanic, "US", "", "", "",
        ]  # fmt: skip

    return chunked(rows, build)
