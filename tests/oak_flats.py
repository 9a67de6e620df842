"""A small district whose marks are drawn at random, and its flags worked out from its files by hand: nothing of it is read from the pipeline. Every person is
made up.
"""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

from tests.districts import TestDistrict
from tests.extract_files import POSITIVE, put, write_settings

DAYS = [date(2025, 9, 1) + timedelta(days=n) for n in range(30) if n % 7 < 5]  # 22 days of school
FIRST, SECOND, THIRD = DAYS[-3:]
SETTINGS = """\
[district]
id = "oak-flats"
name = "Oak Flats"

[[school_years]]
year = 2026
start = 2025-09-01
end = 2026-06-12
terms = [{ id = "S1", name = "Fall", start = 2025-09-01, end = 2025-09-19 }, { id = "S2", name = "Spring", start = 2025-09-22, end = 2025-09-29 }]
"""
TABLES = {
    "schools": ("school_id", "school_name"),
    "students": ("student_id", "grade_level"),
    "enrollments": ("student_id", "school_id", "entry_date", "grade_level"),
    "calendar": ("school_id", "calendar_date", "day_type"),
    "attendance": ("student_id", "school_id", "attendance_date", "attendance_code"),
    "discipline": ("incident_id", "student_id", "school_id", "incident_date", "action_code"),
    "sections": ("section_id", "school_id", "term_id", "subject"),
    "marks": ("student_id", "section_id", "school_id", "term_id", "mark_type", "letter", "percent", "credits_attempted", "credits_earned", "is_final"),
}
CODES = {
    "attendance_codes": "code,absent_share,is_excused,is_tardy\nP,0,false,false\nX,1,false,false\n",
    "calendar_codes": "code,is_instructional\nSCH,true\n",
    "discipline_codes": "code,is_suspension,is_in_school,is_expulsion\nISS,true,true,false\nOSS,true,false,false\nTALK,false,false,false\n",
    "grade_levels": "code,grade_level\n5,05\n8,08\n9,09\n",
    "mark_scale": "letter,points,is_in_gpa,is_d_or_f\nA,4,true,false\nB-,2.7,true,false\nD,1,true,true\nF,0,true,true\nP,,false,false\nNP,,false,true\n",
}
SUBJECTS = {"m": "Math", "e": "ELA", "s": "Science", "h": "Social_Studies", "a": "Art", "x": "", "y": "Basket weaving"}
CORE, MATH_ENGLISH, UNSAID = {"m", "e", "s", "h"}, {"m", "e"}, {"x", "y"}
PASSED: dict[str, bool | None] = {"A": True, "B-": True, "D": True, "P": True, "F": False, "NP": None, "ME": None, "": None}
Mark = tuple[str, Fraction | None, Fraction | None]  # letter, credits attempted, credits earned
Key = tuple[str, str, str]  # student, section (its subject, school and number), term
Stay = tuple[str, date, date | None]  # school, first day, first day without the student


@dataclass
class OakFlats:
    """What its files say. Grades by number: every third student is in grade 9, 8 and 5; school K has the even ones; some have marks from the other school."""

    folder: Path
    marks: dict[Key, Mark] = field(default_factory=dict)
    suspended: list[tuple[str, str, str]] = field(default_factory=list)
    absent: dict[str, int] = field(default_factory=dict)
    subjects: dict[str, str] = field(default_factory=lambda: dict(SUBJECTS))
    ends: dict[str, date] = field(default_factory=lambda: {"S1": date(2025, 9, 19), "S2": SECOND})
    year_course: Fraction = Fraction(1)  # credits
    moves: dict[str, list[Stay]] = field(default_factory=dict)  # of those who were not at their school all the time
    last_day: date = DAYS[-1]  # of school

    @property
    def students(self) -> dict[str, tuple[str, str]]:
        """Grade and school."""
        return {f"p{n:02d}": ({0: "09", 1: "08", 2: "05"}[n % 3], "KL"[n % 2]) for n in range(54)}

    def draw(self, seed: int) -> None:
        rng = random.Random(seed)
        for n, (student, (_, school)) in enumerate(self.students.items()):
            self.absent[student] = n % 5
            terms = {0: (), 1: ("S2",), 2: ("S1",)}.get(n % 11, ("S1", "S2"))  # nobody's marks; who came from elsewhere; not all marks yet
            for term in terms:
                for subject in rng.sample(sorted(SUBJECTS), rng.choice([4, 5, 6])):
                    odd = [Fraction(1, 2), Fraction(1), Fraction("0.333"), None, Fraction(1, 4)]
                    tried = rng.choice(odd if n % 7 == 3 else [Fraction(1, 2), Fraction(3, 4)])
                    letter = rng.choice(list(PASSED)) if n % 4 == 1 else rng.choice(["A", "B-", "D", "F"])
                    earned = Fraction(0) if letter in ("F", "NP") else tried
                    if n % 13 == 5 and rng.random() < 0.3:
                        earned = None
                    if n % 13 == 6 and tried is not None and rng.random() < 0.3:
                        earned = tried * 100  # a slip
                    where = school if n % 9 or term == "S1" else "KL"[n % 2 - 1]  # who moved
                    self.marks[student, f"{subject}{where}1", term] = (letter, tried, earned)
        self.suspended = [(f"p{n:02d}", "OSS" if n % 4 else "ISS", "KL"[n % 2]) for n in range(0, 54, 7)] + [("p02", "TALK", "K")]

    def plant(self, student: str, core_fails: int, credits: str, terms: int) -> None:
        """So many core marks that are not passed, of all that are, and so many credits, all with one mark that is passed."""
        school = self.students[student][1]
        self.marks = {k: m for k, m in self.marks.items() if k[0] != student}
        for n in range(4):
            term = "S2" if terms == 2 and n == 3 else "S1"
            letter = "F" if n < core_fails else "A"
            amount = Fraction(0) if n < 3 else Fraction(credits)
            self.marks[student, f"{'mesh'[n]}{school}1", term] = (letter, Fraction(1, 2) if n < 3 else Fraction(8), amount)

    # ---- its files ----

    def settings(self) -> None:
        write_settings(self.folder, SETTINGS + POSITIVE, TABLES, CODES)

    def put(self, table: str, day: date, rows: list[tuple[Any, ...]]) -> None:
        put(self.folder, table, TABLES[table], day, rows)

    def put_base(self) -> None:
        day = DAYS[0]
        self.put("schools", day, [("K", "Kestrel High"), ("L", "Lark High")])
        self.put("students", day, [(s, grade.lstrip("0")) for s, (grade, _) in self.students.items()])
        self.put("enrollments", day, [(s, school, day, grade.lstrip("0")) for s, (grade, school) in self.students.items()])
        self.put("calendar", day, [(school, d, "SCH") for school in "KL" for d in DAYS])
        for n, d in enumerate(DAYS):
            self.put("attendance", d, [(s, school, d, "X" if n < self.absent[s] else "P") for s, (_, school) in self.students.items()])

    def stays(self, student: str) -> list[Stay]:
        return self.moves.get(student, [(self.students[student][1], DAYS[0], None)])

    def put_enrollments(self, day: date) -> None:
        rows = [(s, school, begin, end or "", self.students[s][0].lstrip("0")) for s in self.students for school, begin, end in self.stays(s)]
        put(self.folder, "enrollments", ("student_id", "school_id", "entry_date", "exit_date", "grade_level"), day, rows)

    def put_sections(self, day: date) -> None:
        self.put("sections", day, [(f"{s}{school}1", school, "S1", words) for s, words in self.subjects.items() for school in "KL"])

    def put_marks(self, day: date) -> None:
        rows: list[tuple[Any, ...]] = []
        for (s, section, term), (letter, *credits) in self.marks.items():
            at = "" if s[-1] == "4" else section[1]  # of some the file says no school
            said = ("" if c is None else str(float(c)) for c in credits)
            rows.append((s, section, at, term, "final", letter, "55" if letter == "" else "", *said, "yes"))
        self.put("marks", day, rows)

    def put_discipline(self, day: date) -> None:
        self.put("discipline", day, [(f"i{n}", s, school, DAYS[1], code) for n, (s, code, school) in enumerate(self.suspended)])

    # ---- the oracle ----

    def is_core(self, section: str) -> bool | None:
        return self._is_of(section, CORE)

    def _is_of(self, section: str, some: set[str]) -> bool | None:
        words = self.subjects[section[0]]
        (known,) = [k for k, v in SUBJECTS.items() if v == words]
        return None if known in UNSAID else known in some

    def failed(self, student: str, some: set[str], line: int) -> tuple[int, int, bool | None]:
        """Failed marks of these subjects, of how many that are known, and whether they reach the line."""
        known = failed = doubt = 0
        for (who, section, _), (letter, *_) in self.marks.items():
            of, passed = self._is_of(section, some), PASSED[letter]
            if who != student or of is False:
                continue
            if of and passed is not None:
                known += 1
                failed += not passed
            elif passed is not True:
                doubt += 1
        if not known or failed < line <= failed + doubt:
            return failed, known, None
        return failed, known, failed >= line

    def pace(self, student: str, whole: bool, day: date) -> tuple[Fraction, Fraction, bool | None]:
        """Full-year credits earned in terms that have ended, the part of the year that is marked by then, and whether they are on pace."""
        mine = {k: m for k, m in self.marks.items() if k[0] == student and self.ends[k[2]] <= day}
        earned = unsaid = Fraction(0)
        for _, tried, got in mine.values():
            if got is None:
                unsaid += 100 if tried is None else tried
            elif tried is not None and got > tried:
                unsaid += min(got, 100)
            else:
                earned += got
        earned, unsaid = earned / self.year_course, unsaid / self.year_course
        terms = {k[2] for k in mine}
        part = {frozenset({"S1"}): Fraction(1, 2), frozenset({"S1", "S2"}): Fraction(1)}.get(frozenset(terms), Fraction(0))
        if not part or (whole and part < 1) or earned < 5 * part <= earned + unsaid:
            return earned, part, None
        return earned, part, earned >= 5 * part

    def flags(self, day: date) -> dict[tuple[str, str], dict[str, tuple[float, float, bool | None]]]:
        """By indicator and profile, of each student it is about: numerator, denominator, flag, as they stand on a day."""
        found: dict[tuple[str, str], dict[str, tuple[float, float, bool | None]]] = defaultdict(dict)
        for s, (grade, home) in self.students.items():
            if not any(end is None or end > day or end > self.last_day for _, _, end in self.stays(s)):
                continue  # has left
            # attendance is taken at the first school alone: of days at another nothing is known
            there = [n for n, d in enumerate(DAYS) if d <= day and any(at == home and begin <= d < (end or date.max) for at, begin, end in self.stays(s))]
            days, absent = len(there), sum(1 for n in there if n < self.absent[s])
            if grade == "09":
                failed = found["core_courses_failed", "two_or_more"][s] = self.failed(s, CORE, 2)
                for profile in ("interim", "final"):
                    pace = self.pace(s, profile == "final", day)
                    found["credits_on_pace", profile][s] = (round(float(pace[0]), 3), float(pace[1]), pace[2])
                    met = [not failed[2] if failed[2] is not None else None, pace[2]]
                    known = [m for m in met if m is not None]
                    found["freshman_on_track", profile][s] = (sum(known), len(known), sum(known) == 2 if len(known) == 2 else None)
            if grade != "05":
                n = sum(1 for who, code, _ in self.suspended if who == s and code != "TALK")
                signs = [(absent, days, absent * 10 > days if days >= 20 else None), (n, len(self.stays(s)), n >= 1), self.failed(s, MATH_ENGLISH, 1)]
                for name, sign in zip(("attendance", "behavior", "courses"), signs, strict=True):
                    found[f"early_warning_{name}", "abc"][s] = sign
                known = [flag for _, _, flag in signs if flag is not None]
                for profile, line in (("one_or_more", 1), ("two_or_more", 2)):
                    found["early_warning_flags", profile][s] = (sum(known), len(known), sum(known) >= line if len(known) == 3 else None)
        return found


NEW = ("core_courses_failed", "credits_on_pace", "freshman_on_track", "early_warning_attendance", "early_warning_behavior", "early_warning_courses",
       "early_warning_flags")  # fmt: skip


def assert_flags(oak: OakFlats, district: TestDistrict, day: date) -> None:
    """Every student's row of the district, every cell of the district by grade and every school's, are those of the files."""
    expected = oak.flags(day)
    built: dict[tuple[str, str], dict[str, tuple[float, float, bool | None]]] = defaultdict(dict)
    for i, p, s, n, d, flag in district.query(
        "select indicator_id, profile_id, student_key, numerator::double, denominator::double, flag from marts.fct_student_indicators "
        f"where school_id is null and indicator_id in {NEW}"
    ):
        built[i, p][s] = (n, d, flag)
    odd = [(key, s, built[key].get(s), some.get(s)) for key, some in expected.items() for s in {*some, *built[key]} if built[key].get(s) != some.get(s)]
    assert not odd, f"as it is built, and as the files say: {odd}"
    assert built.keys() == expected.keys()
    assert district.query(f"select count(*) from marts.fct_student_indicators where school_id = '' and indicator_id in {NEW}") == [(0,)]
    cells = {
        (i, p, school, grade): (n, d)
        for i, p, school, grade, n, d in district.query(
            "select indicator_id, profile_id, school_id, grade_level, numerator::int, denominator::int from marts.agg_indicator_values "
            f"where group_family = 'all' and indicator_id in {NEW}"
        )
    }
    for key, students in expected.items():
        for grade in (None, "08", "09"):
            judged = [flag for s, (_, _, flag) in students.items() if flag is not None and grade in (None, oak.students[s][0])]
            assert cells.get((*key, None, grade)) == ((sum(judged), len(judged)) if judged else None), (key, grade)
