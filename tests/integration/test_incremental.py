"""What changes backwards is measured again: after nights of moves, late files and second thoughts the figures are those of a build from nothing."""

from __future__ import annotations

import csv
import io
import json
import shutil
import zipfile
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from tests.districts import STANDING, START, TestDistrict, make_district

FRIDAY, MONDAY, TUESDAY, WEDNESDAY = (START + timedelta(days=n) for n in (4, 7, 8, 9))
STAMPS = "CreateDate,LastModifiedDate,SourceCreateDate,SourceLastModifiedDate"
LMS = """
[[sources]]
id = "lms"
format = "lms"
path = "lms/**/*.csv"
date = '(?P<date>\\d{4}-\\d{2}-\\d{2})\\.csv$'

[intake]
settle_seconds = 0
"""


def _lms(district: TestDistrict, kind: str, day: date, header: str, rows: list[str]) -> None:
    path = district.landing / "lms" / kind / f"{day}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{header},{STAMPS}\n" + "".join(f"{r}\n" for r in rows))


def _assignments(district: TestDistrict, day: date, due: dict[str, date]) -> None:
    header = "SourceSystemIdentifier,SourceSystem,Title,AssignmentCategory,AssignmentDescription,StartDateTime,EndDateTime,DueDateTime,SubmissionType,"
    rows = [f"{a},X,T,,,,,{d},,10,L1,{START},,," for a, d in due.items()]
    _lms(district, "assignments", day, header + "MaxPoints,LMSSectionSourceSystemIdentifier", rows)


def _members(district: TestDistrict, day: date, students: list[str], dropped: str = "") -> None:
    header = "SourceSystemIdentifier,SourceSystem,EnrollmentStatus,LMSUserSourceSystemIdentifier,LMSSectionSourceSystemIdentifier"
    state = {s: ("Inactive", day) if s == dropped else ("Active", START) for s in students}
    _lms(district, "section-associations", day, header, [f"a{s},X,{status},u{s},L1,{START},{changed},," for s, (status, changed) in state.items()])


def _submissions(district: TestDistrict, day: date, rows: list[tuple[str, str, str, str]]) -> None:
    header = "SourceSystemIdentifier,SourceSystem,SubmissionStatus,SubmissionDateTime,EarnedPoints,Grade,AssignmentSourceSystemIdentifier,"
    _lms(district, "submissions", day, header + "LMSUserSourceSystemIdentifier", [f"{i},X,{status},,,,{a},u{s},{START},,," for i, status, a, s in rows])


def _whole_roster(district: TestDistrict) -> zipfile.ZipFile:
    return zipfile.ZipFile(district.landing / "oneroster" / str(START) / "oneroster.zip")


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> tuple[TestDistrict, list[str], str]:
    """A district of exceptions with a learning system, run to Monday; then Friday's file comes late and much is moved. Gives members of section L1 too."""
    folder = tmp_path_factory.mktemp("incremental") / "d"
    district = make_district(folder, students=120, days=9, seed=3)
    settings = (folder / "district.toml").read_text().replace('reporting = "positive"', 'reporting = "exceptions"').replace("min_n = 10", "min_n = 3")
    (folder / "district.toml").write_text(settings + LMS)
    for path in (district.landing / "attendance").glob("attendance_*.csv"):
        header, *rows = path.read_text().splitlines()
        path.write_text("\n".join([header, *(r for r in rows if r.split(",")[3] != "P")]) + "\n")
    with _whole_roster(district) as roster:
        lines = [line.split(",") for line in roster.read("enrollments.csv").decode().splitlines()]
    of_class: dict[str, list[str]] = {}
    for cells in lines[1:]:
        if cells[6] == "student":
            of_class.setdefault(cells[3], []).append(cells[5])
    section, members = max(of_class.items(), key=lambda item: (len(item[1]), item[0]))
    students = sorted(set(members))[:4]
    _lms(district, "users", START, "SourceSystemIdentifier,SourceSystem,UserRole,LocalUserIdentifier,SISUserIdentifier,Name,EmailAddress",
         [f"u{s},X,student,,{s},N,,{START},,," for s in students])  # fmt: skip
    _lms(district, "sections", START, "SourceSystemIdentifier,SourceSystem,SISSectionIdentifier,Title,SectionDescription,Term,LMSSectionStatus",
         [f"L1,X,{section},T,,,,{START},,,"])  # fmt: skip
    _members(district, START, students)
    _assignments(district, START, {"A1": START + timedelta(days=2), "A2": START + timedelta(days=3)})
    work = [(f"b{a}{s}", "Graded" if a == "A1" else "Missing", a, s) for a in ("A1", "A2") for s in students]
    _submissions(district, FRIDAY, work)
    late = district.landing / "attendance" / f"attendance_{FRIDAY}.csv"
    aside = folder / "late.csv"
    late.rename(aside)
    district.run(MONDAY, START)
    aside.rename(late)
    _assignments(district, TUESDAY, {"A1": TUESDAY, "A2": START + timedelta(days=3)})
    _members(district, TUESDAY, students, dropped=students[0])
    # a second attempt under another id
    _submissions(district, TUESDAY, [*work, ("again", "Graded", "A2", students[1])])
    district.run(TUESDAY)
    return district, students, section


def _quantity(district: TestDistrict, student: str, measure: str) -> dict[date, int]:
    rows = district.query(
        f"""select piece_start, sum(quantity)::int from measurements.fct_measurements
            where subject_key = '{student}' and measure_id = '{measure}' group by 1"""
    )
    return {day: int(n) for day, n in rows if n}


def test_the_first_file_of_a_day_makes_all_of_the_day_known(story: tuple[TestDistrict, list[str], str]) -> None:
    district, *_ = story
    ((measured,),) = district.query("select sum(quantity)::bigint / 1000 from measurements.fct_measurements where measure_id = 'days_enrolled'")
    ((counted,),) = district.query(
        f"""select count(*) from (
              select distinct s.student_key, s.school_key, c.calendar_date from core.dim_stints s
              join core.dim_school_days c on c.school_key = s.school_key and c.calendar_date >= s.entry_date and c.calendar_date < s.exit_date
              where c.is_instructional and c.calendar_date <= date '{TUESDAY}')"""
    )
    assert measured == counted


def test_moved_work_counts_once_in_its_new_week_and_work_done_before_dropping_a_section_stays(story: tuple[TestDistrict, list[str], str]) -> None:
    district, students, _ = story
    lms = "select student_key, assignment_key, due_date, count(*) from core.fct_assignment_results where assignment_key like 'lms%' group by all"
    assert {(s, a.rpartition("|")[2], d): n for s, a, d, n in district.query(lms)} == {
        (s, a, d): 1 for s in students for a, d in (("A1", TUESDAY), ("A2", START + timedelta(days=3)))
    }
    ((old_week,),) = district.query(
        f"""select count(*) from (
              select m.subject_key, m.quantity,
                (select count(*) from core.fct_assignment_results r
                 join intermediate.int_section_enrollments_combined e on e.student_key = r.student_key and e.section_key = r.section_key
                   and r.due_date >= e.begin_date and r.due_date < e.end_date
                 where r.student_key = m.subject_key and r.is_expected and r.piece_start = m.piece_start and r.due_date <= date '{TUESDAY}') as n
              from measurements.fct_measurements m where m.measure_id = 'assignments_expected')
            where quantity <> n"""
    )
    assert old_week == 0
    empty = "select count(*) from measurements.fct_measurements where quantity = 0 and (measure_id like 'assignments%' or measure_id like 'days%')"
    assert district.query(empty) == [(0,)], "a count of nothing needs no row"
    dropped = students[0]
    assert _quantity(district, dropped, "assignments_expected")[START] >= 1, "A2 was due before the section was dropped"


def _table(roster: zipfile.ZipFile, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(roster.read(name).decode("utf-8-sig"))))


def test_the_nights_give_what_a_build_from_nothing_gives(story: tuple[TestDistrict, list[str], str], tmp_path: Path) -> None:
    district, _, section = story
    district = district.copy(tmp_path / "d")
    # the class moves to another school
    with _whole_roster(district) as roster:
        classes = _table(roster, "classes.csv")
        names = [row["propertyName"] for row in _table(roster, "manifest.csv") if row["propertyName"].startswith("file.")]
        schools = [row["sourcedId"] for row in _table(roster, "orgs.csv") if row["type"] == "school"]
        people = {row["sourcedId"]: row for row in _table(roster, "demographics.csv")}
    # and the only student with some combination of groups is corrected: nobody has that combination any more
    ((lonely,),) = district.query("""
        select min(student_key) from (select signature, min(student_key) as student_key from core.dim_student_versions
                                      group by signature having count(distinct student_key) = 1) where student_key in (
            select student_key from core.dim_student_versions group by student_key having count(*) = 1)""")
    corrected = people[lonely] | {"status": "active", "dateLastModified": f"{WEDNESDAY}T03:00:00.000Z"}
    corrected["sex"] = "male" if corrected["sex"] == "female" else "female"
    moved = next(row for row in classes if row["sourcedId"] == section)
    before = moved["schoolSourcedId"]
    after = next(s for s in schools if s != before)
    moved |= {"status": "active", "dateLastModified": f"{WEDNESDAY}T03:00:00.000Z", "schoolSourcedId": after}
    manifest = "propertyName,value\nmanifest.version,1.0\noneroster.version,1.2\n"
    manifest += "".join(f"{n},{'delta' if n in ('file.classes', 'file.demographics') else 'absent'}\n" for n in names)
    folder = district.landing / "oneroster" / str(WEDNESDAY)
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / "moved.zip", "w") as z:
        z.writestr("manifest.csv", manifest)
        for name, row in (("classes.csv", moved), ("demographics.csv", corrected)):
            delta = io.StringIO()
            writer = csv.DictWriter(delta, row)
            writer.writeheader()
            writer.writerow(row)
            z.writestr(name, delta.getvalue())
    district.run(WEDNESDAY)
    where = "select distinct school_key from core.fct_assignment_results where section_key like 'lms%'"
    assert story[0].query(where) == [(before,)]
    assert district.query(where) == [(after,)], "section L1 stands for the class"
    fresh = TestDistrict(tmp_path / "fresh")
    shutil.copytree(district.folder, fresh.folder, ignore=shutil.ignore_patterns("data"))
    fresh.run(WEDNESDAY, START)
    assert fresh.hashes() == district.hashes()


def forget(district: TestDistrict, mart: str) -> None:
    """Leave what is published as a version of the software that did not know the mart would have."""
    folder = (district.folder / "data/warehouse/current").resolve()
    for file in folder.iterdir():
        file.chmod(0o644)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["marts"] = [m for m in manifest["marts"] if m["name"] != mart]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with duckdb.connect(str(folder / "throughline.duckdb")) as db:
        db.execute(f"drop view marts.{mart}; drop table throughline_store.{mart}")


def test_a_higher_minimum_hides_what_is_published_already_held_rows_included(story: tuple[TestDistrict, list[str], str], tmp_path: Path) -> None:
    district = story[0].copy(tmp_path / "d")
    small = "select count(*) from marts.agg_indicator_values where n_subjects < 10"
    assert district.published(small) != [(0,)]
    forget(district, "rpt_indicator_profile_comparison")  # with everything published anew and something held, a mart may be new besides
    settings = district.folder / "district.toml"
    settings.write_text(settings.read_text().replace("min_n = 3", "min_n = 10"))
    bad = district.landing / "attendance" / f"attendance_{WEDNESDAY}.csv"
    bad.write_text("Student Number,School Number,Date,Modality\nS1,100,08/27/2025,in_person\n")
    outcome = district.run(WEDNESDAY)
    assert "attendance_rate" in {v["indicator_id"] for v in outcome.verdicts if v["verdict"] == "held"}
    assert district.published(small) == [(0,)]
    hidden = "select count(*) from marts.agg_indicator_values where indicator_id = 'attendance_rate' and suppression = 'primary'"
    assert district.published(f"{hidden} and coalesce(numerator, denominator, n_subjects, value, ci_low, ci_high) is not null") == [(0,)]
    assert district.published(hidden) != [(0,)]
    assert district.published("select count(*) from information_schema.tables where table_name = 'rpt_indicator_profile_comparison'") != [(0,)]


def test_a_night_leaves_views_as_they_are_and_makes_all_anew_where_one_is_gone(story: tuple[TestDistrict, list[str], str], tmp_path: Path) -> None:
    district = story[0].copy(tmp_path / "d")
    before = district.hashes()
    district.run(TUESDAY)
    made, is_whole = district.built()
    assert "fct_measurements" in made
    assert not STANDING & made
    assert not is_whole
    with duckdb.connect(str(district.build)) as db:
        db.execute("drop view staging.stg_extract__attendance")
    district.run(TUESDAY)
    assert district.built()[0] >= STANDING
    assert district.hashes() == before
