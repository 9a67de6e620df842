"""A district whose files somebody else made, read as they stand and published; every figure is counted again from the files with csv and json alone."""

from __future__ import annotations

import csv
import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from pipelines.nightly import Outcome
from tests.districts import pointed_at, run
from tests.indicators import WORK

LAST_DAY = date(2022, 5, 27)
SCHOOL = "255901001"
MIN_N = 10
YEAR_TO_DATE = "period_type = 'year_to_date' and group_family = 'all' and grade_level is null"
IDENTITY = ("StudentUniqueId", "FirstName", "LastSurname", "ElectronicMailAddress")
# What the code maps of this district say, written down again: answers by column that count, and those of them that are favorable.
FAVORABLE = {
    "Internet Access Type": ({"No Internet", "School Provided HotSpot", "High Internet Speed"}, {"School Provided HotSpot", "High Internet Speed"}),
    "Has computer at home": (
        {"No computer", "Shared computer", "School provided computer", "Dedicated computer"},
        {"School provided computer", "Dedicated computer"},
    ),
    "Has school email account": ({"Yes", "No"}, {"Yes"}),
    "Has school student account": ({"Yes", "No"}, {"Yes"}),
}


@dataclass(frozen=True)
class GrandBend:
    """The district after its one night, and the files that it was made from."""

    folder: Path
    files: Path
    outcome: Outcome

    def ask(self, sql: str, database: str = "warehouse/throughline.duckdb") -> list[tuple[Any, ...]]:
        """A question to a database as anybody with DuckDB would ask it."""
        with duckdb.connect(str(self.folder / "data" / database), read_only=True) as db:
            return db.execute(sql).fetchall()

    def figure(self, indicator: str, school_year: int, where: str = "school_id is null") -> tuple[Any, ...]:
        """Numerator, denominator, people, value and suppression of one year-to-date figure."""
        columns = "numerator, denominator, n_subjects, value, suppression"
        found = self.ask(
            f"select {columns} from marts.agg_indicator_values "
            f"where {YEAR_TO_DATE} and indicator_id = '{indicator}' and school_year = {school_year} and {where}"
        )
        assert len(found) == 1, f"{indicator} of {school_year} where {where}: {len(found)} figures"
        return found[0]

    def delivered(self, name: str) -> dict[str, Any]:
        """What the outcome says of one file."""
        (found,) = (d for d in self.outcome.deliveries if d["name"] == name)
        return found


@dataclass(frozen=True)
class Work:
    """One submission as the gradebook has it, with its assignment, its section's class and its student."""

    student: str
    section: str
    sis_section: str
    due: date
    status: str
    points: Decimal | None
    possible: Decimal


def rows(*paths: Path) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for path in paths:
        with path.open(newline="", encoding="utf-8-sig") as f:
            found += csv.DictReader(f)
    return found


@pytest.fixture(scope="module")
def grand_bend(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> GrandBend:
    files = shared_data / "grand-bend"
    folder = pointed_at(files, Path(__file__).parent / "grand_bend", tmp_path_factory.mktemp("conformance"))
    return GrandBend(folder, files, run(folder, LAST_DAY))


@pytest.fixture(scope="module")
def work(grand_bend: GrandBend) -> list[Work]:
    lms = grand_bend.files / "lms"
    students = {u["SourceSystemIdentifier"]: u["SISUserIdentifier"] for u in rows(*lms.glob("users/*.csv"))}
    sections = {s["SourceSystemIdentifier"]: s["SISSectionIdentifier"] for s in rows(*lms.glob("sections/*.csv"))}
    assignments = {a["SourceSystemIdentifier"]: a for a in rows(*lms.glob("section=*/assignments/*.csv"))}
    found = []
    for s in rows(*lms.glob("section=*/assignment=*/submissions/*.csv")):
        a = assignments[s["AssignmentSourceSystemIdentifier"]]
        section = a["LMSSectionSourceSystemIdentifier"]
        points = Decimal(s["EarnedPoints"]) if s["EarnedPoints"].strip() else None
        due = datetime.fromisoformat(a["DueDateTime"]).date()
        student = students[s["LMSUserSourceSystemIdentifier"]]
        found.append(Work(student, section, sections[section], due, s["SubmissionStatus"], points, Decimal(a["MaxPoints"])))
    return found


def roster_students(files: Path) -> set[str]:
    """Students of the roster: only lines as wide as the header say anything that can be relied on."""
    with (files / "oneroster-1.1/users.csv").open(newline="", encoding="utf-8-sig") as f:
        header, *lines = csv.reader(f)
    return {x[0] for x in lines if len(x) == len(header) and x[header.index("role")] == "student"}


def test_the_night_publishes_and_says_that_something_was_held_back(grand_bend: GrandBend) -> None:
    outcome = grand_bend.outcome
    assert outcome.exit_status == 3
    counts = outcome.rows
    assert counts["rows"] == counts["accepted"] + counts["quarantined"] + counts["superseded"] + counts["duplicate"]
    assert (counts["superseded"], counts["duplicate"]) == (0, 0)
    assert grand_bend.ask("select distinct data_as_of, quality_status from marts.agg_indicator_values") == [(LAST_DAY, "ok")]
    published = grand_bend.ask("select distinct indicator_id from marts.agg_indicator_values order by 1")
    assert {i for (i,) in published} == WORK | {"survey_favorable"}, "its questions are of no construct that the registry publishes"


def test_every_file_of_the_sources_is_taken_with_every_row(grand_bend: GrandBend) -> None:
    files = grand_bend.files
    expected = {p.relative_to(files).as_posix(): len(rows(p)) for p in files.glob("lms/**/*.csv")}
    expected |= {f"oneroster-1.1/{p.name}": len(rows(p)) for p in files.glob("oneroster-1.1/*.csv") if p.name != "manifest.csv"}
    expected["surveys/InternetAccessSurvey-Small.csv"] = len(rows(files / "surveys/InternetAccessSurvey-Small.csv"))
    events = files / "edfi/studentSchoolAttendanceEvent.jsonl"
    expected["edfi/studentSchoolAttendanceEvent.jsonl"] = len(events.read_text(encoding="utf-8").splitlines())
    assert {d["name"]: d["n_rows"] for d in grand_bend.outcome.deliveries} == expected


def test_the_gradebooks_figures_are_its_submissions(grand_bend: GrandBend, work: list[Work]) -> None:
    status = Counter(w.status for w in work)
    assert (len(work), status["Missing"], status["Late"]) == (901, 41, 146), "the files are not those that this test was written for"
    people = len({w.student for w in work})
    completion = grand_bend.figure("assignment_completion", 2022)
    assert completion[:3] == (901 - 41, 901, people)
    assert completion[3] == pytest.approx(860 / 901)
    assert grand_bend.figure("missing_work", 2022)[:3] == (41, 901, people)
    assert grand_bend.figure("on_time_work", 2022)[:3] == (901 - 41 - 146, 901, people)
    late = grand_bend.figure("late_work", 2022)
    assert late[:3] == (146, 901 - 41, people)
    assert late[3] == pytest.approx(146 / 860)


def test_weeks_months_and_terms_hold_the_work_of_their_due_dates(grand_bend: GrandBend, work: list[Work]) -> None:
    keys = {
        "week": lambda day: date.fromordinal(day.toordinal() - day.weekday()),
        "month": lambda day: day.replace(day=1),
        "term": lambda day: date(2021, 8, 23),  # all of it fell due in the fall
    }
    for period, start in keys.items():
        counted: dict[date, list[int]] = defaultdict(lambda: [0, 0])
        for w in work:
            counted[start(w.due)][0] += w.status != "Missing"
            counted[start(w.due)][1] += 1
        found = grand_bend.ask(
            f"select period_start, numerator::int, denominator::int from marts.agg_indicator_values where period_type = '{period}' "
            "and indicator_id = 'assignment_completion' and school_id is null and group_family = 'all' and grade_level is null"
        )
        assert {day: [n, d] for day, n, d in found} == dict(counted), period


def test_marks_come_from_points(grand_bend: GrandBend, work: list[Work]) -> None:
    earned: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    possible: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for w in work:
        if w.points is not None and w.possible > 0:
            earned[w.student, w.section] += w.points
            possible[w.student, w.section] += w.possible
    low = [key for key, points in earned.items() if points / possible[key] < Decimal("0.7")]
    assert low, "no mark of D or F: nothing would be tested"
    figure = grand_bend.figure("d_f_rate", 2022)
    assert figure[:3] == (len(low), len(earned), len({student for student, _ in earned}))


def test_the_school_of_a_section_comes_from_the_rosters_class(grand_bend: GrandBend, work: list[Work]) -> None:
    classes = {c["sourcedId"]: c["schoolSourcedId"] for c in rows(grand_bend.files / "oneroster-1.1/classes.csv")}
    by_school = Counter(classes.get(w.sis_section, "") for w in work)
    assert by_school == {SCHOOL: 901}, "the files are not those that this test was written for"
    found = grand_bend.ask(
        "select school_id, denominator::int, n_subjects from marts.agg_indicator_values "
        f"where {YEAR_TO_DATE} and school_id is not null and indicator_id = 'assignment_completion'"
    )
    assert found == [(SCHOOL, 901, 49)]


def test_a_student_whom_only_the_gradebook_knows_counts(grand_bend: GrandBend, work: list[Work]) -> None:
    counted: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for w in work:
        counted[w.student][0] += w.status != "Missing"
        counted[w.student][1] += 1
    found = grand_bend.ask(
        "select student_key, numerator::int, denominator::int from marts_restricted.fct_student_indicators "
        f"where period_type = 'year_to_date' and indicator_id = 'assignment_completion' and school_id = '{SCHOOL}'",
        "warehouse/restricted.duckdb",
    )
    assert {student: [n, d] for student, n, d in found} == dict(counted)
    unknown_to_the_roster = set(counted) - roster_students(grand_bend.files)
    assert len(unknown_to_the_roster) > MIN_N
    grade = grand_bend.ask(
        "select denominator::int, n_subjects from marts.agg_indicator_values where period_type = 'year_to_date' and group_family = 'all' "
        "and grade_level = 'unknown' and school_id is null and indicator_id = 'assignment_completion'"
    )
    assert grade == [(sum(counted[s][1] for s in unknown_to_the_roster), len(unknown_to_the_roster))]


def test_small_groups_are_hidden_and_no_others(grand_bend: GrandBend, work: list[Work]) -> None:
    sex = {d["sourcedId"]: d["sex"] for d in rows(grand_bend.files / "oneroster-1.1/demographics.csv")}
    students: dict[str, set[str]] = defaultdict(set)
    expected: Counter[str] = Counter()
    for w in work:
        group = sex.get(w.student, "unknown")
        students[group].add(w.student)
        expected[group] += 1
    found = grand_bend.ask(
        "select group_value, denominator::int, n_subjects, suppression from marts.agg_indicator_values where period_type = 'year_to_date' "
        "and group_family = 'gender' and school_id is null and grade_level is null and indicator_id = 'assignment_completion'"
    )
    shown = {g: (expected[g], len(some), "none") if len(some) >= MIN_N else (None, None, "primary") for g, some in students.items()}
    assert {g: tuple(rest) for g, *rest in found} == shown
    assert {s for _, _, s in shown.values()} == {"none", "primary"}, "both kinds must occur, or nothing is tested"
    leaking = "suppression <> 'none' and coalesce(numerator, denominator, n_subjects, value, ci_low, ci_high) is not null"
    assert grand_bend.ask(f"select count(*) from marts.agg_indicator_values where {leaking}") == [(0,)]
    hidden = grand_bend.ask("select count(*) from marts.agg_indicator_values where suppression = 'none' and (n_subjects < 10 or value is null)")
    assert hidden == [(0,)]


def test_the_surveys_answers(grand_bend: GrandBend) -> None:
    answers = rows(grand_bend.files / "surveys/InternetAccessSurvey-Small.csv")
    valid = sum(a[column].strip() in counts for a in answers for column, (counts, _) in FAVORABLE.items())
    favorable = sum(a[column].strip() in good for a in answers for column, (_, good) in FAVORABLE.items())
    assert (len(answers), valid) == (77, 77 * 4 - 22), "the files are not those that this test was written for"
    figure = grand_bend.figure("survey_favorable", 2020)
    assert figure[:3] == (favorable, valid, 77)
    assert figure[3] == pytest.approx(favorable / valid)


def test_the_survey_stays_anonymous(grand_bend: GrandBend) -> None:
    answers = rows(grand_bend.files / "surveys/InternetAccessSurvey-Small.csv")
    secrets = {a[column] for a in answers for column in IDENTITY}
    (raw,) = (grand_bend.folder / "data/raw/survey__answers").rglob("*.parquet")
    table = pq.read_table(raw, partitioning=None)
    assert not set(IDENTITY) & set(table.column_names)
    kept = {value for column in table.column_names for value in table.column(column).to_pylist()}
    assert not kept & secrets
    assert grand_bend.ask("select count(*) from measurements.fct_measurements where subject_type = 'response'", "build/build.duckdb")[0][0] > 0
    subjects = grand_bend.ask("select distinct subject_key from measurements.fct_measurements where subject_type = 'response'", "build/build.duckdb")
    assert len(subjects) == 77
    assert not [s for (s,) in subjects if any(secret in s for secret in secrets)]
    said = grand_bend.delivered("surveys/InternetAccessSurvey-Small.csv")["warnings"]
    assert any(w.startswith("redacted:") and all(column in w for column in IDENTITY) for w in said)


def test_ragged_roster_lines_are_set_aside_with_the_reason(grand_bend: GrandBend) -> None:
    ragged: dict[tuple[str, int], str] = {}
    for path in (grand_bend.files / "oneroster-1.1").glob("*.csv"):
        with path.open(newline="", encoding="utf-8-sig") as f:
            header, *lines = csv.reader(f)
        for number, line in enumerate(lines, start=2):
            if len(line) != len(header):
                ragged[path.stem, number] = f"{len(line)} cells where the header has {len(header)}"
    assert sorted(ragged) == [("users", 10), ("users", 11)], "the files are not those that this test was written for"
    tables = grand_bend.ask("select table_name from information_schema.tables where table_schema = 'quarantine'", "build/build.duckdb")
    found = {}
    for (table,) in tables:
        for file, line, rule, defect in grand_bend.ask(f"select _file, _line, _rule, _defect from quarantine.{table}", "build/build.duckdb"):
            found[Path(file).stem, line] = (rule, defect)
    assert set(found) == set(ragged)
    for place, (rule, defect) in found.items():
        assert rule == "well_formed_line"
        assert defect.startswith(ragged[place])
    users = grand_bend.delivered("oneroster-1.1/users.csv")
    assert (users["n_rows"], users["n_accepted"], users["n_quarantined"]) == (10, 8, 2)
    assert any(w.startswith("defects: 2 of 10 lines") for w in users["warnings"])


def test_the_wrong_manifest_version_is_a_named_warning(grand_bend: GrandBend) -> None:
    manifest = {r["propertyName"]: r["value"] for r in rows(grand_bend.files / "oneroster-1.1/manifest.csv")}
    warning = f"manifest_version_wrong: manifest.version is '{manifest['manifest.version']}', should be '1.0'"
    package = [d for d in grand_bend.outcome.deliveries if d["name"].startswith("oneroster-1.1/")]
    assert len(package) == 7
    assert all(warning in d["warnings"] for d in package)
    published = grand_bend.ask("select count(*) from operations.deliveries where contains(warnings, 'manifest_version_wrong')")
    assert published == [(7,)]


def test_attendance_without_enrollment_is_held_back_whole_and_says_why(grand_bend: GrandBend) -> None:
    """There are no enrollment records for 2021-22 and most students are not in the roster: no event has a denominator, and none may become one."""
    path = grand_bend.files / "edfi/studentSchoolAttendanceEvent.jsonl"
    events = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    students = [e["studentReference"]["studentUniqueId"] for e in events]
    schools = {o["sourcedId"] for o in rows(grand_bend.files / "oneroster-1.1/orgs.csv")}
    keys = Counter((s, e["schoolReference"]["schoolId"], e["eventDate"]) for s, e in zip(students, events, strict=True))
    enrolled = [e for e in rows(grand_bend.files / "oneroster-1.1/enrollments.csv") if e["role"] == "student"]

    def is_enrolled(event: dict[str, Any]) -> bool:
        person, school, day = event["studentReference"]["studentUniqueId"], event["schoolReference"]["schoolId"], event["eventDate"]
        return any(e["userSourcedId"] == person and e["schoolSourcedId"] == school and e["beginDate"] <= day < e["endDate"] for e in enrolled)

    roster = roster_students(grand_bend.files)
    expected = {
        "student_is_known": sum(s not in roster for s in students),
        "school_is_known": sum(e["schoolReference"]["schoolId"] not in schools for e in events),
        "inside_enrollment": sum(not is_enrolled(e) for e in events),
        "one_row_per_key": sum(n for n in keys.values() if n > 1),
        "mostly_bad_rows": 1,
    }
    assert (len(events), expected["inside_enrollment"]) == (1917, 1917), "the files are not those that this test was written for"
    failed = grand_bend.ask("select check_id, n_unexpected from operations.checks where subject = 'extract__attendance' and not passed")
    assert dict(failed) == expected, "an event was set aside for another reason than the true one"

    delivery = grand_bend.delivered("edfi/studentSchoolAttendanceEvent.jsonl")
    assert delivery["n_accepted"] + delivery["n_quarantined"] == 1917
    assert (delivery["status"], delivery["n_accepted"]) == ("blocked", 0)
    assert delivery["why"].startswith("edfi/studentSchoolAttendanceEvent.jsonl: More than half of the rows break a rule")
    assert "release it with a reason" in delivery["why"]
    assert grand_bend.ask("select count(*) from held.extract__attendance", "build/build.duckdb") == [(0,)]
