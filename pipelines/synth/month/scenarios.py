"""The scenarios of a district's first month: what happens on which day, and what must come of it.

Belongs here: those that are told by extracts (`SCENARIOS`). Those that are whole roster packages are in `packages.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from pipelines.synth.month.town import AB_SECTIONS, CHARTER, FIRST_BLOCK, HALF_DAY, HIGH, MIDDLE, VIRTUAL, Slot, Town

Step = Callable[[Town], None]


@dataclass(frozen=True)
class Scenario:
    """`subjects` are the students, schools or sections that it is planted in; `expect` says what must come of it, in words and names that a test can ask
    for: `check` (with `table` and `n`) names it, a file is `held` by a `rule`, or a `figure` of the subjects must be what `words` say.
    """

    name: str
    what: str
    subjects: tuple[str, ...]
    expect: Mapping[str, Any]
    steps: Mapping[Slot, Step] = field(default_factory=dict)


def _figure(words: str, **more: Any) -> dict[str, Any]:
    return {"kind": "figure", "words": words, **more}


def _check(check: str, table: str, n: int, words: str) -> dict[str, Any]:
    return {"kind": "check", "check": check, "table": table, "n": n, "words": words}


def _held(rule: str, words: str) -> dict[str, Any]:
    return {"kind": "held", "rule": rule, "words": words}


# ---- calendars ----


def _own_calendars(t: Town) -> None:
    days = [t.dates.iso(k) for k in range(len(t.dates.common))]
    for day in days:
        t.put("calendar", MIDDLE, day, "H" if day == days[1] else "I", "", "YR")
        t.put("calendar", MIDDLE, day, "I" if day >= days[3] else "T", "", "", "KG")
    for day in (days[0], days[4]):
        t.put("calendar", MIDDLE, day, "I", "OWN")


def _followers(t: Town) -> None:
    t.change("enrollments", {"student_id": "J001"}, track="YR")
    t.change("enrollments", {"student_id": "J002"}, grade_level="KG")
    t.change("enrollments", {"student_id": "J003"}, calendar_code="OWN")


def _snow_day(t: Town) -> None:
    t.change("calendar", {"school_id": MIDDLE, "calendar_date": t.dates.iso(5)}, day_type="W")


# ---- enrollment ----


def _deleted(t: Town) -> None:
    t.take("enrollments", student_id="J004")


def _not_yet(t: Town) -> None:
    t.take("enrollments", student_id="J016")


def _coded(t: Town) -> None:
    t.change("enrollments", {"student_id": "J005"}, exit_date=t.dates.iso(6), exit_code="NS")


def _later(t: Town) -> None:
    t.change("enrollments", {"student_id": "J006"}, entry_date=t.dates.iso(4))


def _backwards(t: Town) -> None:
    t.change("enrollments", {"student_id": "J006"}, entry_date=t.dates.iso(1))
    t.change("enrollments", {"student_id": "J007"}, entry_date=t.dates.iso(3))


def _absent(student: str, school: str, day: Slot, code: str = "A") -> Step:
    return lambda t: t.today("attendance", student, school, t.dates.iso(day), code)


def _missed(**sections: tuple[str, ...]) -> Callable[[Slot], Step]:
    """Classes missed that day, by student."""

    def on(day: Slot) -> Step:
        def step(t: Town) -> None:
            for student, missed in sections.items():
                for section in missed:
                    t.today("attendance_periods", student, HIGH, section, t.dates.iso(day), section[-1], "A")

        return step

    return on


def _shares(t: Town) -> None:
    t.change("enrollments", {"student_id": "J010"}, share="0.6")
    t.enroll("J010", HALF_DAY, 0, share="0.4", is_primary="false")
    t.change("enrollments", {"student_id": "J011"}, share="0.8")
    t.enroll("J011", HALF_DAY, 0, share="0.8", is_primary="false")


def _released(t: Town) -> None:
    for student, kept in (("L021", 3), ("L022", 2)):
        for sections in AB_SECTIONS.values():
            for section in sections[kept:]:
                t.take("schedules", student_id=student, section_id=section)


def _participation(day: int) -> Step:
    def step(t: Town) -> None:
        for k in range(1, 13):
            if (k, day) != (2, 2):  # nothing came of V002 that day
                t.today("attendance", f"V{k:03d}", VIRTUAL, t.dates.iso(day), "VN" if (k, day) == (3, 1) else "VP")

    return step


# ---- numbers ----


def _used_again(t: Town) -> None:
    (row,) = t.take("students", student_id="J012")
    t.put("students", *(row | {"birth_date": "2012-12-12"}).values())


def _merged(t: Town) -> None:
    (child,) = t.take("students", student_id="J013")
    t.put("students", *(child | {"student_id": "J913"}).values())
    (row,) = t.take("enrollments", student_id="J013")
    t.put("enrollments", *(row | {"student_id": "J913"}).values())
    t.today("attendance", "J913", MIDDLE, t.dates.iso(1), "A")


def _two_in_one(t: Town) -> None:
    t.enroll("J014", HALF_DAY, 0, is_primary="false")


def _split(t: Town) -> None:
    t.pupil("J914", "11", date(2009, 9, 9))
    (row,) = t.take("enrollments", student_id="J014", school_id=HALF_DAY)
    t.put("enrollments", *(row | {"student_id": "J914", "is_primary": "true"}).values())
    t.today("attendance", "J914", HALF_DAY, t.dates.iso(1), "A")


# ---- files ----


def _school_missing(t: Town) -> None:
    t.send_instead("enrollments", [r for r in t.rows("enrollments") if r["school_id"] != MIDDLE])


def _past(t: Town) -> None:
    for day in t.dates.past_days:
        t.put("calendar", MIDDLE, day.isoformat(), "I")
        for k in range(31, 41):
            t.today("attendance", f"J{k:03d}", MIDDLE, day.isoformat(), "A" if (k + day.weekday()) % 4 == 0 else "P")
    year = t.dates.year.year - 1
    for k in range(31, 41):
        t.enroll(f"J{k:03d}", MIDDLE, "before", entry_date=f"{year - 1}-09-03", exit_date="" if k > 35 else f"{year}-06-12")


def _past_gone(t: Town) -> None:
    for row in t.rows("enrollments"):
        if row["entry_date"] < t.dates.year.first_day.isoformat():
            t.take("enrollments", student_id=row["student_id"], entry_date=row["entry_date"])


def _next_year(t: Town) -> None:
    opens = (t.dates.year.start + timedelta(days=364)).isoformat()
    students = {(r["student_id"], r["school_id"]): r for r in t.rows("enrollments") if not r["exit_date"]}
    for row in t.rows("enrollments"):
        t.take("enrollments", **{c: row[c] for c in ("student_id", "school_id", "entry_date")})
    for row in students.values():
        t.put("enrollments", *(row | {"entry_date": opens}).values())


def _unmapped_course(t: Town) -> None:
    t.change("sections", {"section_id": FIRST_BLOCK[3]}, course_id="ZZ900")


SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        "past_year", "last year is loaded before this one begins; five of its enrollments never say an end", tuple(f"J{k:03d}" for k in range(31, 41)),
        _figure("the five days of last year are in last year's figures, and stay there when this year's enrollments replace those rows"),
        {"before": _past, 0: _past_gone},
    ),
    Scenario(
        "calendars", "a track has a holiday of its own, kindergarten starts on the fourth day, one student comes on two days", ("J001", "J002", "J003"),
        _figure("each is enrolled on the days of the own calendar alone"), {"before": _own_calendars, 0: _followers},
    ),
    Scenario("snow_day", "a day is cancelled after its attendance was taken", ("J008",),
             _figure("no student of the school is enrolled or absent on that day"), {5: _absent("J008", MIDDLE, 5), 6: _snow_day}),
    Scenario("no_show_deleted", "a student who never came is deleted after six days", ("J004",), _figure("no day enrolled"), {6: _deleted}),
    Scenario("no_show_coded", "a student who never came is given the exit code for it after six days", ("J005",),
             {**_figure("no day enrolled"), "check": "never_came", "table": "extract__enrollments", "n": 1}, {6: _coded}),
    Scenario("enrolled_backwards", "one student had come earlier than was said, another later", ("J006", "J007"),
             {**_figure("the absence before the first entry is in quarantine (inside_enrollment) and comes back by itself; the one before the second leaves"),
              "rule": "inside_enrollment"},
             {0: _later, 1: _absent("J007", MIDDLE, 1), 2: _absent("J006", MIDDLE, 2), 6: _backwards}),
    Scenario("part_time", "a student is enrolled for half of the day", ("J009",), _figure("each day counts a half"),
             {0: lambda t: t.change("enrollments", {"student_id": "J009"}, share="0.5"), 3: _absent("J009", MIDDLE, 3)}),
    Scenario("two_schools", "two students are at two schools at once, one of them with shares of more than a whole", ("J010", "J011"),
             _figure("in the district each day counts once; at each school its share"), {0: _shares, 2: _absent("J010", HALF_DAY, 2)}),
    Scenario("released_time", "two students are let go for the last classes of the day", ("L021", "L022"),
             _figure("the day is judged by the classes that each has"), {0: _released, 2: _missed(L021=("LA1", "LA2"), L022=("LA1",))(2)}),
    Scenario("blocks_ab", "classes meet on A days or on B days", ("L001", "L002", "L003"),
             _figure("two of four classes missed is a day absent, one is not"),
             {2: _missed(L001=("LA1", "LA2"), L002=("LA1",))(2), 3: _missed(L003=AB_SECTIONS["B"])(3)}),
    Scenario("blocks_4x4", "four classes in the first semester, four others in the second", ("L011", "L012"),
             _figure("two of the semester's four classes missed is a day absent, one is not"), {2: _missed(L011=FIRST_BLOCK[:2], L012=FIRST_BLOCK[:1])(2)}),
    Scenario("virtual", "days count by participation: a code says that there was some, or none; of one day nothing came", ("V002", "V003"),
             _figure("no participation is absent; the day of which nothing came is in no figure; all is remote"), {k: _participation(k) for k in range(10)}),
    Scenario("charter", "a charter school is its own agency", (CHARTER,), _figure("the school has its figures, and the district's are without its students")),
    Scenario("number_used_again", "a student number is given to another child", ("J012",),
             _check("number_is_not_used_again", "extract__students", 1, "a warning names it"), {6: _used_again}),
    Scenario("numbers_merged", "a child with two numbers keeps the other one", ("J013", "J913"),
             _check("number_replaces_no_other", "extract__students", 1, "a warning names it; the days count once, under the number that stays"),
             {1: _absent("J013", MIDDLE, 1), 6: _merged}),
    Scenario("number_split", "one number was two children's; the second gets a number of its own", ("J014", "J914"),
             _figure("each has the days, and the second the absence, of the own school alone"),
             {0: _two_in_one, 1: _absent("J014", HALF_DAY, 1), 6: _split}),
    Scenario("definition_changed", "in mid-year half a day becomes a whole day absent", ("J015",),
             _figure("the whole year is counted by the new code map", copy=["changes/attendance_codes.csv", "codes/attendance_codes.csv"], before=8),
             {1: _absent("J015", MIDDLE, 1, "H")}),
    Scenario("late_registration", "a student's enrollment is entered on the seventh day, from the first day on", ("J016",),
             _figure("all days count, and the student is not among those who were asked when the survey opened"),
             {0: _not_yet, 6: lambda t: t.enroll("J016", MIDDLE, 0)}),
    Scenario("course_unmapped", "a course's code is not in the code map", (FIRST_BLOCK[3],),
             _check("course_is_mapped", "extract__sections", 1, "a warning names it"), {"before": _unmapped_course}),
    Scenario("school_missing", "a file of all enrollments lacks one school", (MIDDLE,),
             _held("no_school_lost_its_students", "the file is held, and nobody's enrollment ends"), {5: _school_missing}),
    Scenario("rollover", "in July the enrollments are next year's", (),
             _figure("last year's enrollments end in July and its figures stay"), {"rollover": _next_year}),
)  # fmt: skip
