"""Incidents, repeated suspension, instructional minutes and absences in a row through the real job: a small district whose classes and incidents are drawn
at random, over nights with corrections and withdrawals, against its files worked out again with pandas. Nothing of the oracle is read from the pipeline.
Every person is made up.
"""

from __future__ import annotations

import random
import shutil
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from pipelines.lineage.ledger import Ledger
from pipelines.lineage.trace import find_figure, trace
from tests.districts import TestDistrict
from tests.extract_files import POSITIVE, put, write_settings

HOLIDAY = date(2025, 9, 8)
DAYS = [d for d in (date(2025, 9, 1) + timedelta(days=n) for n in range(19)) if d.weekday() < 5 and d != HOLIDAY]
FIRST, SECOND = DAYS[-2:]
SETTINGS = """\
[district]
id = "elm-fork"
name = "Elm Fork"

[[school_years]]
year = 2026
start = 2025-09-01
end = 2026-06-12
terms = [{ id = "S1", name = "Fall", start = 2025-09-01, end = 2026-01-16 }, { id = "S2", name = "Spring", start = 2026-01-20, end = 2026-06-12 }]
"""
TABLES = {
    "schools": ("school_id", "school_name"),
    "students": ("student_id", "grade_level", "sex"),
    "enrollments": ("student_id", "school_id", "entry_date", "exit_date", "grade_level"),
    "calendar": ("school_id", "calendar_date", "day_type"),
    "sections": ("section_id", "school_id", "term_id", "subject"),
    "schedules": ("student_id", "section_id", "begin_date", "end_date", "minutes_per_meeting"),
    "attendance_periods": ("student_id", "school_id", "section_id", "attendance_date", "period", "attendance_code", "minutes_absent", "minutes_scheduled"),
    "discipline": ("incident_id", "student_id", "school_id", "incident_date", "action_id", "action_code"),
}
CODES = {
    "attendance_codes": "code,absent_share,is_excused,is_tardy\nP,0,false,false\nX,1,false,false\nH,0.5,true,false\nT,0,false,true\n",
    "calendar_codes": "code,is_instructional\nSCH,true\nOFF,false\n",
    "discipline_codes": "code,is_suspension,is_in_school,is_expulsion\nISS,true,true,false\nOSS,true,false,false\nTALK,false,false,false\n",
    "grade_levels": "code,grade_level\n9,09\n",
    "sex_codes": "code,sex\nF,female\nM,male\n",
}
SHARES = {"P": 0.0, "X": 1.0, "H": 0.5, "T": 0.0}
INCIDENTS = ("incidents_per_student", "students_with_incidents", "repeat_suspension")
MINUTES = ("minutes_attended_share", "minutes_lost_per_student")
NEW = (*INCIDENTS, *MINUTES)
RUNS = {"three_days": 3, "five_days": 5, "ten_days": 10, "three_days_by_half": 3}  # a day made of periods is missed whole, or not
# Days of absence of pupils of K, by number: runs of one less than a line, the line, and one more, over weekends and the holiday
PLANTED = {
    "p00": range(3, 5), "p01": range(3, 6), "p05": range(3, 7), "p08": range(2, 6), "p09": range(2, 7), "p12": range(1, 7), "p13": range(1, 10),
    "p16": (1, 2, 4), "p17": range(11), "p20": range(1, 11), "p24": (1, 2, 3, 4, 6, 7, 8, 9, 10, 11), "p28": range(2, 5),
}  # fmt: skip
Class = tuple[str, date, int]  # student, day, period
Action = tuple[str, str, str, date, str, str]  # incident, student, school, day, action, code


@dataclass
class ElmFork:
    """What its files say. At K and L the classes have minutes, of the schedule or of the row; one student of K has a class without, and at M none has any."""

    folder: Path
    marks: dict[Class, tuple[str, str, str]] = field(default_factory=dict)  # code, minutes missed, minutes of the row
    actions: list[Action] = field(default_factory=list)

    off: set[tuple[str, date]] = field(default_factory=set)  # days that turn out to be no school days of a school
    moved: str = "p03"  # from K to L

    @property
    def students(self) -> list[str]:
        return [f"p{n:02d}" for n in range(36)]

    def school(self, student: str, day: date) -> str:
        n = int(student[1:])
        return "L" if student == self.moved and day >= DAYS[5] else "KKLM"[n % 4] if student != self.moved else "K"

    def scheduled(self, student: str, school: str, period: int) -> str:
        """Minutes of a class by the schedule: of a third of the classes, and of one of p04's, only the row says any, or nobody."""
        return "" if school == "M" or period == 3 or (student, period) == ("p04", 2) else {"K": "50", "L": "47.5"}[school]

    def draw(self, seed: int) -> None:
        rng = random.Random(seed)
        for student in self.students:
            for day in DAYS:
                for period in (1, 2, 3):
                    code = rng.choice(["P"] * 8 + ["X", "X", "H", "T"])
                    missed = str(rng.randint(1, 40)) if code == "T" or rng.random() < 0.05 else ""
                    own = "" if self.school(student, day) == "M" or period != 3 else rng.choice(["45", "60"])
                    self.marks[student, day, period] = (code, missed, own)
        for (student, day, period), (_, _, own) in self.marks.items():
            if student in PLANTED:
                self.marks[student, day, period] = ("X" if DAYS.index(day) in PLANTED[student] else "P", "", own)
        self.draw_actions(rng)

    def draw_actions(self, rng: random.Random) -> None:
        for n in range(12):
            day = rng.choice(DAYS[:-2])
            for student in rng.sample(self.students[3:], rng.choice([1, 1, 2, 3])):
                for action in range(rng.choice([1, 1, 2])):
                    self.actions.append((f"i{n}", student, self.school(student, day), day, str(action), "TALK"))
        for n, student in enumerate(("p10", "p11", "p12")):  # suspended once, twice, three times
            for times in range(n + 1):
                self.actions.append((f"s{n}{times}", student, self.school(student, DAYS[times]), DAYS[times], "1", ("OSS", "ISS")[times % 2]))
        for day in (DAYS[3], DAYS[6]):  # once at each school, in incidents that both schools number alike
            self.actions.append(("m", self.moved, self.school(self.moved, day), day, str(day.day), "OSS"))

    # ---- its files ----

    def settings(self) -> None:
        write_settings(self.folder, SETTINGS + POSITIVE, TABLES, CODES)

    def put(self, table: str, day: date, rows: list[tuple[Any, ...]], sequence: str = "") -> None:
        put(self.folder, table, TABLES[table], day, rows, sequence)

    def put_base(self) -> None:
        day = DAYS[0]
        self.put("schools", day, [("K", "Kestrel High"), ("L", "Lark High"), ("M", "Merlin High")])
        self.put("students", day, [(s, "9", "FM"[n % 5 == 0]) for n, s in enumerate(self.students)])
        stays = [(s, self.school(s, day), day, DAYS[5] if s == self.moved else "", "9") for s in self.students]
        self.put("enrollments", day, [*stays, (self.moved, "L", DAYS[5], "", "9")])
        self.put_calendar(day)
        self.put("sections", day, [(f"{school}{period}", school, "S1", "math") for school in "KLM" for period in (1, 2, 3)])
        rows = [
            (s, f"{school}{p}", day, "", self.scheduled(s, school, p))
            for s in self.students for school in {self.school(s, DAYS[0]), self.school(s, DAYS[-1])} for p in (1, 2, 3)
        ]  # fmt: skip
        self.put("schedules", day, rows)
        for d in DAYS[:-1]:
            self.put_day(d)

    def put_calendar(self, day: date) -> None:
        days = [(school, d, "OFF" if d == HOLIDAY or (school, d) in self.off else "SCH") for school in "KLM" for d in sorted([*DAYS, HOLIDAY])]
        self.put("calendar", day, days)

    def put_day(self, day: date, sequence: str = "") -> None:
        rows = []
        for (s, d, period), (code, missed, own) in self.marks.items():
            if d == day:
                school = self.school(s, d)
                rows.append((s, school, f"{school}{period}", d, str(period), code, missed, "" if s == "p04" and period == 2 else own))
        self.put("attendance_periods", day, rows, sequence)

    def put_discipline(self, day: date) -> None:
        self.put("discipline", day, list(self.actions))

    # ---- the oracle ----

    def minutes(self, last: date) -> pd.DataFrame:
        """A row a student, school and day whose classes all have minutes: offered and missed."""
        rows = []
        for (s, day, period), (code, missed, own) in self.marks.items():
            school = self.school(s, day)
            said = ("" if s == "p04" and period == 2 else own) or self.scheduled(s, school, period)
            whole = float(said) if said else float("nan")
            rows.append((s, school, day, whole, min(float(missed), whole) if missed else SHARES[code] * whole))
        classes = pd.DataFrame(rows, columns=["student", "school", "day", "offered", "missed"])
        classes = classes[(classes["day"] <= last) & ~pd.Series([k in self.off for k in zip(classes["school"], classes["day"], strict=True)])]
        return classes.groupby(["student", "school", "day"])[["offered", "missed"]].sum(min_count=3).dropna().reset_index()

    def runs(self, line: int, last: date) -> pd.Series:
        """Times by student that so many school days of a school in a row were missed: half or more of the day's classes, walking through its days."""
        times = dict.fromkeys(self.students, 0)
        for student in self.students:
            length, before = 0, ""
            for day in [d for d in DAYS if d <= last and (self.school(student, d), d) not in self.off]:
                missed = 0
                for period in (1, 2, 3):
                    code, minutes, own = self.marks[student, day, period]
                    own = "" if (student, period) == ("p04", 2) else own
                    part = (2000 * int(float(minutes) * 1000) + int(own) * 1000) // (2000 * int(own)) if minutes and own else int(SHARES[code] * 1000)
                    missed += min(part, 1000)
                length = (length if self.school(student, day) == before else 0) + 1 if 2 * missed >= 3000 else 0
                before = self.school(student, day)
                times[student] += length == line
        return pd.Series(times)

    def incidents(self) -> pd.DataFrame:
        """Incidents and suspensions of everybody's stays, by school."""
        actions = pd.DataFrame(self.actions, columns=["incident", "student", "school", "day", "action", "code"])
        once = actions.sort_values("day").drop_duplicates(["incident", "student", "school"])
        suspended = actions[actions["code"] != "TALK"]
        stays = pd.DataFrame([*((s, self.school(s, DAYS[0])) for s in self.students), (self.moved, "L")], columns=["student", "school"])
        for name, frame in (("incidents", once), ("suspensions", suspended)):
            stays = stays.merge(frame.groupby(["student", "school"]).size().rename(name).reset_index(), how="left", on=["student", "school"])
        return stays.fillna({"incidents": 0, "suspensions": 0})

    def figures(self, last: date) -> dict[tuple[str, str | None, str], tuple[float, int]]:
        """By indicator, school (None is the district) and sex ("" is everybody): numerator, denominator of the year to date."""
        found: dict[tuple[str, str | None, str], tuple[float, int]] = {}
        incidents, minutes = self.incidents(), self.minutes(last)
        for sex in ("", "F", "M"):
            theirs = [s for n, s in enumerate(self.students) if not sex or "FM"[n % 5 == 0] == sex]
            for school in (None, "K", "L", "M"):
                i, m = (f[f["student"].isin(theirs) & ((f["school"] == school) if school else True)] for f in (incidents, minutes))
                people = i.groupby("student")[["incidents", "suspensions"]].sum()
                found["incidents_per_student", school, sex] = (people["incidents"].sum(), len(people))
                found["students_with_incidents", school, sex] = ((people["incidents"] > 0).sum(), len(people))
                suspended = people[people["suspensions"] > 0]
                found["repeat_suspension", school, sex] = ((suspended["suspensions"] >= 2).sum(), len(suspended))
                found["minutes_attended_share", school, sex] = (m["offered"].sum() - m["missed"].sum(), m["offered"].sum())
                found["minutes_lost_per_student", school, sex] = (m["missed"].sum(), m["student"].nunique())
        return {key: (float(n), float(d)) for key, (n, d) in found.items() if d}


@pytest.fixture(scope="module")
def elm(tmp_path_factory: pytest.TempPathFactory) -> tuple[ElmFork, TestDistrict]:
    """The district after a night on which no source says discipline, and one on which it does."""
    elm = ElmFork(tmp_path_factory.mktemp("elm") / "elm-fork")
    elm.draw(5)
    elm.settings()
    elm.put_base()
    district = TestDistrict(elm.folder)
    district.run(FIRST, DAYS[0])
    assert district.query(f"select count(*) from marts.agg_indicator_values where indicator_id in {INCIDENTS}") == [(0,)]
    elm.put_day(SECOND)
    elm.put_discipline(SECOND)
    district.run(SECOND)
    return elm, district


def assert_figures(elm: ElmFork, district: TestDistrict, last: date) -> None:
    expected = elm.figures(last)
    built = {
        (i, school, {"all": "", "female": "F", "male": "M"}[value]): (n, d, v)
        for i, school, value, n, d, v in district.query(
            "select indicator_id, school_id, group_value, numerator::double, denominator::double, value from marts.agg_indicator_values "
            f"where grade_level is null and group_family in ('all', 'gender') and period_type = 'year_to_date' and indicator_id in {NEW}"
        )
    }
    assert set(built) == set(expected)
    for key, (n, d, value) in built.items():
        assert (n, d, value) == pytest.approx((*expected[key], expected[key][0] / expected[key][1]), abs=1e-9), key


def assert_runs(elm: ElmFork, district: TestDistrict, last: date) -> None:
    """Every student's row of the district, and the cells of each school: whoever was at a school is judged on all schools together."""
    at = {s: {elm.school(s, DAYS[0]), elm.school(s, DAYS[-1])} for s in elm.students}
    for profile, line in RUNS.items():
        times = elm.runs(line, last)
        mine = f"indicator_id = 'consecutive_absence' and profile_id = '{profile}'"
        rows = "select student_key, numerator::int, flag from marts.fct_student_indicators"
        assert district.query(f"{rows} where {mine} and school_id is null order by 1") == [(s, n, n > 0) for s, n in times.items()], profile
        cells = "select school_id, numerator::int, denominator::int from marts.agg_indicator_values where group_family = 'all' and grade_level is null"
        assert district.query(f"{cells} and {mine} order by 1 nulls first") == [
            (school, sum(times[s] > 0 for s in of), len(of))
            for school in (None, "K", "L", "M")
            for of in [[s for s in at if school is None or school in at[s]]]
        ], profile


def test_figures_are_those_of_the_files(elm: tuple[ElmFork, TestDistrict]) -> None:
    fork, district = elm
    assert_figures(fork, district, SECOND)
    assert_runs(fork, district, SECOND)
    for line, below, on_it, above in ((3, "p00", "p01", "p05"), (5, "p08", "p09", "p12"), (10, "p13", "p20", "p17")):
        times = fork.runs(line, SECOND)
        assert (times[below], times[on_it], times[above]) == (0, 1, 1), line
    figures = fork.figures(SECOND)
    assert not [key for key in figures if key[0] in MINUTES and key[1] == "M"], "a school without minutes is in no figure of them"
    assert figures["minutes_lost_per_student", None, ""][1] == 27, "28 of K and L, less p04"
    assert figures["repeat_suspension", None, ""] == (3, 4), "p12 thrice, p11 twice, p10 once, and who moved once at each school"
    assert figures["repeat_suspension", "L", ""][0] == 0
    assert figures["incidents_per_student", None, ""][0] < len(fork.actions), "some actions share an incident"


def test_students_rows_say_their_own(elm: tuple[ElmFork, TestDistrict]) -> None:
    """One below the line, on it, one above; and who was never suspended has no row of it."""
    fork, district = elm
    mine = "select student_key, numerator::int, flag, flag_reason from marts.fct_student_indicators where school_id is null"
    said = [("p03", 2, True), ("p10", 1, False), ("p11", 2, True), ("p12", 3, True)]
    assert district.query(f"{mine} and indicator_id = 'repeat_suspension' order by 1") == [
        (s, n, flag, f"Suspensions so far this school year: {n}; the line is 2.") for s, n, flag in said
    ]
    people = fork.incidents().groupby("student")["incidents"].sum()
    assert district.query(f"{mine} and flag and indicator_id = 'students_with_incidents' order by 1") == [
        (s, 1, True, f"Incidents in which the school has named the student so far this school year: {n:.0f}.") for s, n in people[people > 0].items()
    ]


def test_weeks_are_those_of_the_files(elm: tuple[ElmFork, TestDistrict]) -> None:
    fork, district = elm
    minutes = fork.minutes(SECOND)
    minutes["week"] = [d - timedelta(days=d.weekday()) for d in minutes["day"]]
    weeks = minutes.groupby(["school", "week"])[["offered", "missed"]].sum()
    built = district.query(
        "select school_id, period_start, numerator::double, denominator::double from marts.agg_indicator_values where school_id is not null "
        "and indicator_id = 'minutes_attended_share' and period_type = 'week' and group_family = 'all' and grade_level is null order by 1, 2"
    )
    assert [b[:2] for b in built] == list(weeks.index)
    for (_, _, attended, offered), row in zip(built, weeks.itertuples(), strict=True):
        assert (attended, offered) == pytest.approx((row.offered - row.missed, row.offered))


def test_figures_are_traced_to_their_rows(elm: tuple[ElmFork, TestDistrict]) -> None:
    _, district = elm
    with duckdb.connect(str(district.build), read_only=True) as db, closing(Ledger(district.folder / "data" / "ledger.sqlite")) as ledger:
        keys = db.execute(f"select indicator_id, value_key from marts.agg_indicator_values where indicator_id in {NEW} order by 2").fetchall()
        keys = random.Random(1).sample(keys, 60)
        assert {i for i, _ in keys} == set(NEW)
        keys += db.execute("select indicator_id, value_key from marts.agg_indicator_values where indicator_id = 'consecutive_absence'").fetchall()
        for _, key in keys:
            found = trace(db, ledger, find_figure(db, {"value_key": key}), limit=3)
            assert found.agrees, (key, found.numerator, found.denominator, found.n_subjects, found.figure)


@pytest.mark.prove
def test_corrections_leave_no_ghost(elm: tuple[ElmFork, TestDistrict], tmp_path: Path) -> None:
    """An incident is taken back, one is of another day and week, one has one action less, a suspension comes; a day of weeks ago is sent again with other
    minutes, and with an absence in the middle of one run less and of another more; a day turns out to be no school day at a school. Then nothing.
    """
    fork, district = elm
    later = ElmFork(tmp_path / "later", dict(fork.marks), list(fork.actions))
    copy = district.copy(later.folder)
    incident, other = (later.actions[n][0] for n in (0, -7))
    later.actions = [a for a in later.actions if a[0] != incident]
    later.actions = [(*a[:3], DAYS[-3], *a[4:]) if a[0] == other else a for a in later.actions]
    shared = next(a for a in later.actions if a[4] == "1" and a[5] == "TALK")
    later.actions.remove(shared)
    later.actions.append(("new", "p10", later.school("p10", DAYS[1]), DAYS[1], "1", "ISS"))
    corrected = DAYS[5]
    for s, code in (("p00", "X"), ("p01", "P"), (later.moved, "X")):
        later.marks[s, corrected, 1] = (code, "", "")
    later.marks["p04", corrected, 3] = ("T", "59.5", "60")
    for s, code in (("p20", "P"), ("p24", "X")):
        for period in (1, 2, 3):
            later.marks[s, corrected, period] = (code, "", later.marks[s, corrected, period][2])
    third = SECOND + timedelta(days=3)
    later.put_day(corrected, "_2")
    later.put_discipline(third)
    copy.run(third)
    assert_figures(later, copy, SECOND)
    assert_runs(later, copy, SECOND)
    assert later.figures(SECOND) != fork.figures(SECOND)
    assert {s for s, n in (later.runs(10, SECOND) - fork.runs(10, SECOND)).items() if n} == {"p20", "p24"}
    later.off = {("K", DAYS[3])}
    later.put_calendar(third + timedelta(days=1))
    copy.run(third + timedelta(days=1))
    assert_figures(later, copy, SECOND)
    assert_runs(later, copy, SECOND)
    assert later.runs(3, SECOND)["p16"] == 1, "the day that was attended is no school day"
    assert later.runs(3, SECOND)["p28"] == 0
    last = third + timedelta(days=2)
    copy.run(last)
    assert copy.query("select count(*) from measurements.int_touched_pieces") == [(0,)], "a quiet night measures nobody"
    fresh = TestDistrict(tmp_path / "fresh")
    ElmFork(fresh.folder).settings()
    shutil.copytree(copy.landing, fresh.landing)
    fresh.run(last, DAYS[0])
    assert copy.hashes() == fresh.hashes()
