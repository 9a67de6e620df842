"""Who is in the district: schools, students, their stays at schools, classes, teachers and class rosters, for the whole year at once.

Everything is columns of numbers (a million students take some 100 MB); days count from the first school day. Moves are drawn before the
first file is written, and each file tells only what had happened by its day. Ends are exclusive: a stay with `end` 12 does not hold day 12.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.synth.calendar import SchoolYear
from pipelines.synth.streams import Streams
from pipelines.synth.text import NEVER

Ints = NDArray[np.int32]
Days16 = NDArray[np.int16]

ELEMENTARY, MIDDLE, HIGH = 0, 1, 2
LEVEL_NAMES = ("Elementary School", "Middle School", "High School")
ELEMENTARY_SUBJECTS, SECONDARY_SUBJECTS = 3, 5
SUBJECTS = ("Mathematics", "English Language Arts", "Science", "Social Studies", "Spanish")
SUBJECT_CODES = ("02", "01", "03", "04", "24")
GRADES = ("KG", *(f"{g:02d}" for g in range(1, 13)))
RACES = ("american_indian", "asian", "black", "pacific_islander", "white")
_PLACES = (
    "Example Creek", "Sample Ridge", "Placeholder Park", "Fictional Falls", "Specimen Hill", "Mockingford", "Pretend Meadow", "Demo Harbor",
    "Imaginary Oaks", "Testbed Valley", "Invention Point", "Make-Believe Lane", "Notional Grove", "Model Springs", "Illustration Way", "Dummy Brook",
)  # fmt: skip
GIVEN = (
    "Robin", "Alex", "Casey", "Jordan", "Riley", "Morgan", "Avery", "Quinn", "Rowan", "Sasha", "Jamie", "Taylor", "Skyler", "Emerson", "Finley",
    "Harper", "Kai", "Lane", "Marlow", "Nico", "Oakley", "Parker", "Reese", "Sage", "Tatum", "Wren", "Zion", "Ari", "Blake", "Devon", "Ellis",
    "Frankie",
)  # fmt: skip
FAMILY = (
    "Testwell", "Samplesby", "Mockford", "Exampleton", "Placeholder", "Fictionby", "Demoson", "Pretendham", "Notional", "Dummett-Sample", "Specimen",
    "Synthwaite", "Makebelieve", "Inventley", "Trialton", "Proofworth", "Draftman", "Stubbins-Test", "Fakenham-Demo", "Seedling", "Rowsample",
    "Madeup", "Imagine", "Modelby", "Pseudowicz", "Testerova", "Ejemplo", "Muster-Sample", "Probeson", "Templeton-Mock",
)  # fmt: skip


@dataclass(frozen=True)
class Schools:
    """One place a school; `level` is ELEMENTARY, MIDDLE or HIGH."""

    ids: list[str]
    names: list[str]
    level: NDArray[np.int8]
    on_b: NDArray[np.bool_]  # follows calendar B

    def __len__(self) -> int:
        return len(self.ids)

    def calendar(self, school: int) -> str:
        """The name of the calendar that the school follows."""
        return "B" if self.on_b[school] else "A"


@dataclass(frozen=True)
class Students:
    """One place a student; `arrives` is the day on which the district first knows of the student."""

    grade: NDArray[np.int8]
    school: Ints
    arrives: Days16
    given: NDArray[np.int8]
    family: NDArray[np.int8]
    sex: NDArray[np.int8]
    race: NDArray[np.uint8]  # bits in the order of RACES; 255 where not answered
    hispanic: NDArray[np.bool_]
    in_demographics: NDArray[np.bool_]
    remote: NDArray[np.bool_]
    birth: Ints  # days before the first school day, negative

    def __len__(self) -> int:
        return len(self.grade)


@dataclass(frozen=True)
class Stays:
    """A student's stay at a school, by school and student; `secondary` is a part-time stay beside the main one."""

    student: Ints
    school: Ints
    begin: Days16
    end: Days16
    secondary: NDArray[np.bool_]


@dataclass(frozen=True)
class Classes:
    """One place a class, and `n_teachers` teachers, each at one school."""

    school: Ints
    grade: NDArray[np.int8]
    subject: NDArray[np.int8]
    section: Ints
    teacher: Ints
    n_teachers: int
    teacher_school: Ints

    def __len__(self) -> int:
        return len(self.school)


@dataclass(frozen=True)
class Roster:
    """Students' stays in classes, ordered by class; `first[c]` to `first[c + 1]` are the rows of class `c`."""

    student: Ints
    cls: Ints
    begin: Days16
    end: Days16
    first: NDArray[np.int64]


@dataclass(frozen=True)
class People:
    """All of it, consistent: every roster row lies inside a stay at the school of its class."""

    schools: Schools
    students: Students
    stays: Stays
    classes: Classes
    roster: Roster


def build_people(n: int, year: SchoolYear, streams: Streams) -> People:
    """`n` students (counting those who arrive during the year) and all around them. Raises ValueError where `n` is under 50."""
    if n < 50:
        raise ValueError(f"a district needs at least 50 students to fill its grades, and {n} were asked for")
    schools = _schools(n, streams)
    students, stays = _students(n, schools, year, streams)
    classes, roster = _classes(schools, students, stays, streams)
    return People(schools, students, stays, classes, roster)


def _schools(n: int, streams: Streams) -> Schools:
    total = max(4, round(n / 600))
    middle = max(1, round(total * 0.22))
    high = max(1, round(total * 0.24))
    level = np.repeat(np.array([ELEMENTARY, MIDDLE, HIGH], dtype=np.int8), [total - middle - high, middle, high])
    on_b = np.zeros(total, dtype=bool)
    on_b[streams.of("calendars").permutation(total)[: max(1, total // 5)]] = True
    names = []
    for i, kind in enumerate(level):
        lap = i // len(_PLACES)
        names.append(f"{_PLACES[i % len(_PLACES)]} {LEVEL_NAMES[kind]}" + (f" {lap + 1}" if lap else ""))
    return Schools([str(100 + 10 * i) for i in range(total)], names, level, on_b)


def _students(n: int, schools: Schools, year: SchoolYear, streams: Streams) -> tuple[Students, Stays]:
    rng = streams.of("students")
    grade = rng.permutation(np.arange(n) % 13).astype(np.int8)
    level = np.where(grade <= 5, ELEMENTARY, np.where(grade <= 8, MIDDLE, HIGH))
    school = np.zeros(n, dtype=np.int32)
    mix = rng.dirichlet(np.array([0.3, 1.2, 3.0, 0.2, 5.0]) * 2, size=len(schools))
    hispanic_share = rng.beta(2, 5, size=len(schools))
    for kind in (ELEMENTARY, MIDDLE, HIGH):
        own, who = np.flatnonzero(schools.level == kind), np.flatnonzero(level == kind)
        weight = rng.uniform(0.8, 1.2, size=len(own))
        school[who] = own[rng.choice(len(own), size=len(who), p=weight / weight.sum())]
    draw = rng.random(n)
    cumulative = np.cumsum(mix, axis=1)
    first_race = np.zeros(n, dtype=np.int64)
    for k in range(len(RACES) - 1):
        first_race += draw > cumulative[school, k]
    race = (1 << first_race).astype(np.uint8)
    second = rng.random(n) < 0.06
    race[second] |= (1 << rng.integers(0, len(RACES), size=int(second.sum()))).astype(np.uint8)
    race[rng.random(n) < 0.02] = 255
    stays, arrives = _stays(school, level, grade, schools, year, streams)
    students = Students(
        grade=grade, school=school, arrives=arrives,
        given=rng.integers(0, len(GIVEN), n, dtype=np.int8), family=rng.integers(0, len(FAMILY), n, dtype=np.int8),
        sex=rng.choice(3, size=n, p=[0.49, 0.5, 0.01]).astype(np.int8),
        race=race, hispanic=rng.random(n) < hispanic_share[school], in_demographics=rng.random(n) >= 0.01,
        remote=(rng.random(n) < 0.03), birth=(-(grade.astype(np.int32) * 365 + 5 * 365 + rng.integers(0, 365, n))).astype(np.int32),
    )  # fmt: skip
    return students, stays


def _stays(school: Ints, level: NDArray[Any], grade: NDArray[np.int8], schools: Schools, year: SchoolYear, streams: Streams) -> tuple[Stays, Days16]:
    """Most stay put. Some move within the district, leave, leave and come back, arrive late, or attend a second school part time."""
    rng = streams.of("moves")
    n = len(school)
    event_days = np.array([(d - year.start).days for d in year.quiet_days[1:]], dtype=np.int16)
    begin, end = np.zeros(n, dtype=np.int16), np.full(n, NEVER, dtype=np.int16)
    order = np.split(rng.permutation(n), np.cumsum([max(1, round(n * share)) for share in (0.05, 0.03, 0.015, 0.04)]))
    movers, leavers, returners, arrivals, others = order
    siblings = {int(s): np.flatnonzero((schools.level == schools.level[s]) & (np.arange(len(schools)) != s)) for s in range(len(schools))}
    movers = np.array([m for m in movers if len(siblings[int(school[m])])], dtype=np.int64)
    highs = np.flatnonzero(schools.level == HIGH)
    able = others[(grade[others] >= 8) & ((len(highs) > 1) | (level[others] == MIDDLE))]
    doubles = able[: max(1, round(n * 0.006))]

    def some_days(count: int) -> Days16:
        """More of them in the first weeks than later, and the first soon, so that a short run has one too."""
        early = max(1, min(len(event_days), 30))
        at = np.where(rng.random(count) < 0.4, rng.integers(0, early, count), rng.integers(0, len(event_days), count))
        at[:1] = rng.integers(0, min(len(event_days), 8))
        return event_days[at]

    moved_on, left_on, away_from = some_days(len(movers)), some_days(len(leavers)), some_days(len(returners))
    end[movers], end[leavers], end[returners], begin[arrivals] = moved_on, left_on, away_from, some_days(len(arrivals))
    back = np.searchsorted(event_days, away_from) + np.where(np.arange(len(returners)) == 0, 5, rng.integers(4, 30, len(returners)))
    comes_back = back < len(event_days)
    extra = [
        (movers, np.array([rng.choice(siblings[int(school[m])]) for m in movers], dtype=np.int32), moved_on, False),
        (returners[comes_back], school[returners[comes_back]], event_days[back[comes_back]], False),
        (
            doubles,
            np.array([rng.choice(highs[highs != school[m]]) for m in doubles], dtype=np.int32),
            np.where(rng.random(len(doubles)) < 0.5, 0, event_days[rng.integers(0, min(10, len(event_days)), len(doubles))]).astype(np.int16),
            True,
        ),
    ]
    who = np.concatenate([np.arange(n), *(e[0] for e in extra)]).astype(np.int32)
    where = np.concatenate([school, *(e[1] for e in extra)]).astype(np.int32)
    since = np.concatenate([begin, *(e[2] for e in extra)]).astype(np.int16)
    until = np.concatenate([end, np.full(len(who) - n, NEVER, dtype=np.int16)])
    secondary = np.concatenate([np.zeros(n, dtype=bool), *(np.full(len(e[0]), e[3]) for e in extra)])
    by = np.lexsort((since, who, where))
    return Stays(who[by], where[by], since[by], until[by], secondary[by]), begin


def _classes(schools: Schools, students: Students, stays: Stays, streams: Streams) -> tuple[Classes, Roster]:
    """Sections of about 22 (elementary, the same section for each subject) or 26 (secondary, one section a subject)."""
    rng = streams.of("classes")
    n_groups = len(schools) * 13
    group_level = np.repeat(schools.level, 13)
    group_grade = np.tile(np.arange(13, dtype=np.int8), len(schools))
    taught = ((group_level == ELEMENTARY) & (group_grade <= 5)) | ((group_level == MIDDLE) & (group_grade >= 6) & (group_grade <= 8))
    taught |= (group_level == HIGH) & (group_grade >= 9)
    grade = students.grade[stays.student]
    grade = np.where(stays.secondary & (grade < 9), 9, grade)
    group = stays.school * 13 + grade
    size = np.bincount(group[~stays.secondary], minlength=n_groups)
    per_section = np.where(group_level == ELEMENTARY, 22, 26)
    sections = np.where(taught, np.maximum(1, np.ceil(size / per_section)), 0).astype(np.int64)
    subjects = np.where(group_level == ELEMENTARY, ELEMENTARY_SUBJECTS, SECONDARY_SUBJECTS)
    base = np.concatenate([[0], np.cumsum(sections * subjects)])
    class_group = np.repeat(np.arange(n_groups), sections * subjects)
    within = np.arange(base[-1]) - base[class_group]
    subject, section = np.divmod(within, np.maximum(1, sections[class_group]))
    school = (class_group // 13).astype(np.int32)
    teacher, teacher_school = _teachers(school, subject, section, class_group, group_level[class_group] == ELEMENTARY)
    classes = Classes(school, group_grade[class_group], subject.astype(np.int8), section.astype(np.int32), teacher, len(teacher_school), teacher_school)

    main = np.flatnonzero(~stays.secondary)
    times = subjects[group[main]]
    rows = np.repeat(main, times)
    slot = np.arange(len(rows)) - np.repeat(np.cumsum(times) - times, times)
    home = (rng.random(len(main)) * sections[group[main]]).astype(np.int64)
    free = (rng.random(len(rows)) * sections[group[rows]]).astype(np.int64)
    chosen = np.where(group_level[group[rows]] == ELEMENTARY, np.repeat(home, times), free)
    cls = base[group[rows]] + slot * sections[group[rows]] + chosen
    part = np.flatnonzero(stays.secondary)
    part_subject = rng.integers(0, SECONDARY_SUBJECTS, len(part))
    part_cls = base[group[part]] + part_subject * sections[group[part]] + (rng.random(len(part)) * sections[group[part]]).astype(np.int64)
    rows, cls = np.concatenate([rows, part]), np.concatenate([cls, part_cls])
    by = np.lexsort((stays.student[rows], cls))
    rows, cls = rows[by], cls[by].astype(np.int32)
    first = np.searchsorted(cls, np.arange(len(classes) + 1)).astype(np.int64)
    return classes, Roster(stays.student[rows], cls, stays.begin[rows], stays.end[rows], first)


def _teachers(school: Ints, subject: NDArray[Any], section: NDArray[Any], group: NDArray[Any], elementary: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """One teacher an elementary section; secondary, one for about five classes of a subject at a school."""
    key = np.where(elementary, group * 1000 + section, 0)
    secondary = np.flatnonzero(~elementary)
    lane = school[secondary] * 10 + subject[secondary]
    by = np.argsort(lane, kind="stable")
    _, start, count = np.unique(lane[by], return_index=True, return_counts=True)
    rank = np.empty(len(lane), dtype=np.int64)
    rank[by] = np.arange(len(lane)) - np.repeat(start, count)
    key[secondary] = 1_000_000_000 + lane * 1000 + rank // 5
    _, at, teacher = np.unique(key, return_index=True, return_inverse=True)
    return teacher.astype(np.int32), school[at].astype(np.int32)
