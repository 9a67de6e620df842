"""The Ed-Fi Alliance's own cases of its chronic-absenteeism attendance fact, answered from our core tables after one real night.

The adapter below writes the cases' input as a district's own extract: enrollments, a calendar, and each attendance event as a row of `attendance_periods`.
It settles no answer: who is enrolled on which school day, what a code counts, and what an event stands for come out of core. What it has to choose:

- the fact's school-level events are periods without a section, as a daily row holds one code and the cases have days with four;
- several events of one student in one section and day are periods 1, 2, 3 ... of it, for the same reason;
- the home room is a section of its own (subject `homeroom`), as the input says it by student and not by section;
- an event that is filed under another school year than its date's does not count in the fact; the extract has no such column, so it is not sent;
- settings: exceptions only, the exit date is the last day, a day counts at each school, a day with any absence is absent.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from pipelines.nightly import Outcome
from tests.districts import TestDistrict

LAST_NIGHT = date(2014, 6, 30)
FIRST_FILE = "2010-08-01"
YEARS = (2011, 2012, 2013, 2014)
SETTINGS = """\
[district]
id = "amt"
name = "Attendance cases"

[attendance]
reporting = "exceptions"
day_rule = "any_period"

[enrollment]
exit_is_inclusive = true
day_counts = "at_each_school"

[intake]
settle_seconds = 0
"""
TABLES = {
    "schools": ("school_id", "school_name"),
    "students": ("student_id",),
    "enrollments": ("student_id", "school_id", "entry_date", "exit_date"),
    "calendar": ("school_id", "calendar_date", "day_type"),
    "sections": ("section_id", "school_id", "subject"),
    "attendance_periods": ("student_id", "school_id", "section_id", "attendance_date", "period", "attendance_code"),
}
# The fact knows what is present and what is absent; a tardy is neither.
ATTENDANCE_CODES = {
    "Unexcused Absence": ("1", "false", "false"), "Excused Absence": ("1", "true", "false"), "In Attendance": ("0", "false", "false"),
    "Tardy": ("0", "false", "true"),
}  # fmt: skip
INSTRUCTIONAL = ("Instructional day", "Make-up day")
SECTION = ("schoolid", "localcoursecode", "schoolyear", "sectionidentifier", "sessionname")
Row = dict[str, str]

# The fact from core alone: a day of an enrollment on which the student's calendar has school, and what the events of that day say.
FACT = """
with days as (
    select distinct stints.student_key, stints.school_key, days.calendar_date
    from core.dim_stints stints
    join core.dim_school_days days
        on days.calendar_key = stints.calendar_key and days.calendar_date >= stints.entry_date and days.calendar_date < stints.exit_date
    where days.is_instructional and days.calendar_date <= (select as_of from settings.night)
),
events as (
    select e.student_key, e.school_key, e.attendance_date, coalesce(e.section_id, '') = '' as is_of_school, s.subject = 'homeroom' as is_homeroom,
        e.absent_thousandths = 1000 as is_absent, e.absent_thousandths = 0 and not e.is_tardy as is_present
    from core.fct_period_attendance e
    left join core.dim_sections s on s.section_key = e.section_key
)
select
    d.student_key || '-' || d.school_key as studentschoolkey, d.student_key as studentkey, d.school_key as schoolkey,
    strftime(d.calendar_date, '%Y%m%d') as datekey,
    coalesce(bool_or(is_of_school and is_present), false)::int as reportedaspresentatschool,
    coalesce(bool_or(is_of_school and is_absent), false)::int as reportedasabsentfromschool,
    coalesce(bool_or(is_homeroom and is_present), false)::int as reportedaspresentathomeroom,
    coalesce(bool_or(is_homeroom and is_absent), false)::int as reportedasabsentfromhomeroom,
    (coalesce(bool_or(not is_of_school and is_present), false) and not coalesce(bool_or(not is_of_school and is_absent), false))::int
        as reportedasispresentinallsections,
    coalesce(bool_or(not is_of_school and is_absent), false)::int as reportedasabsentfromanysection
from days d
left join events e on e.student_key = d.student_key and e.school_key = d.school_key and e.attendance_date = d.calendar_date
group by all
"""
COLUMNS = (
    "studentschoolkey", "studentkey", "schoolkey", "datekey", "reportedaspresentatschool", "reportedasabsentfromschool", "reportedaspresentathomeroom",
    "reportedasabsentfromhomeroom", "reportedasispresentinallsections", "reportedasabsentfromanysection",
)  # fmt: skip


@dataclass(frozen=True)
class Night:
    """The district after its one night, how many rows of each table were written, and which events were not sent."""

    district: TestDistrict
    outcome: Outcome
    n_written: Counter[str]
    not_sent: list[Row]


class Input:
    """The cases' input, by table, with numbers of descriptors and students as the words and numbers they stand for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.words = {r["descriptorid"]: r["codevalue"] for r in self.rows("descriptor")}
        self.student = {r["studentusi"]: r["studentuniqueid"] for r in self.rows("student")}

    def rows(self, name: str) -> list[Row]:
        with (self.folder / f"{name}.csv").open(newline="", encoding="utf-8-sig") as f:
            return list(csv.DictReader(f))


def section(row: Row) -> str:
    return "|".join(row[c] for c in SECTION)


def school_year_of(day: str) -> str:
    return str(int(day[:4]) + (day[5:7] >= "08"))


def write(folder: Path, table: str, day: str, rows: Iterable[tuple[str, ...]]) -> int:
    path = folder / "landing" / table / f"{day}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = list(rows)
    with path.open("w", newline="", encoding="utf-8") as f:
        csv.writer(f).writerows([TABLES[table], *whole])
    return len(whole)


def write_settings(folder: Path, given: Input) -> None:
    years = [f"[[school_years]]\nyear = {y}\nstart = {y - 1}-08-01\nend = {y}-07-31\n" for y in YEARS]
    sources = [f'[[sources]]\nid = "{t}"\nformat = "extract"\ntable = "{t}"\npath = "{t}/*.csv"\n' for t in TABLES]
    (folder / "codes").mkdir(parents=True)
    (folder / "district.toml").write_text("\n".join([SETTINGS, *years, *sources]))
    codes = "".join(f"{code},{','.join(means)}\n" for code, means in ATTENDANCE_CODES.items())
    (folder / "codes" / "attendance_codes.csv").write_text("code,absent_share,is_excused,is_tardy\n" + codes)
    types = sorted({given.words[r["calendareventdescriptorid"]] for r in given.rows("calendardatecalendarevent")})
    (folder / "codes" / "calendar_codes.csv").write_text("code,is_instructional\n" + "".join(f"{t},{str(t in INSTRUCTIONAL).lower()}\n" for t in types))


def write_extract(folder: Path, given: Input) -> tuple[Counter[str], list[Row]]:
    """The landing files of one night. Returns rows written by table, and the events that are not sent."""
    n = Counter[str]()
    n["schools"] = write(folder, "schools", FIRST_FILE, ((r["schoolid"], f"School {r['schoolid']}") for r in given.rows("school")))
    n["students"] = write(folder, "students", FIRST_FILE, ((s,) for s in given.student.values()))
    n["enrollments"] = write(
        folder, "enrollments", FIRST_FILE,
        ((given.student[r["studentusi"]], r["schoolid"], r["entrydate"], r["exitwithdrawdate"]) for r in given.rows("studentschoolassociation")),
    )  # fmt: skip
    n["calendar"] = write(
        folder, "calendar", FIRST_FILE,
        ((r["schoolid"], r["date"], given.words[r["calendareventdescriptorid"]]) for r in given.rows("calendardatecalendarevent")),
    )  # fmt: skip
    homerooms = {(r["studentusi"], section(r)) for r in given.rows("studentsectionassociation") if r["homeroomindicator"] == "1"}
    rooms = sorted({s for _, s in homerooms})
    plain = [(section(r), r["schoolid"], "") for r in given.rows("section")]
    n["sections"] = write(folder, "sections", FIRST_FILE, [*plain, *((f"{s}|homeroom", s.partition("|")[0], "homeroom") for s in rooms)])

    days: dict[str, list[tuple[str, ...]]] = {r["date"]: [] for r in given.rows("calendardatecalendarevent")}
    not_sent: list[Row] = []
    same = Counter[tuple[str, ...]]()
    school_level, by_section = given.rows("studentschoolattendanceevent"), given.rows("studentsectionattendanceevent")
    for event in (*school_level, *by_section):
        if event["schoolyear"] != school_year_of(event["eventdate"]) and event["eventdate"] <= LAST_NIGHT.isoformat():
            not_sent.append(event)
            continue
        place = "" if "sectionidentifier" not in event else section(event)
        place += "|homeroom" if (event["studentusi"], place) in homerooms else ""
        whose = (given.student[event["studentusi"]], event["schoolid"], place, event["eventdate"])
        same[whose] += 1
        days.setdefault(event["eventdate"], []).append((*whose, str(same[whose]), given.words[event["attendanceeventcategorydescriptorid"]]))
    for day, rows in days.items():  # one of them lies a century ahead: no night takes that file yet
        n["attendance_periods" if day <= LAST_NIGHT.isoformat() else "future"] += write(folder, "attendance_periods", day, rows)
    return n, not_sent


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Night:
    folder = tmp_path_factory.mktemp("amt") / "district"
    given = Input(shared_data / "edfi-amt-attendance" / "input")
    write_settings(folder, given)
    n_written, not_sent = write_extract(folder, given)
    district = TestDistrict(folder)
    return Night(district, district.run(LAST_NIGHT), n_written, not_sent)


@pytest.fixture(scope="module")
def cases(shared_data: Path) -> list[Row]:
    with (shared_data / "edfi-amt-attendance" / "expected_cases.csv").open(newline="", encoding="utf-8-sig") as f:
        return list(csv.DictReader(f))


def test_all_cases_come_out(night: Night, cases: list[Row]) -> None:
    facts: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for values in night.district.query(FACT):
        row = dict(zip(COLUMNS, map(str, values), strict=True))
        for key in ((row["studentkey"], row["schoolkey"], row["datekey"]), ("", "", row["datekey"])):
            facts[key].append(row)
    wrong, asserted = [], 0
    for case in cases:
        found = facts[case["student_key"], case["school_key"], case["date_key"]]
        said = [str(len(found))] if case["column"] == "countvalue" else [row[case["column"]] for row in found]
        asserted += 1
        if said != [case["expected"]]:
            wrong.append(f"{case['case_file']}: expected {case['expected']}, found {said}")
    assert wrong == []
    assert asserted == len(cases) == 89
    assert len({c["case_file"] for c in cases}) == 89


def test_the_measurements_count_the_same_days(night: Night) -> None:
    """Days enrolled and absent by week piece, as published from, against the days of the fact: absent where any event of the day, of school or section, is."""
    counted = night.district.query(f"""
        with fact as ({FACT})
        select f.studentkey, f.schoolkey, d.piece_start, count(*) * 1000,
            sum(greatest(f.reportedasabsentfromschool, f.reportedasabsentfromanysection)) * 1000
        from fact f join core.dim_dates d on strftime(d.calendar_date, '%Y%m%d') = f.datekey group by all order by all""")
    measured = night.district.query("""
        select subject_key, school_key, piece_start,
            sum(quantity) filter (measure_id = 'days_enrolled'), coalesce(sum(quantity) filter (measure_id = 'days_absent'), 0)
        from measurements.fct_measurements where measure_id in ('days_enrolled', 'days_absent') group by all order by all""")
    assert counted == measured
    assert len(measured) > 20
    assert sum(int(row[4]) for row in measured) >= 10_000


def test_every_row_is_accounted_for(night: Night) -> None:
    """What the fact leaves out is in quarantine with the reason, as is a calendar day of the next century; one event was not sent."""
    rows = night.outcome.rows
    assert night.n_written["future"] == 1
    assert rows["rows"] == night.n_written.total() - 1
    assert rows["rows"] == rows["accepted"] + rows["quarantined"]
    set_aside = Counter(dict(night.district.query("select _rule, count(*) from quarantine.extract__attendance_periods group by 1")))
    assert set(set_aside) == {"inside_enrollment", "school_is_in_session"}
    assert night.district.query("select _rule, calendar_date from quarantine.extract__calendar") == [("date_is_in_a_school_year", "2110-12-12")]
    assert set_aside.total() + 1 == rows["quarantined"]
    assert [(r["schoolyear"], r["eventdate"]) for r in night.not_sent] == [("2011", "2012-05-20")]
