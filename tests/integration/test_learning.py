"""Levels behind, gained and caught up, proficiency and evidence through the real job: a small district whose results are drawn at random, over nights with
corrections, against `tests/learning_oracle.py`. Every person is made up.
"""

from __future__ import annotations

import random
import shutil
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.lineage.graph import registry
from pipelines.lineage.ledger import Ledger
from pipelines.lineage.trace import find_figure, trace
from tests.districts import TestDistrict
from tests.extract_files import POSITIVE, put, write_settings
from tests.learning_oracle import Flag, Learning, Result, Student

YEAR = (date(2025, 9, 1), date(2026, 6, 12))  # 284 days from the first to the last
FIRST, SECOND, THIRD = date(2025, 9, 2), date(2025, 12, 10), date(2025, 12, 12)
EVIDENCE_DAYS = 29
SETTINGS = f"""\
[district]
id = "fern-hollow"
name = "Fern Hollow"

[[school_years]]
year = 2026
start = {YEAR[0]}
end = {YEAR[1]}
terms = [{{ id = "S1", name = "Fall", start = 2025-09-01, end = 2025-11-28 }}, {{ id = "S2", name = "Spring", start = 2025-12-01, end = 2026-06-12 }}]

[learning]
evidence_days = {EVIDENCE_DAYS}
{POSITIVE}"""
TABLES = {
    "schools": ("school_id", "school_name"),
    "students": ("student_id", "grade_level"),
    "enrollments": ("student_id", "school_id", "entry_date", "exit_date", "grade_level"),
    "calendar": ("school_id", "calendar_date", "day_type"),
    "assessments": ("student_id", "assessment_id", "administered_on", "subject", "performance_level", "level_number"),
}
KINDS = {
    ("growth", "Math"): ("mathematics", "interim"), ("growth", "Rdg"): ("reading", "interim"), ("adaptive", "Math"): ("mathematics", "formative"),
    ("quick", "Math"): ("mathematics", "formative"), ("quick", "Rdg"): ("reading", "formative"), ("state-math", ""): ("mathematics", "summative"),
    ("state-ela", "ELA"): ("reading", "summative"),
}  # fmt: skip
LEVELS = {
    (a, s, f"{g:02d}"): (Fraction(g), Fraction(g + 1)) for a, s in (("growth", "Math"), ("growth", "Rdg"), ("adaptive", "Math")) for g in (3, 4, 5)
}  # of grade 6 nothing is expected
PROFICIENT = {"Met": True, "Not yet": False}
CODES = {
    "calendar_codes": "code,is_instructional\nSCH,true\n",
    "grade_levels": "code,grade_level\n3,03\n4,04\n5,05\n6,06\n",
    "assessment_kinds": "assessment_id,subject,learning_area,kind\n" + "".join(f"{a},{s},{area.title()},{k.title()}\n" for (a, s), (area, k) in KINDS.items()),
    "learning_levels": "assessment_id,subject,grade_level,start_level,end_level\n"
    + "".join(f"{a},{s},{g},{float(low)},{float(high)}\n" for (a, s, g), (low, high) in LEVELS.items()),
    "performance_levels": "assessment_id,performance_level,level_number,is_proficient\n"
    + "".join(f"{a},{word},{3 if good else 1},{good}\n" for a in ("quick", "state-math", "state-ela") for word, good in PROFICIENT.items()),
}
DAYS = [YEAR[0], date(2025, 9, 8), date(2025, 10, 6), date(2025, 11, 10), SECOND - timedelta(EVIDENCE_DAYS), SECOND - timedelta(EVIDENCE_DAYS - 1), SECOND]
Key = tuple[str, str, date, str]  # student, assessment, day, subject


@dataclass
class FernHollow:
    """What its files say. Of every four students one each is in grades 3 to 6; every ninth moved, every tenth left, some came late or came back."""

    folder: Path
    results: dict[Key, str] = field(default_factory=dict)  # a level's number, or its name
    last_school_day: date = date(2025, 12, 26)

    @property
    def students(self) -> dict[str, Student]:
        found: dict[str, Student] = {}
        never = date(9999, 12, 31)
        for n in range(72):
            here, there = ("K", "L") if n % 2 else ("L", "K")
            stays = [(here, YEAR[0], never)]
            if n % 9 == 1:
                stays = [(here, YEAR[0], date(2025, 10, 7)), (there, date(2025, 10, 7), never)]
            elif n % 10 == 2:
                stays = [(here, YEAR[0], date(2025, 11, 20))]
            elif n % 12 == 5:
                stays = [(here, SECOND - timedelta(EVIDENCE_DAYS - n // 12 % 2), never)]
            elif n % 12 == 10:
                back = SECOND - timedelta(EVIDENCE_DAYS - n // 12 % 2)
                stays = [(here, YEAR[0], date(2025, 9, 15)), (here, back, never)]
            found[f"p{n:02d}"] = (f"{3 + n % 4:02d}", stays)
        return found

    def draw(self, seed: int) -> None:
        rng = random.Random(seed)
        for n, (student, (grade, stays)) in enumerate(self.students.items()):
            if n % 7 == 6:
                continue  # of whom there is no result
            level = int(grade) - rng.choice([0, 0, 1, 2, 3])
            for on in DAYS:
                is_there = any(begin <= on < end for _, begin, end in stays)
                for assessment, subject in KINDS:
                    if is_there and rng.random() < (0.3 if n % 5 else 0.12):
                        if assessment in ("growth", "adaptive"):
                            gained = rng.choice(["0", "0.25", "0.5", "1", "1.125", "2", "2.5"])
                            self.results[student, assessment, on, subject] = str(float(level + Fraction(gained)))
                        else:
                            self.results[student, assessment, on, subject] = rng.choice(list(PROFICIENT))

    def plant(self, student: str, *levels: tuple[date, str], assessment: str = "growth", subject: str = "Math") -> None:
        """These levels, and nothing else of the student in the area."""
        area = KINDS[assessment, subject][0]
        self.results = {k: v for k, v in self.results.items() if k[0] != student or KINDS[k[1], k[3]][0] != area}
        self.results |= {(student, assessment, on, subject): level for on, level in levels}

    def learning(self, as_of: date) -> Learning:
        results = [
            Result(s, a, on, subject, Fraction(said) if said not in PROFICIENT else Fraction(3 if PROFICIENT[said] else 1), PROFICIENT.get(said))
            for (s, a, on, subject), said in self.results.items()
        ]
        return Learning(self.students, results, KINDS, LEVELS, YEAR, EVIDENCE_DAYS, as_of, self.last_school_day)

    # ---- its files ----

    def settings(self) -> None:
        write_settings(self.folder, SETTINGS, TABLES, CODES)

    def put(self, table: str, day: date, rows: list[tuple[Any, ...]]) -> None:
        put(self.folder, table, TABLES[table], day, rows)

    def put_base(self) -> None:
        self.put("schools", FIRST, [("K", "Kestrel Elementary"), ("L", "Lark Elementary")])
        self.put("students", FIRST, [(s, grade.lstrip("0")) for s, (grade, _) in self.students.items()])
        stays = [(s, school, begin, "" if end.year == 9999 else end, grade.lstrip("0"))
                 for s, (grade, all_of_them) in self.students.items() for school, begin, end in all_of_them]  # fmt: skip
        self.put("enrollments", FIRST, stays)
        self.put_calendar(FIRST)

    def put_calendar(self, day: date) -> None:
        n_days = (self.last_school_day - YEAR[0]).days + 1
        self.put("calendar", day, [(school, YEAR[0] + timedelta(n), "SCH") for school in "KL" for n in range(n_days) if n % 7 < 5])

    def put_results(self, day: date) -> None:
        self.put("assessments", day, [(s, a, on, subject, said if said in PROFICIENT else "", "" if said in PROFICIENT else said)
                                      for (s, a, on, subject), said in self.results.items() if on <= day])  # fmt: skip


NEW = {i["indicator_id"] for i in registry("indicators") if i["denominator_measure"] in {
    m["measure_id"] for m in registry("measures") if m["model"] == "msr_assessments"}}  # fmt: skip
SOME = "(" + ", ".join(f"'{i}'" for i in sorted(NEW)) + ")"
# by student: results of mathematics, each on a line or beside it; p00, p04 ... are in grade 3, p01, p05 ... in grade 4
START, QUARTER = YEAR[0], date(2025, 11, 11)  # the 71st of 284 days
PLANTED = {
    "p24": [(START, "1")], "p28": [(START, "1.001")], "p36": [(START, "0.999")],  # two levels behind three, less and more
    "p40": [(QUARTER, "1.25")], "p44": [(QUARTER, "1.251")], "p48": [(SECOND, "1.353")], "p60": [(SECOND, "1.352")],  # behind 3.25; behind 3 and 100 of 284
    "p25": [(START, "2"), (SECOND, "4")], "p33": [(START, "2"), (SECOND, "3.999")], "p45": [(START, "2"), (SECOND, "4.001")],  # two levels gained
    "p49": [(START, "3"), (QUARTER, "3.25")], "p57": [(START, "3"), (QUARTER, "3.251")], "p61": [(START, "3.001"), (QUARTER, "4")],  # a gap of one level
    "p69": [(START, "3"), (QUARTER, "2.5")],  # and one that fell
    "p34": [(START, "5")], "p70": [(START, "5")],  # back as long ago as evidence is waited for, and a day later
    "p64": [(QUARTER + timedelta(1), "3")], "p68": [(QUARTER - timedelta(1), "3")],  # the quarter is as long ago as evidence is waited for
}  # fmt: skip
# and of reading: from START to QUARTER is a quarter of the year, so that four times what was gained by then would be gained by its end
PACED = START + timedelta(60)
READING = {
    "p25": [(START, "4"), (QUARTER, "4.125")], "p33": [(START, "4"), (QUARTER, "4.126")],  # half a level short of five at the end, and less
    "p45": [(START, "4"), (QUARTER, "4.5")], "p49": [(START, "4"), (QUARTER, "4.499")],  # a level above five, and less
    "p09": [(START, "4"), (PACED, "4")], "p13": [(START, "4"), (PACED - timedelta(1), "4")],  # 60 days apart, and 59
    "p57": [(START, "4.5"), (QUARTER, "4.25")],  # a level that fell goes on falling
}  # fmt: skip


def rows_of(district: TestDistrict) -> dict[tuple[str, str], dict[str, Flag]]:
    built: dict[tuple[str, str], dict[str, Flag]] = defaultdict(dict)
    for i, p, s, n, d, flag in district.query(
        "select indicator_id, profile_id, student_key, numerator::double, denominator::double, flag from marts.fct_student_indicators "
        f"where school_id is null and indicator_id in {SOME}"
    ):
        built[i, p][s] = (n, d, flag)
    return dict(built)


def assert_learning(fern: FernHollow, district: TestDistrict, as_of: date) -> None:
    """Every student's row of the district, and every cell of all students, are those of the files."""
    learning = fern.learning(as_of)
    built, expected = rows_of(district), learning.flags()
    assert set(built) == set(expected)
    for key, rows in expected.items():
        assert built[key] == rows, (key, {s: (built[key].get(s), rows.get(s)) for s in set(rows) | set(built[key]) if built[key].get(s) != rows.get(s)})
    cells = district.query(
        "select indicator_id, coalesce(school_id, ''), coalesce(grade_level, ''), numerator::double, denominator::bigint from marts.agg_indicator_values "
        f"where group_family = 'all' and indicator_id in {SOME}"
    )
    assert sorted(cells) == sorted(learning.cells().itertuples(index=False, name=None))


def assert_exceptions(fern: FernHollow, district: TestDistrict, as_of: date) -> None:
    """Both directions, each with its reason: of every student and area the flags that are raised, and no others."""
    learning = fern.learning(as_of)
    kinds = {"far_behind", "advancing_fast", "behind_pace", "ahead_of_pace", "no_new_evidence"}
    expected = {
        (i.rsplit("_", 1)[0], i.rsplit("_", 1)[1], s): n
        for (i, _), rows in learning.flags().items() for s, (n, _, flag) in rows.items() if flag and i.rsplit("_", 1)[0] in kinds
    }  # fmt: skip
    rows = district.query(
        "select pace_exception, learning_area, student_key, numerator::double, last_result_date, projected_finish_date, reason from marts.rpt_pace_exceptions "
        "where school_id is null"
    )
    assert {(kind, area, s): n for kind, area, s, n, *_ in rows} == expected
    assert len(rows) == len(expected)
    for kind, area, s, n, last, finish, reason in rows:
        assert finish == learning.finish_date(s, area), (kind, area, s)
        days = [r.on for r in learning.results if r.student == s and KINDS[r.assessment, r.subject][0] == area and r.on <= as_of]
        assert last == max(days, default=None)
        if kind == "no_new_evidence":
            assert reason == (f"No new evidence in {area} since {last}." if days else f"No evidence in {area} yet this school year.")
        else:
            assert f" in {area}" in reason
            assert (f" {n:g} levels " if "pace" in kind else f": {n:g}; the line is 2.") in reason


@pytest.fixture(scope="module")
def hollow(tmp_path_factory: pytest.TempPathFactory) -> tuple[FernHollow, TestDistrict]:
    """The district after its first night with results, in December."""
    fern = FernHollow(tmp_path_factory.mktemp("fern") / "fern-hollow")
    fern.draw(5)
    for student, levels in PLANTED.items():
        fern.plant(student, *levels)
    for student, levels in READING.items():
        fern.plant(student, *levels, subject="Rdg")
    fern.plant("p16", (START, "3"), (SECOND, "5.5"), subject="Rdg")
    fern.settings()
    fern.put_base()
    district = TestDistrict(fern.folder)
    district.run(FIRST)
    assert rows_of(district) == {}, "no source sends assessments yet"
    fern.put_results(SECOND)
    district.run(SECOND)
    return fern, district


def test_figures_are_those_of_the_files_and_each_flag_has_both_sides(hollow: tuple[FernHollow, TestDistrict]) -> None:
    fern, district = hollow
    assert_learning(fern, district, SECOND)
    expected = fern.learning(SECOND).flags()
    assert {i for i, _ in expected} == NEW
    for (indicator, _), rows in expected.items():
        sides = {flag for _, _, flag in rows.values()}
        no_doubt = indicator.startswith(("proficient", "no_new_evidence"))
        assert sides == ({None} if indicator.startswith("level_gain") else {True, False} if no_doubt else {True, False, None}), indicator
    assert min(n for n, _, _ in expected["level_gain_mathematics", "standard"].values()) < 0, "a level fell"


def test_exceptions_in_both_directions_are_the_flags_with_their_reasons(hollow: tuple[FernHollow, TestDistrict]) -> None:
    fern, district = hollow
    assert_exceptions(fern, district, SECOND)
    found = district.query("select pace_exception, learning_area, count(*) from marts.rpt_pace_exceptions where school_id is null group by all")
    assert len(found) == 10, "of each kind and area there is one"
    said = [reason for (reason,) in district.query("select distinct reason from marts.rpt_pace_exceptions")]
    assert not [reason for reason in said if "stalled" in reason.lower()]
    with duckdb.connect(str(district.warehouse.parent / "restricted.duckdb"), read_only=True) as db:
        shown = db.execute("select count(*) from marts_restricted.rpt_pace_exceptions").fetchall()
    assert shown == district.query("select count(*) from marts.rpt_pace_exceptions")


def test_lines_are_exact(hollow: tuple[FernHollow, TestDistrict]) -> None:
    _, district = hollow
    built = rows_of(district)

    def flags(indicator: str, profile: str, *students: str) -> list[bool | None]:
        return [built[indicator, profile][s][2] for s in students]

    assert flags("far_behind_mathematics", "two_or_more", "p24", "p28", "p36") == [True, False, True]
    assert flags("far_behind_mathematics", "two_or_more", "p40", "p44", "p48", "p60") == [True, False, False, True]
    assert built["far_behind_mathematics", "two_or_more"]["p48"][0] == 1.999, "rounding down brings nobody over the line"
    assert flags("advancing_fast_mathematics", "two_levels", "p25", "p33", "p45", "p24") == [True, False, True, None]
    assert timedelta(EVIDENCE_DAYS) == SECOND - QUARTER
    assert flags("no_new_evidence_mathematics", "standard", "p64", "p40", "p68") == [False, True, True]
    assert flags("gap_repair_mathematics", "any_gain", "p49", "p57", "p61", "p69") == [False, True, None, False]
    assert flags("no_new_evidence_mathematics", "standard", "p34", "p70") == [True, False], "who was away is awaited from the day of coming back"
    assert built["gap_repair_mathematics", "any_gain"]["p57"][:2] == (0.001, 1.0)
    assert "p24" not in built["gap_repair_mathematics", "any_gain"], "one result shows no gap being repaired"


def test_where_a_pace_leads_is_exact(hollow: tuple[FernHollow, TestDistrict]) -> None:
    _, district = hollow
    built = rows_of(district)
    behind, ahead = built["behind_pace_reading", "half_a_level"], built["ahead_of_pace_reading", "one_level"]
    assert [behind[s] for s in ("p25", "p33", "p57")] == [(0.5, 1, True), (0.496, 1, False), (1.5, 1, True)]
    assert [ahead[s] for s in ("p45", "p49", "p25")] == [(1, 1, True), (0.996, 1, False), (0, 1, False)]
    assert [behind[s][2] for s in ("p09", "p13")] == [True, None], "results that are too near one another show no pace"
    said = dict(district.query(
        "select student_key, flag_reason from marts.fct_student_indicators where school_id is null and indicator_id = 'behind_pace_reading'"
    ))  # fmt: skip
    assert said["p25"] == "At the pace since the first result of this school year, 0.5 levels short in reading of what is expected at its end."
    assert said["p13"] == "Not judged yet: it takes results in reading on one assessment of this school year that are 60 days apart or more."
    assert said["p33"] is None
    sql = "select student_key, projected_finish_date from marts.rpt_pace_exceptions where school_id is null and pace_exception = 'behind_pace'"
    finish = dict(district.query(f"{sql} and learning_area = 'reading'"))
    assert finish["p25"] == QUARTER + timedelta(71 * 7), "an eighth of a level in 71 days, and seven to go"
    assert finish["p57"] is None, "a level that does not rise reaches nothing"


def test_reasons_say_what_is_known_and_what_is_not(hollow: tuple[FernHollow, TestDistrict]) -> None:
    _, district = hollow
    columns = "indicator_id, student_key, flag, flag_reason"
    rows = district.query(f"select {columns} from marts.fct_student_indicators where school_id is null and indicator_id in {SOME}")
    said = {(i, s): (flag, words) for i, s, flag, words in rows}
    assert not [w for _, w in said.values() if w and "{" in w]
    assert all(words for (i, _), (flag, words) in said.items() if flag or (flag is None and not i.startswith("level_gain")))
    assert said["far_behind_mathematics", "p24"][1] == (
        "Levels behind what is expected of the grade by the day of the last result in mathematics: 2; the line is 2."
    )
    assert said["far_behind_mathematics", "p06"] == (None, "Not judged yet: no result in mathematics this school year says a level.")
    assert said["gap_repair_mathematics", "p61"][1] == (
        "Not judged: 0.999 levels behind in mathematics at the first result of this school year; a gap is spoken of from 1 on."
    )


def test_figures_are_traced_to_their_rows(hollow: tuple[FernHollow, TestDistrict]) -> None:
    _, district = hollow
    with duckdb.connect(str(district.build), read_only=True) as db, closing(Ledger(district.folder / "data" / "ledger.sqlite")) as ledger:
        keys = db.execute(f"select indicator_id, value_key from marts.agg_indicator_values where indicator_id in {SOME} order by 2").fetchall()
        keys = random.Random(1).sample(keys, 120)
        assert {i for i, _ in keys} == NEW
        for _, key in keys:
            found = trace(db, ledger, find_figure(db, {"value_key": key}), limit=3)
            assert found.agrees, (key, found.numerator, found.denominator, found.n_subjects, found.figure)


@pytest.mark.prove
def test_corrections_move_those_whose_results_they_are_and_leave_no_ghost(hollow: tuple[FernHollow, TestDistrict], tmp_path: Path) -> None:
    """A first result is corrected (what was gained since is another number), a last one taken back, all of a student's are, and new ones come."""
    fern, district = hollow
    later = replace(fern, folder=tmp_path / "later", results=dict(fern.results))
    copy = district.copy(later.folder)
    later.results["p25", "growth", START, "Math"] = "2.5"
    later.plant("p33", PLANTED["p33"][0])
    later.plant("p36")
    later.results["p24", "growth", THIRD, "Math"] = "4"
    later.results["p57", "adaptive", THIRD, "Math"] = "5"
    later.put_results(THIRD)
    copy.run(THIRD)
    assert_learning(later, copy, THIRD)
    assert_exceptions(later, copy, THIRD)
    moved = fern.learning(SECOND).flags()["no_new_evidence_mathematics", "standard"], later.learning(THIRD).flags()["no_new_evidence_mathematics", "standard"]
    silent = {s for s in moved[1] if not moved[0][s][2] and moved[1][s][2]}
    assert silent - {"p36", "p33"}, "for somebody the days ran out"
    touched = {s for (s,) in copy.query("select distinct subject_key from measurements.int_touched_pieces where cause = 'assessments'")}
    assert {"p25", "p33", "p36", "p24", "p57"} | silent <= touched
    fresh = TestDistrict(tmp_path / "fresh")
    FernHollow(fresh.folder).settings()
    shutil.copytree(copy.landing, fresh.landing)
    fresh.run(THIRD)
    assert copy.hashes() == fresh.hashes()


@pytest.mark.prove
def test_nothing_is_overdue_after_the_last_day_of_school(hollow: tuple[FernHollow, TestDistrict], tmp_path: Path) -> None:
    """The calendar ends on the day before the days run out for those of the quarter, and then on that day."""
    fern, district = hollow
    short = replace(fern, folder=tmp_path / "short")
    copy = district.copy(short.folder)
    overdue = []
    for night, last_day in [(THIRD, SECOND - timedelta(1)), (THIRD + timedelta(3), SECOND)]:
        short.last_school_day = last_day
        short.put_calendar(night)
        copy.run(night)
        assert_learning(short, copy, night)
        overdue.append(rows_of(copy)["no_new_evidence_mathematics", "standard"]["p40"][2])
    assert overdue == [False, True]


@pytest.mark.prove
def test_without_a_map_of_what_is_expected_nothing_is_judged(hollow: tuple[FernHollow, TestDistrict], tmp_path: Path) -> None:
    _, district = hollow
    copy = district.copy(tmp_path / "silent")
    (copy.folder / "codes" / "learning_levels.csv").unlink()
    copy.run(SECOND)
    assert {i for i, _ in rows_of(copy)} == {i for i in NEW if i.startswith("proficient")}, "what is proficient the levels' own map says"
