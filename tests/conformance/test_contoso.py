"""Contoso, the sample district of Microsoft's Open Education Analytics, over two real nights: its SIS extract of two days, and its two batches of attendance.

The files are other people's. What they lack (schools, a calendar, whom the batches' numbers belong to) the test writes beside them. The oracle reads
them with `csv` alone and takes dates apart by hand: day first in the SIS extract, ISO in the first batch, month first in the second.
"""

from __future__ import annotations

import csv
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from pipelines.nightly import Outcome
from tests.districts import TestDistrict

NIGHTS = (date(2022, 2, 1), date(2022, 2, 2))
SETTINGS = """\
[district]
id = "contoso"
name = "Contoso"

[[school_years]]
year = 2020
start = 2019-08-01
end = 2020-07-31
terms = [{ id = "term1", name = "One", start = 2019-08-01, end = 2020-01-15 }, { id = "term2", name = "Two", start = 2020-01-16, end = 2020-07-31 }]

[[school_years]]
year = 2021
start = 2020-08-01
end = 2021-07-31

[[school_years]]
year = 2022
start = 2021-08-01
end = 2022-07-31

[attendance]
reporting = "positive"
day_rule = "half_of_periods"

[enrollment]
day_counts = "at_each_school"

[intake]
settle_seconds = 0

[[sources]]
id = "schools"
format = "extract"
table = "schools"
path = "schools/*.csv"

[[sources]]
id = "calendar"
format = "extract"
table = "calendar"
path = "calendar/*.csv"

[[sources]]
id = "people"
format = "extract"
table = "students"
path = "people/*.csv"
mode = "delta"

[[sources]]
id = "places"
format = "extract"
table = "enrollments"
path = "people/*.csv"
mode = "delta"
constants = { entry_date = "2019-08-01" }

[[sources]]
id = "students"
format = "extract"
table = "students"
path = "sis/*/students/*.csv"
mode = "delta"
columns = { student_id = "SIS ID", grade_level = "Grade", sex = "Gender", birth_date = "Birthdate" }
date_formats = { birth_date = "%m/%d/%Y" }

[[sources]]
id = "enrollments"
format = "extract"
table = "enrollments"
path = "sis/*/students/*.csv"
mode = "delta"
columns = { student_id = "SIS ID", school_id = "School SIS ID", grade_level = "Grade" }
constants = { entry_date = "2019-08-01" }

[[sources]]
id = "sections"
format = "extract"
table = "sections"
path = "sis/*/studentsectionmark/*.csv"
mode = "delta"
constants = { school_id = "sch0" }

[[sources]]
id = "marks"
format = "extract"
table = "marks"
path = "sis/*/studentsectionmark/*.csv"
mode = "delta"
columns = { letter = "alpha_grade_earned", percent = "numeric_grade_earned", is_final = "is_final_grade" }

[[sources]]
id = "classes"
format = "extract"
table = "attendance_periods"
path = "sis/*/studentattendance/*.csv"
mode = "delta"
columns = { attendance_code = "AttendanceCode", period = "Period" }

[[sources]]
id = "batches"
format = "extract"
table = "attendance"
path = "batches/*/*.csv"
mode = "delta"
columns = { attendance_code = "AttendanceCode" }
"""
CODES = {
    "attendance_codes": "code,absent_share,is_excused,is_tardy\nP,0,false,false\nA,1,false,false\n",
    "calendar_codes": "code,is_instructional\nSCHOOL,true\n",
    "sex_codes": "code,sex\nMale,male\nFemale,female\n",
    "mark_scale": "letter,points,is_in_gpa,is_d_or_f\nA,4,true,false\nB,3,true,false\nC,2,true,false\nD,1,true,true\nF,0,true,true\n",
}
Row = dict[str, str]
Key = tuple[str, ...]


def rows_of(path: Path) -> list[Row]:
    with path.open(newline="", encoding="utf-8-sig") as f:
        return list(csv.DictReader(f))


def day_first(text: str) -> date:
    day, month, year = text.split("/")
    return date(int(year), int(month), int(day))


def month_first(text: str) -> date:
    month, day, year = text.split("/")
    return date(int(year), int(month), int(day))


@dataclass
class Files:
    """The files of both nights as the oracle reads them."""

    folder: Path
    sis: list[dict[str, list[Row]]] = field(default_factory=list)
    batches: list[list[Row]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for day in ("day1", "day2"):
            at = self.folder / "contoso_sis" / day
            self.sis.append({name: rows_of(at / name / "part1.csv") for name in ("students", "studentsectionmark", "studentattendance")})
        self.batches = [rows_of(self.folder / "batches" / f"studentattendance-{n}.csv") for n in (1, 2)]

    def classes(self, night: int) -> dict[Key, str]:
        """Student, school, section, date -> code, after this night."""
        rows = [r for n in range(night + 1) for r in self.sis[n]["studentattendance"]]
        return {(r["student_id"], r["school_id"], r["section_id"], day_first(r["attendance_date"]).isoformat()): r["AttendanceCode"] for r in rows}

    def days(self, night: int) -> dict[Key, str]:
        """Student, school, date -> code of the batches, after this night."""
        read = (date.fromisoformat, month_first)
        rows = [(read[n], r) for n in range(night + 1) for r in self.batches[n]]
        return {(r["student_id"], r["school_id"], as_date(r["attendance_date"]).isoformat()): r["AttendanceCode"] for as_date, r in rows}

    def passwords(self) -> set[str]:
        return {r["Password"] for day in self.sis for r in day["students"]}


@dataclass(frozen=True)
class Contoso:
    """The district after both nights, what each night said, and what core held after each."""

    district: TestDistrict
    files: Files
    outcomes: list[Outcome]
    classes: list[dict[Key, str]]
    days: list[dict[Key, str]]

    def delivered(self, night: int, name: str, table: str) -> dict[str, Any]:
        (found,) = (d for d in self.outcomes[night].deliveries if (d["name"], d["table_name"]) == (name, f"extract__{table}"))
        return found

    def counts(self, night: int, name: str, table: str) -> tuple[int, ...]:
        """Rows, accepted, duplicate, superseded and quarantined of one file."""
        found = self.delivered(night, name, table)
        return tuple(found[f"n_{k}"] for k in ("rows", "accepted", "duplicate", "superseded", "quarantined"))


def put(path: Path, header: Iterable[str], rows: Iterable[Key]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as f:
        csv.writer(f).writerows([tuple(header), *sorted(rows)])


def write_night(folder: Path, files: Files, n: int) -> None:
    """What this night's landing folder gets: the vendor's files as they are, and what they lack."""
    landing, stamp = folder / "landing", NIGHTS[n].isoformat()
    for name in files.sis[n]:
        to = landing / "sis" / stamp / name / "part1.csv"
        to.parent.mkdir(parents=True)
        to.write_bytes((files.folder / "contoso_sis" / f"day{n + 1}" / name / "part1.csv").read_bytes())
    to = landing / "batches" / stamp / "part1.csv"
    to.parent.mkdir(parents=True)
    to.write_bytes((files.folder / "batches" / f"studentattendance-{n + 1}.csv").read_bytes())
    people = {(r["student_id"], r["school_id"]) for r in files.batches[n]}
    put(landing / "people" / f"{stamp}.csv", ("student_id", "school_id"), people)
    if n == 0:
        days = {(k[1], k[-1], "SCHOOL") for k in (*files.classes(1), *files.days(1))}
        put(landing / "calendar" / f"{stamp}.csv", ("school_id", "calendar_date", "day_type"), days)
        put(landing / "schools" / f"{stamp}.csv", ("school_id", "school_name"), {(k[0], f"School {k[0]}") for k in days})


@pytest.fixture(scope="module")
def contoso(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Contoso:
    folder = tmp_path_factory.mktemp("contoso") / "district"
    (folder / "codes").mkdir(parents=True)
    (folder / "district.toml").write_text(SETTINGS)
    for name, text in CODES.items():
        (folder / "codes" / f"{name}.csv").write_text(text)
    after = Contoso(TestDistrict(folder), Files(shared_data / "oea"), [], [], [])
    for n, night in enumerate(NIGHTS):
        write_night(folder, after.files, n)
        after.outcomes.append(after.district.run(night))
        classes = after.district.query("select student_key, school_key, section_id, attendance_date::varchar, attendance_code from core.fct_period_attendance")
        days = after.district.query(
            "select student_key, school_key, attendance_date::varchar, attendance_code from core.fct_attendance_days where school_key <> 'sch0'"
        )
        assert len(classes) == len({r[:-1] for r in classes})
        after.classes.append({r[:-1]: r[-1] for r in classes})
        after.days.append({r[:-1]: r[-1] for r in days})
    return after


def part(night: int, name: str) -> str:
    return f"sis/{NIGHTS[night]}/{name}/part1.csv"


def batch(night: int) -> str:
    return f"batches/{NIGHTS[night]}/part1.csv"


def test_every_date_of_the_sis_extract_is_read_day_first(contoso: Contoso) -> None:
    for n in (0, 1):
        assert contoso.classes[n] == contoso.files.classes(n)
        assert "date_format: attendance_date read as %d/%m/%Y" in contoso.delivered(n, part(n, "studentattendance"), "attendance_periods")["warnings"]
    days = {k[-1] for k in contoso.classes[1]}
    assert (min(days), max(days), len(days)) == ("2019-09-01", "2020-05-30", 244)


def test_every_date_of_the_batches_is_read_in_its_own_form(contoso: Contoso) -> None:
    for n in (0, 1):
        assert contoso.days[n] == contoso.files.days(n)
    forms = [[w for w in contoso.delivered(n, batch(n), "attendance")["warnings"] if w.startswith("date_format")] for n in (0, 1)]
    assert forms == [[], ["date_format: attendance_date read as %m/%d/%Y"]]
    assert {k[-1] for k in contoso.days[1] if k not in contoso.days[0]} == {"2020-08-15", "2020-08-16", "2020-08-17", "2020-09-01", "2020-09-02"}


def test_repeated_rows_count_once(contoso: Contoso) -> None:
    """The second day's files hold the first day's rows again, word for word; of the second batch four rows say again what a row before them says."""
    assert contoso.counts(0, part(0, "studentattendance"), "attendance_periods") == (1464, 1464, 0, 0, 0)
    assert contoso.counts(1, part(1, "studentattendance"), "attendance_periods") == (2928, 2928, 0, 0, 0)
    assert [len(found) for found in contoso.classes] == [1464, 2928], "the first day's rows, said again by the second day's file, count once"
    assert contoso.counts(0, part(0, "studentsectionmark"), "marks") == (12, 12, 0, 0, 0)
    assert contoso.counts(1, part(1, "studentsectionmark"), "marks") == (24, 24, 0, 0, 0)
    assert contoso.counts(1, part(1, "studentsectionmark"), "sections") == (24, 12, 12, 0, 0)
    assert contoso.counts(0, batch(0), "attendance") == (12000, 12000, 0, 0, 0)
    assert contoso.counts(1, batch(1), "attendance") == (20, 16, 4, 0, 0)
    assert [len(found) for found in contoso.days] == [12000, 12016]
    assert contoso.district.query("select count(*) from core.dim_sections") == [(12,)]
    assert contoso.district.query("select count(*) from core.dim_students where student_key in ('st1', 'st2')") == [(2,)]
    columns = "m.student_key, s.section_id, m.term_id, m.letter, m.percent::int"
    marks = contoso.district.query(f"select {columns} from core.fct_marks m join core.dim_sections s on s.section_key = m.section_key")
    said = contoso.files.sis[1]["studentsectionmark"]
    assert sorted(marks) == sorted((r["student_id"], r["section_id"], r["term_id"], r["alpha_grade_earned"], int(r["numeric_grade_earned"])) for r in said)
    for outcome in contoso.outcomes:
        assert outcome.rows["quarantined"] == 0
        assert outcome.rows["rows"] == outcome.rows["accepted"] + outcome.rows["superseded"] + outcome.rows["duplicate"]


def test_measured_days_are_those_of_the_files(contoso: Contoso) -> None:
    """Days enrolled and absent of every student at every school: a day of classes is absent where half of them or more were missed."""
    classes = defaultdict[Key, list[str]](list)
    for (student, school, _, day), code in contoso.files.classes(1).items():
        classes[student, school, day].append(code)
    absent = {key: codes.count("A") * 2 >= len(codes) for key, codes in classes.items()} | {k: c == "A" for k, c in contoso.files.days(1).items()}
    enrolled, missed = Counter[Key](), Counter[Key]()
    for (student, school, _), is_absent in absent.items():
        enrolled[student, school] += 1000
        missed[student, school] += 1000 * is_absent
    measured = contoso.district.query("""
        select subject_key, school_key, sum(quantity) filter (measure_id = 'days_enrolled')::bigint,
            coalesce(sum(quantity) filter (measure_id = 'days_absent'), 0)::bigint
        from measurements.fct_measurements where subject_type = 'student' group by all""")
    assert {(s, o): (e, a) for s, o, e, a in measured if e} == {key: (n, missed[key]) for key, n in enrolled.items()}
    assert missed.total() > 1_285_000


# ---- the passwords ----


def places(folder: Path, text: str) -> set[str]:
    """The kinds of files below `folder` that hold `text`: in their bytes, or in a cell of a Parquet file, a DuckDB or an SQLite database."""
    found = set()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        head = path.open("rb").read(16)
        cells: Iterator[str] = iter(())
        if head[:4] == b"PAR1":
            cells = _parquet(path)
        elif head[8:12] == b"DUCK":
            cells = _duckdb(path)
        elif head.startswith(b"SQLite format 3"):
            cells = _sqlite(path)
        if _in_bytes(path, text) or any(text in cell for cell in cells):
            found.add(path.suffix)
    return found


def _in_bytes(path: Path, text: str) -> bool:
    content = path.read_bytes()
    return any(text.encode(code) in content for code in ("utf-8", "utf-16-le", "utf-16-be"))


def _parquet(path: Path) -> Iterator[str]:
    for column in pq.read_table(path, partitioning=None).columns:
        yield from map(str, column.to_pylist())


def _duckdb(path: Path) -> Iterator[str]:
    with duckdb.connect(str(path), read_only=True) as db:
        tables = db.execute("select schema_name, table_name from duckdb_tables() where not internal").fetchall()
        for schema, table in tables:
            for row in db.execute(f'select * from "{schema}"."{table}"').fetchall():
                yield from map(str, row)


def _sqlite(path: Path) -> Iterator[str]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        for (table,) in db.execute("select name from sqlite_master where type = 'table'").fetchall():
            for row in db.execute(f'select * from "{table}"'):
                yield from map(str, row)


def test_the_passwords_are_nowhere(contoso: Contoso) -> None:
    """The search finds what was kept (a user name in raw, a file's name in the ledger, a student's number in both databases) and no password."""
    data = contoso.district.folder / "data"
    assert ".parquet" in places(data, "albertibarra1")
    assert places(data, part(1, "students")) >= {".sqlite", ".duckdb"}
    passwords = contoso.files.passwords()
    assert len(passwords) == 2
    for password in passwords:
        assert len(password) > 8
        assert places(data, password) == set(), "a password was kept"
    for n in (0, 1):
        assert "redacted: Password not kept" in contoso.delivered(n, part(n, "students"), "students")["warnings"]
        assert not [p for p in passwords if p in str(contoso.outcomes[n])]
