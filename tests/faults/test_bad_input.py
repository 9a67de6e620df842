"""Bad input through the whole of a night: the file is named with what to do, the last good figures stay, the rest goes out, the right file mends it.

Four nights carry the bad files between them, each beside others that do not disturb it; the night after, every right file comes under its own name.
"""

from __future__ import annotations

import csv
import io
import re
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipelines.nightly import Outcome
from tests.districts import START, TestDistrict, make_district
from tests.indicators import SURVEY as SURVEYED
from tests.indicators import UNSENT
from tests.indicators import WORK as WORK_INDICATORS
from tests.landing import zipped

BEFORE, BAD, MENDED = date(2025, 8, 29), date(2025, 9, 2), date(2025, 9, 3)  # after Labor Day: a night with the whole roster
ATTENDANCE = "attendance/attendance_2025-09-02.csv"
CORRECTIONS = "attendance/corrections_2025-09-02.csv"
PROGRAMS = "programs/programs_2025-09-02.csv"
SURVEY_INDICATORS = SURVEYED - UNSENT
SURVEY = "survey/pulse_w1_2025-09-02.csv"  # the form's answers so far, exported once more
ROSTER = "oneroster/2025-09-02/oneroster.zip"
MARKS = "oneroster/2025-09-02/gradebook.zip"
LATE_MARKS = "oneroster/2025-09-02/late.zip"
ATTENDANCE_INDICATORS = {"attendance_rate", "chronic_absence"}
FRESHNESS = "data_as_of, quality_status, maturity_days"
KEPT_TABLES = {
    **{f"oneroster__{name}": "sourced_id" for name in ("users", "roles", "enrollments", "results")},
    "extract__attendance": "student_id, school_id, attendance_date",
    "survey__answers": "response_id, item_title, answer",
}


def figures(district: TestDistrict, indicator: str) -> set[tuple[Any, ...]]:
    """All published rows of an indicator, but for the columns that say how fresh they are."""
    return set(district.published(f"select * exclude ({FRESHNESS}) from marts.agg_indicator_values where indicator_id = '{indicator}'"))


def freshness(district: TestDistrict, indicator: str) -> set[tuple[Any, ...]]:
    return set(district.published(f"select distinct data_as_of, quality_status from marts.agg_indicator_values where indicator_id = '{indicator}'"))


def denominator(district: TestDistrict, indicator: str) -> int:
    """Of the district's figure for the year to date."""
    where = "school_id is null and grade_level is null and group_family = 'all' and period_type = 'year_to_date'"
    ((n,),) = district.published(f"select denominator::int from marts.agg_indicator_values where indicator_id = '{indicator}' and {where}")
    return int(n)


def still_true(district: TestDistrict) -> dict[str, set[tuple[Any, ...]]]:
    """The keys that the last good version of each table says are true."""
    where = "_is_open and _withdrawn_on is null"
    return {t: set(district.query(f"select {columns} from held.{t} where {where}")) for t, columns in KEPT_TABLES.items()}


@dataclass(frozen=True)
class Nights:
    """A district before, at and after a night with bad files. `right` are the files that should have come, by name."""

    district: TestDistrict
    right: dict[str, bytes]
    at: TestDistrict  # as it stood after the bad night
    bad: Outcome
    mended: Outcome

    def stopped(self, name: str) -> str:
        """Why the file of this name was stopped, as the outcome has it. Fails unless it was stopped whole."""
        found = [d for d in self.bad.deliveries if d["name"] == name]
        assert [d["status"] in ("blocked", "unreadable") for d in found] == [True], f"{name} was not stopped: {found}"
        assert (found[0]["n_accepted"], found[0]["n_quarantined"]) == (0, found[0]["n_rows"]), "rows in are not accounted for"
        why = str(found[0]["why"])
        assert why.startswith(name), f"the message does not begin with the file: {why}"
        return why

    def assert_held(self, name: str, indicators: set[str], before: TestDistrict) -> None:
        """The file is why these indicators are held, and their last good figures stay in sight with a word on it."""
        for indicator in indicators:
            verdicts = [v for v in self.bad.verdicts if v["indicator_id"] == indicator and v["verdict"] == "held" and not v["school_id"]]
            assert verdicts, f"{indicator} was not held back though {name} was stopped"
            assert all(name in v["why"] for v in verdicts), f"{indicator} is held, but {name} is not named: {verdicts}"
            assert figures(self.at, indicator) == figures(before, indicator), f"{indicator} changed though it was held back"
            ((as_of, status),) = freshness(self.at, indicator)
            assert as_of == BEFORE
            assert status.startswith(f"held since {BEFORE}: ")

    def assert_published(self, indicators: set[str]) -> None:
        for indicator in indicators:
            assert {as_of for as_of, _ in freshness(self.at, indicator)} == {BAD}, f"{indicator} did not go out"
            assert not [v for v in self.bad.verdicts if v["indicator_id"] == indicator and v["verdict"] == "held"]

    def quarantined(self, table: str, name: str) -> list[tuple[int, str]]:
        """Lines of a file in quarantine after the bad night, with the rule."""
        return [(int(n), str(r)) for n, r in self.at.query(f"select _line, _rule from quarantine.{table} where _file = '{name}' order by all")]


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> TestDistrict:
    """Ten school days published, with the files of two more lying ready."""
    district = make_district(tmp_path_factory.mktemp("bad-input") / "before", students=150, days=12, seed=11)
    split_marks(district.landing)
    assert district.run(BEFORE, START).exit_status == 0
    return district


@pytest.fixture(scope="module")
def without_faults(before: TestDistrict) -> TestDistrict:
    """The same two nights with nothing wrong: what every mended district must come to."""
    district = before.copy(before.folder.parent / "without-faults")
    assert district.run(MENDED, BAD).exit_status == 0
    return district


def split_marks(landing: Path) -> None:
    """Half of the night's results come in a package of their own."""
    files = read_zip((landing / MARKS).read_bytes())
    header, *lines = files["results.csv"].splitlines(keepends=True)
    half = len(lines) // 2
    late = {"manifest.csv": files["manifest.csv"].replace("file.lineItems,delta", "file.lineItems,absent"), "results.csv": header + "".join(lines[half:])}
    (landing / MARKS).write_bytes(zipped(files | {"results.csv": header + "".join(lines[:half])}))
    (landing / LATE_MARKS).write_bytes(zipped(late))


def read_zip(content: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {i.filename: archive.read(i).decode("utf-8") for i in archive.infolist()}


def table_of(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8"))))


def as_csv(rows: list[list[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode("utf-8")


def next_year(content: bytes) -> bytes:
    """The roster of the year to come: every date a year later, and no assignments yet."""
    files = read_zip(content)
    for name in ("academicSessions.csv", "roles.csv", "enrollments.csv"):
        files[name] = re.sub(r"\b20(\d\d)-", lambda m: f"20{int(m[1]) + 1}-", files[name])
    del files["lineItems.csv"]
    files["manifest.csv"] = files["manifest.csv"].replace("file.lineItems,bulk", "file.lineItems,absent")
    return zipped(files)


@contextmanager
def being_written(path: Path, right: bytes) -> Iterator[None]:
    """The file grows as long as the block lasts."""
    lines = right.splitlines(keepends=True)
    stop = threading.Event()

    def write() -> None:
        with path.open("ab") as f:
            while not stop.is_set():
                f.write(lines[-1])
                f.flush()
                time.sleep(0.05)

    path.write_bytes(lines[0])
    writing = threading.Thread(target=write)
    writing.start()
    try:
        yield
    finally:
        stop.set()
        writing.join()


def nights(before: TestDistrict, name: str, spoil: Callable[[dict[str, bytes]], dict[str, bytes]], growing: str = "") -> Nights:
    """Run the bad night on a copy, keep how it left the district, and run the next night with the right files under the same names."""
    district = before.copy(before.folder.parent / name)
    landing = district.landing
    right = {n: (landing / n).read_bytes() for n in (ATTENDANCE, CORRECTIONS, PROGRAMS, ROSTER, MARKS, LATE_MARKS)}
    (wave,) = landing.glob("survey/pulse_w1_*.csv")
    right[SURVEY] = wave.read_bytes()
    bad = spoil(right)
    for file, content in bad.items():
        assert content != right[file]
        (landing / file).write_bytes(content)
    if growing:
        with being_written(landing / growing, right[growing]):
            outcome = district.run(BAD)
    else:
        outcome = district.run(BAD)
    for file, content in bad.items():
        assert (landing / file).read_bytes() == content, "the landing folder was written to"
    at = district.copy(before.folder.parent / f"{name}-at")
    mend = {file: right[file] for file in (*bad, *([growing] if growing else []))}
    for file, content in mend.items():
        (landing / file).write_bytes(content)
    return Nights(district, mend, at, outcome, district.run(MENDED))


@pytest.fixture(scope="module")
def first(before: TestDistrict) -> Nights:
    """An attendance file of nothing, a survey with a question twice, corrections that are still being written."""

    def spoil(right: dict[str, bytes]) -> dict[str, bytes]:
        survey = table_of(right[SURVEY])
        survey[0][-1] = survey[0][-2]
        return {ATTENDANCE: b"", SURVEY: as_csv(survey)}

    return nights(before, "first", spoil, growing=CORRECTIONS)


@pytest.fixture(scope="module")
def second(before: TestDistrict) -> Nights:
    """An attendance file without its codes, a survey written in another encoding."""

    def spoil(right: dict[str, bytes]) -> dict[str, bytes]:
        code = table_of(right[ATTENDANCE])[0].index("Code")
        survey = table_of(right[SURVEY])
        survey[3][-1] = "Más o menos"
        return {
            ATTENDANCE: as_csv([row[:code] + row[code + 1 :] for row in table_of(right[ATTENDANCE])]),
            SURVEY: as_csv(survey).decode("utf-8").encode("cp1252"),
        }

    return nights(before, "second", spoil)


@pytest.fixture(scope="module")
def third(before: TestDistrict) -> Nights:
    """Next year's roster, a gradebook cut short, late marks with a name that points outside, attendance of a year ago."""

    def spoil(right: dict[str, bytes]) -> dict[str, bytes]:
        late = read_zip(right[LATE_MARKS])
        return {
            ROSTER: next_year(right[ROSTER]),
            MARKS: right[MARKS][: len(right[MARKS]) * 3 // 5],
            LATE_MARKS: zipped(late | {"../results.csv": late["results.csv"]}),
            ATTENDANCE: right[ATTENDANCE].replace(b"09/02/2025", b"09/02/2024"),
        }

    return nights(before, "third", spoil)


@pytest.fixture(scope="module")
def fourth(before: TestDistrict) -> Nights:
    """One attendance row with a code that nobody mapped, and one dated in another century's year."""

    def spoil(right: dict[str, bytes]) -> dict[str, bytes]:
        rows = table_of(right[ATTENDANCE])
        rows[5][3] = "Q"  # line 6
        rows[9][2] = "09/02/2052"  # line 10
        return {ATTENDANCE: as_csv(rows)}

    return nights(before, "fourth", spoil)


def test_an_empty_file(first: Nights, before: TestDistrict) -> None:
    assert first.bad.exit_status == 3
    assert first.stopped(ATTENDANCE) == f"{ATTENDANCE}: is empty (0 bytes); ask for it to be sent again"
    first.assert_held(ATTENDANCE, ATTENDANCE_INDICATORS, before)
    first.assert_published(WORK_INDICATORS)
    assert denominator(first.at, "assignment_completion") > denominator(before, "assignment_completion")


def test_a_duplicated_header(first: Nights, before: TestDistrict) -> None:
    assert first.bad.exit_status == 3
    why = first.stopped(SURVEY)
    assert why.startswith(f"{SURVEY}, line 1: the header names a column twice: ")
    assert "is column 8 and column 9; name each column once" in why
    first.assert_held(SURVEY, SURVEY_INDICATORS, before)
    first.assert_published(WORK_INDICATORS)


def test_a_file_that_is_still_being_written(first: Nights) -> None:
    assert first.bad.exit_status == 3
    assert [w["name"] for w in first.bad.waiting] == [CORRECTIONS]
    assert "still being written; it is taken with the next run" in first.bad.waiting[0]["why"]
    assert CORRECTIONS not in [d["name"] for d in first.bad.deliveries]
    assert first.mended.waiting == ()
    (taken,) = (d for d in first.mended.deliveries if d["name"] == CORRECTIONS)
    assert taken["status"] == "accepted"
    assert taken["n_rows"] == len(table_of(first.right[CORRECTIONS])) - 1


def test_a_missing_column(second: Nights, before: TestDistrict) -> None:
    assert second.bad.exit_status == 3
    why = second.stopped(ATTENDANCE)
    assert "The file has no column 'Code'" in why
    assert "set columns.attendance_code of source attendance in district.toml" in why
    second.assert_held(ATTENDANCE, ATTENDANCE_INDICATORS, before)
    second.assert_published(WORK_INDICATORS)


def test_a_wrong_encoding(second: Nights, before: TestDistrict) -> None:
    assert second.bad.exit_status == 3
    why = second.stopped(SURVEY)
    assert why.startswith(f"{SURVEY}, line 4: byte 0xE1 is not utf-8")
    assert "set encoding of source pulse_w1 in district.toml" in why
    second.assert_held(SURVEY, SURVEY_INDICATORS, before)
    second.assert_published(WORK_INDICATORS)


def test_a_truncated_zip(third: Nights, before: TestDistrict) -> None:
    assert third.bad.exit_status == 3
    why = third.stopped(MARKS)
    assert "is a zip that is cut short or damaged" in why
    assert why.endswith("ask for it to be sent again")
    third.assert_held(MARKS, WORK_INDICATORS, before)
    third.assert_published(SURVEY_INDICATORS)


def test_a_zip_with_names_that_point_elsewhere(third: Nights, before: TestDistrict) -> None:
    assert third.bad.exit_status == 3
    why = third.stopped(LATE_MARKS)
    assert "entry '../results.csv': its name points outside the package" in why
    assert why.endswith("do not open this file, ask its sender about it")
    third.assert_held(LATE_MARKS, WORK_INDICATORS, before)
    third.assert_published(SURVEY_INDICATORS)
    outside = [p for p in third.at.folder.parent.rglob("results.csv") if p.is_file()]
    assert outside == [], "the entry was written somewhere"


def test_next_years_roster_in_place_of_this_years(third: Nights, before: TestDistrict) -> None:
    assert third.bad.exit_status == 3
    for file in ("academicSessions", "roles"):
        why = third.stopped(f"{ROSTER}!{file}.csv")
        assert "Send the roster of the year that is under way" in why
    package = [d for d in third.bad.deliveries if d["name"].startswith(f"{ROSTER}!")]
    assert len(package) == 9
    assert {d["n_accepted"] for d in package} == {0}, "a package is one snapshot: none of it may be taken"
    third.assert_held(f"{ROSTER}!roles.csv", ATTENDANCE_INDICATORS | WORK_INDICATORS, before)
    third.assert_published(SURVEY_INDICATORS)
    assert figures(third.at, "survey_favorable") == figures(before, "survey_favorable")


def test_a_file_of_the_wrong_year(third: Nights, before: TestDistrict) -> None:
    assert third.bad.exit_status == 3
    why = third.stopped(ATTENDANCE)
    assert "More than half of the rows break a rule" in why
    assert "have the file sent again, or release it with a reason" in why
    third.assert_held(ATTENDANCE, ATTENDANCE_INDICATORS, before)
    wrong = "select n_unexpected from operations.checks where not passed and subject = 'extract__attendance' and check_id = 'date_is_in_a_school_year'"
    assert third.at.published(wrong) == [(len(table_of(third.right[ATTENDANCE])) - 1,)]


def test_a_date_in_the_wrong_year(fourth: Nights) -> None:
    assert fourth.bad.exit_status == 3
    assert (10, "date_is_in_a_school_year") in fourth.quarantined("extract__attendance", ATTENDANCE)
    _assert_the_rest_of_the_day_counts(fourth)


def test_an_unknown_code(fourth: Nights) -> None:
    assert fourth.bad.exit_status == 3
    assert (6, "code_is_mapped") in fourth.quarantined("extract__attendance", ATTENDANCE)
    _assert_the_rest_of_the_day_counts(fourth)


def _assert_the_rest_of_the_day_counts(fourth: Nights) -> None:
    """The two bad rows and no others are set aside, in no figure, and everything goes out."""
    assert len(fourth.quarantined("extract__attendance", ATTENDANCE)) == 2
    (taken,) = (d for d in fourth.bad.deliveries if d["name"] == ATTENDANCE)
    n = len(table_of(fourth.right[ATTENDANCE])) - 1
    assert (taken["n_rows"], taken["n_accepted"], taken["n_quarantined"]) == (n, n - 2, 2)
    fourth.assert_published(ATTENDANCE_INDICATORS | WORK_INDICATORS | SURVEY_INDICATORS)
    day = "select count(*) from core.fct_attendance_days where attendance_date = '2025-09-02'"
    assert fourth.at.query(day) == [(n - 2,)]
    week = "period_type = 'week' and period_start = '2025-09-01' and school_id is null and grade_level is null and group_family = 'all'"
    figure = f"select denominator::int from marts.agg_indicator_values where indicator_id = 'attendance_rate' and {week}"
    assert fourth.at.published(figure) == [(n - 2,)]


@pytest.mark.parametrize("which", ["first", "second", "third", "fourth"])
def test_nothing_that_was_good_is_lost(which: str, before: TestDistrict, request: pytest.FixtureRequest) -> None:
    night: Nights = request.getfixturevalue(which)
    was, now = still_true(before), still_true(night.at)
    assert all(was.values()), "nothing was there to be lost"
    for table in KEPT_TABLES:
        gone = was[table] - now[table]
        if table in ("oneroster__roles", "oneroster__enrollments") and which != "third":
            gone = set()  # with the right roster of that night students do leave, and change class
        assert gone == set(), f"{table}: {len(gone)} good rows were closed by a bad night"
    remembered = night.at.published("select name from operations.deliveries where status in ('blocked', 'unreadable')")
    assert {d["name"] for d in night.bad.deliveries if d["status"] in ("blocked", "unreadable")} == {name for (name,) in remembered}


@pytest.mark.parametrize("which", ["first", "second", "third", "fourth"])
def test_the_right_files_mend_it_by_themselves(which: str, without_faults: TestDistrict, request: pytest.FixtureRequest) -> None:
    night: Nights = request.getfixturevalue(which)
    assert [v for v in night.mended.verdicts if v["verdict"] == "held"] == []
    assert night.mended.exit_status == 0
    assert night.district.hashes() == without_faults.hashes(), "the figures are not those of a district in which nothing went wrong"
