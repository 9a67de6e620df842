"""A small district that names its columns as it likes, written file by file: Two Rivers, two campuses, three nights with corrections and withdrawals.

Every person is made up. Nothing here is read from the pipeline.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

NIGHTS = (date(2025, 9, 2), date(2025, 9, 3), date(2025, 9, 4))
ONE, TWO, THREE = (d.isoformat() for d in NIGHTS)

COLUMNS: dict[str, dict[str, str]] = {
    "schools": {"school_id": "Campus", "school_name": "Campus Name", "is_charter": "Charter?", "agency_id": "LEA"},
    "students": {"student_id": "Pupil No", "grade_level": "Gr", "sex": "M/F", "birth_date": "DOB", "hispanic": "Hisp", "races": "Races"},
    "enrollments": {
        "student_id": "Pupil No", "school_id": "Campus", "entry_date": "Entered", "exit_date": "Left", "exit_code": "Why", "grade_level": "Gr",
        "track": "Track", "calendar_code": "Cal", "share": "FTE", "is_primary": "Main",
    },
    "calendar": {"school_id": "Campus", "calendar_date": "Day", "day_type": "Kind", "calendar_code": "Cal", "track": "Track"},
    "attendance_periods": {
        "student_id": "Pupil No", "school_id": "Campus", "section_id": "Class", "attendance_date": "Day", "period": "Hour", "attendance_code": "Mark",
        "minutes_absent": "Min Out",
    },
    "discipline": {
        "incident_id": "Case", "student_id": "Pupil No", "school_id": "Campus", "incident_date": "On", "action_id": "Step", "action_code": "Action",
        "behavior_code": "What", "begin_date": "From", "days": "Days Out",
    },
    "marks": {
        "student_id": "Pupil No", "section_id": "Class", "school_id": "Campus", "term_id": "Term", "mark_type": "Kind", "letter": "Grade", "percent": "Pct",
        "credits_attempted": "Cr Tried", "credits_earned": "Cr Got", "is_final": "Final",
    },
    "sections": {"section_id": "Class", "course_id": "Course", "course_title": "Title", "school_id": "Campus", "term_id": "Term", "subject": "Area"},
    "schedules": {"student_id": "Pupil No", "section_id": "Class", "begin_date": "From", "end_date": "To", "minutes_per_meeting": "Mins"},
    "staff": {"staff_id": "Badge", "years_experience": "Yrs", "hire_date": "Hired"},
    "staff_assignments": {"staff_id": "Badge", "section_id": "Class", "school_id": "Campus", "role": "Job", "begin_date": "From", "end_date": "To"},
    "assessments": {
        "student_id": "Pupil No", "assessment_id": "Test", "administered_on": "Taken", "subject": "Area", "scale_score": "Score",
        "performance_level": "Level",
    },
    "positions": {"position_code": "Job", "title": "Title", "annual_cost_usd": "Cost", "fiscal_year": "FY"},
}  # fmt: skip
US_DATES = {
    "students": ("birth_date",), "enrollments": ("entry_date", "exit_date"), "attendance_periods": ("attendance_date",),
    "schedules": ("begin_date", "end_date"), "discipline": ("incident_date", "begin_date"),
}  # fmt: skip
CODES = {
    "attendance_codes": "code,absent_share,is_excused,is_tardy\n.,0,false,false\nX,1,false,false\nL,0,false,true\n",
    "calendar_codes": "code,is_instructional\nSCH,true\nOFF,false\n",
    "discipline_codes": "code,is_suspension,is_in_school,is_expulsion\nISS,true,true,false\nOSS,true,false,false\nTALK,false,false,false\n",
    "grade_levels": "code,grade_level\n9,09\n10,10\n",
    "sex_codes": "code,sex\nM,male\nF,female\n",
    "race_codes": "code,race\nB,black_or_african_american\nW,white\nA,asian\n",
    "exit_codes": "code,exit_type,is_no_show\nT1,transfer,false\nNS,no_show,true\n",
    "mark_scale": "letter,points,is_in_gpa,is_d_or_f\nA,4,true,false\nB,3,true,false\nB-,2.7,true,false\nD,1,true,true\nF,0,true,true\nP,,false,false\n",
    "performance_levels": "assessment_id,performance_level,level_number,is_proficient\nstate-ela,Met,3,true\nstate-ela,Not Met,1,false\n",
}
HEAD = """\
[district]
id = "two-rivers"
name = "Two Rivers"

[[school_years]]
year = 2026
start = 2025-09-01
end = 2026-06-12
terms = [{ id = "S1", name = "Fall", start = 2025-09-01, end = 2026-01-16 }, { id = "S2", name = "Spring", start = 2026-01-20, end = 2026-06-12 }]

[attendance]
reporting = "positive"
day_rule = "half_of_periods"
tardy_absent_from_minutes = 20

[enrollment]
exit_is_inclusive = false

[intake]
settle_seconds = 0
"""
A_PUPILS = [f"p{n:02d}" for n in range(1, 13)]  # at campus A, p05 at B as well
B_PUPILS = [f"p{n:02d}" for n in range(13, 21)]
CLASSES = {"A": ("A1", "A2", "A3"), "B": ("B1", "B2", "B3")}
CORRECTED = {("p02", "A1"): ("D", "0.5"), ("p16", "B1"): ("B-", "0.5"), ("p19", "B1"): ("A", "1"), ("p04", "A2"): ("", "")}  # marks of the third night
Row = tuple[str, ...]


def us(day: str) -> str:
    return f"{int(day[5:7])}/{int(day[8:])}/{day[:4]}" if day else ""


@dataclass(frozen=True)
class TwoRivers:
    """The district's folder, and what is written to it night by night."""

    folder: Path

    def settings(self) -> None:
        blocks = [HEAD]
        for table, columns in COLUMNS.items():
            blocks.append(self._source(table, table, columns, "bulk"))
        blocks.append(self._source("late", "attendance_periods", COLUMNS["attendance_periods"], "delta"))
        self.folder.mkdir(parents=True)
        (self.folder / "district.toml").write_text("\n".join(blocks))
        (self.folder / "codes").mkdir()
        for name, text in CODES.items():
            (self.folder / "codes" / f"{name}.csv").write_text(text)

    def _source(self, name: str, table: str, columns: dict[str, str], mode: str) -> str:
        lines = [f'[[sources]]\nid = "{name}"\nformat = "extract"\ntable = "{table}"\npath = "{name}/*.csv"\nmode = "{mode}"']
        lines.append("date = '(?P<date>\\d{4}-\\d{2}-\\d{2})(?:_(?P<sequence>\\d+))?\\.csv$'")
        lines += [f'columns.{ours} = "{theirs}"' for ours, theirs in columns.items()]
        lines += [f'date_formats.{c} = "%m/%d/%Y"' for c in US_DATES.get(table, ())]
        return "\n".join(lines) + "\n"

    def put(self, name: str, day: str, rows: Sequence[Row], table: str = "") -> None:
        columns = COLUMNS[table or name]
        path = self.folder / "landing" / name / f"{name}_{day}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="") as f:
            csv.writer(f).writerows([tuple(columns.values()), *rows])

    # ---- the three nights ----

    def first_night(self) -> None:
        self.put("schools", ONE, [("A", "Alder High", "N", "d1"), ("B", "Birch High", "Y", "d1")])
        self.put("students", ONE, self.students())
        self.put("enrollments", ONE, self.enrollments())
        self.put("calendar", ONE, self.calendar())
        self.put("sections", ONE, [(c, f"X{c[1]}", f"Course {c[1]}", c[0], "S1", "math" if c[1] == "1" else "ela") for s in CLASSES.values() for c in s])
        self.put("schedules", ONE, self.schedules())
        self.put("staff", ONE, [("t1", "4", "2021-08-01"), ("t2", "0.5", "2025-08-15")])
        self.put("staff_assignments", ONE, [("t1", "A1", "", "teacher", "2025-08-15", ""), ("t2", "", "B", "counselor", "2025-08-15", "")])
        self.put("positions", ONE, [("T", "Teacher", "98000.50", "2026"), ("C", "Counselor", "91000", "2026")])
        self.put("attendance_periods", ONE, self.periods(ONE))
        self.put(
            "discipline", ONE, [("i1", "p01", "A", us(ONE), "1", "OSS", "fight", us(TWO), "1.5"), ("i2", "p02", "A", us(ONE), "1", "TALK", "late", "", "")]
        )
        self.put("marks", ONE, [(p, "A1", "A", "S1", "progress", "D" if p == "p02" else "B", "", "", "", "no") for p in A_PUPILS])
        self.put("assessments", ONE, [(p, "state-ela", ONE, "ela", str(400 + n), "Met" if n % 2 else "Not Met") for n, p in enumerate(A_PUPILS)])

    def second_night(self) -> None:
        """p20 had come a day earlier than was said; p03's number is another child's; p10 goes on as p30; one late note; one action is undone."""
        self.put("students", TWO, self.students(dob={"p03": "2010-02-02"}, renamed={"p10": "p30"}))
        self.put("enrollments", TWO, self.enrollments(entered={"p20": ONE}, renamed={"p10": "p30"}))
        self.put("schedules", TWO, self.schedules(renamed={"p10": "p30"}, since=TWO))
        self.put("attendance_periods", TWO, self.periods(TWO, renamed={"p10": "p30"}))
        self.put("late", ONE + "_9", [("p04", "A", "A2", us(ONE), "2", ".", "")], "attendance_periods")
        self.put("discipline", TWO, [*self.actions(), ("i5", "p15", "B", us(TWO), "1", "OSS", "fight", "", "10")])
        self.put("marks", TWO, self.marks())

    def third_night(self) -> None:
        """p08 had left yesterday; the first day's whole file is sent again without p06's second class; a course moves; a class is dropped; a suspension is
        taken back, of the marks one is corrected, one has other credits, one is taken back and one is new.
        """
        self.put("marks", THREE, self.marks(CORRECTED))
        self.put("discipline", THREE, self.actions())
        self.put("enrollments", THREE, self.enrollments(entered={"p20": ONE}, renamed={"p10": "p30"}, left={"p08": (TWO, "T1")}))
        self.put("schedules", THREE, self.schedules(renamed={"p10": "p30"}, since=TWO, dropped={("p02", "A3"): TWO}))
        self.put("attendance_periods", THREE, [r for r in self.periods(THREE, renamed={"p10": "p30"}) if r[0] != "p08"])
        self.put("attendance_periods", ONE + "_2", [r for r in self.periods(ONE) if not (r[0] == "p06" and r[4] == "2")])
        self.put("staff_assignments", THREE, [("t1", "A1", "", "teacher", "2025-08-15", "")])
        self.put("assessments", THREE, [(p, "state-ela", ONE, "ela", str(500 + n), "Met") for n, p in enumerate(A_PUPILS[:8])])
        self.put("positions", THREE, [("T", "Teacher", "99000", "2026")])

    # ---- whole files ----

    def actions(self) -> list[Row]:
        """p01's suspension is one in school of a day now; of p14's nobody says the days, p05's is of half a day at the second school."""
        return [
            ("i1", "p01", "A", us(ONE), "1", "ISS", "fight", us(TWO), "1"), ("i3", "p13", "B", us(TWO), "1", "OSS", "fight", "", "3"),
            ("i4", "p14", "B", us(TWO), "1", "OSS", "fight", "", ""), ("i6", "p05", "B", us(TWO), "1", "OSS", "late", "", "0.5"),
            ("i7", "p05", "A", us(TWO), "1", "OSS", "late", "", "1"),
        ]  # fmt: skip

    def marks(self, corrected: dict[tuple[str, str], tuple[str, str]] | None = None) -> list[Row]:
        """Final marks of half a credit and of one, and at campus B of a third; p13 passed, p14's mark is one of standards, p15's has no credits, p18's is no
        final one. `corrected` has (letter, credits) by student and class; no letter takes a mark back.
        """
        said = {(p, "A1"): ("F" if p == "p02" else "A", "0.5") for p in A_PUPILS[:9]}
        said |= {(p, "A2"): (("B", "B-", "D")[n % 3], "1") for n, p in enumerate(A_PUPILS[:6])}
        said |= {(p, "B1"): mark for p, mark in zip(("p05", "p13", "p14", "p15", "p16", "p17", "p18"), (
            ("A", "0.333"), ("P", "1"), ("ME", "1"), ("B", ""), ("B-", "0.333"), ("D", "0.25"), ("F", "1")), strict=True)}  # fmt: skip
        return [
            (p, c, c[0], "S1", "exam" if p == "p18" else "final", letter, "88.5", credits, credits, "no" if p == "p18" else "yes")
            for (p, c), (letter, credits) in (said | (corrected or {})).items() if letter
        ]  # fmt: skip

    def students(self, dob: dict[str, str] | None = None, renamed: dict[str, str] | None = None) -> list[Row]:
        dob, renamed = dob or {}, renamed or {}
        rows = []
        for n, p in enumerate([*A_PUPILS, *B_PUPILS, "p21"]):
            born = dob.get(p, f"2010-{n % 12 + 1:02d}-{n % 27 + 1:02d}")
            rows.append((renamed.get(p, p), "9" if n % 2 else "10", "F" if n % 2 else "M", us(born), "Y" if n % 5 == 0 else "n", ["W", "B;W", "A"][n % 3]))
        return rows

    def enrollments(
        self, entered: dict[str, str] | None = None, renamed: dict[str, str] | None = None, left: dict[str, tuple[str, str]] | None = None
    ) -> list[Row]:
        entered, renamed, left = entered or {}, renamed or {}, left or {}
        rows = []
        for p, campus in [*((p, "A") for p in A_PUPILS), *((p, "B") for p in B_PUPILS), ("p05", "B"), ("p21", "B")]:
            start = entered.get(p, TWO if p == "p20" else "2025-09-01")
            end, why = ("2025-09-01", "") if p == "p21" else left.get(p, ("", ""))
            share = {"A": "0.7", "B": "0.3"}[campus] if p == "p05" else "0.5" if p == "p12" else ""
            main = "no" if p == "p05" and campus == "B" else "yes"
            rows.append((renamed.get(p, p), campus, us(start), us(end), why, "9", "YR" if p == "p07" else "", "OWN" if p == "p09" else "", share, main))
        return rows

    def calendar(self) -> list[Row]:
        days = [(campus, day, "SCH", "", "") for campus in "AB" for day in (ONE, TWO, THREE)]
        return [*days, ("A", ONE, "SCH", "", "YR"), ("A", TWO, "OFF", "", "YR"), ("A", THREE, "SCH", "", "YR"), ("A", ONE, "SCH", "OWN", "")]

    def schedules(self, renamed: dict[str, str] | None = None, since: str = "", dropped: dict[tuple[str, str], str] | None = None) -> list[Row]:
        renamed, dropped = renamed or {}, dropped or {}
        rows = []
        for campus, pupils in (("A", A_PUPILS), ("B", [*B_PUPILS, "p05"])):
            for p in pupils:
                for c in CLASSES[campus]:
                    start = since if p in renamed else "2025-09-01"
                    rows.append((renamed.get(p, p), c, us(start), us(dropped.get((p, c), "")), "50"))
        return rows

    def periods(self, day: str, renamed: dict[str, str] | None = None) -> list[Row]:
        """Three classes a day. p01 misses one, p02 two, p04 and p05 (at A) all; p06 is tardy by 25 minutes twice, p11 by 19; of p05's day B has one class."""
        renamed = renamed or {}
        missed = {"p01": "X..", "p02": "XX.", "p04": "XXX", "p05": "XXX", "p06": "LL.", "p11": "LLL", "p13": "X.X", "p20": "XX."}
        rows = []
        for campus, pupils in (("A", A_PUPILS), ("B", [*B_PUPILS, "p05"])):
            for p in pupils:
                for n, c in enumerate(CLASSES[campus][: 1 if (p, campus) == ("p05", "B") else 3]):
                    mark = "." if (p, campus) == ("p05", "B") else missed.get(p, "...")[n]
                    minutes = {"p06": "25", "p11": "19"}[p] if mark == "L" else ""
                    rows.append((renamed.get(p, p), campus, c, us(day), str(n + 1), mark, minutes))
        off = {"p07": {TWO}, "p09": {TWO, THREE}}
        return [r for r in rows if day not in off.get(r[0], set())]
