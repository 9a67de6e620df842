"""The same results of assessments sent by Ed-Fi and as an extract make the same figures of learning, pace and growth, over two nights with corrections. The
Ed-Fi district's records say besides what must not count. Every person is made up.
"""

from __future__ import annotations

import json
import random
import shutil
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.lineage.graph import registry
from pipelines.lineage.ledger import Ledger
from pipelines.lineage.trace import find_figure, trace
from tests.districts import TestDistrict
from tests.extract_files import one_year, put, write_settings

YEAR = (date(2025, 9, 1), date(2026, 6, 12))
FALL, WINTER = date(2025, 9, 8), date(2025, 12, 2)
FIRST, SECOND = date(2025, 12, 15), date(2025, 12, 17)
SETTINGS = one_year("willow-bend", "Willow Bend", *YEAR)
EDFI = '\n[[sources]]\nid = "edfi"\nformat = "edfi"\npath = "edfi/**/*.jsonl"\nwithout = ["calendarDates"]\n'
TABLES = {
    "schools": ("school_id", "school_name"),
    "students": ("student_id", "grade_level"),
    "enrollments": ("student_id", "school_id", "entry_date", "exit_date", "grade_level"),
    "calendar": ("school_id", "calendar_date", "day_type"),
}
COLUMNS = ("student_id", "assessment_id", "administered_on", "subject", "scale_score", "performance_level", "level_number", "growth_percentile")
MINE = "uri://willow-bend.example/AssessmentReportingMethodDescriptor#"
METHOD = "uri://ed-fi.org/AssessmentReportingMethodDescriptor#"
SUBJECT = "uri://ed-fi.org/AcademicSubjectDescriptor#"
LEVEL = "uri://willow-bend.example/PerformanceLevelDescriptor#"
NAMESPACE = "uri://willow-bend.example/Assessment"
MATHEMATICS, READING, BOTH = f"{SUBJECT}Mathematics", f"{SUBJECT}Reading", f"{SUBJECT}Reading; {SUBJECT}Writing"
SUBJECTS = {"ladder-m": MATHEMATICS, "ladder-r": READING, "unit": MATHEMATICS, "state": BOTH, "late": READING}
AREAS = {"ladder-m": "mathematics", "ladder-r": "reading", "unit": "mathematics", "state": "reading", "late": "reading"}
KINDS = {"ladder-m": "interim", "ladder-r": "interim", "unit": "formative", "state": "summative", "late": "formative"}


def id_of(assessment: str) -> str:
    return f"{assessment}|{NAMESPACE}"


CODES = {
    "calendar_codes": "code,is_instructional\nSCH,true\n",
    "grade_levels": "code,grade_level\n3,03\n",
    "assessment_kinds": "assessment_id,subject,learning_area,kind\n" + "".join(f"{id_of(a)},{s},{AREAS[a]},{KINDS[a]}\n" for a, s in SUBJECTS.items()),
    "learning_levels": "assessment_id,subject,grade_level,start_level,end_level\n"
    + "".join(f"{id_of(a)},{SUBJECTS[a]},03,3,4\n" for a in ("ladder-m", "ladder-r")),
    "performance_levels": "assessment_id,performance_level,level_number,is_proficient\n"
    + "".join(f"{id_of(a)},{LEVEL}{word},{n},{n == 3}\n" for a in ("unit", "state", "late") for n, word in ((1, "Begun"), (2, "Near"), (3, "Met"))),
    "assessment_windows": "assessment_id,first_day,last_day\n"
    + "".join(f"{id_of(a)},{first},{first + timedelta(10)}\n" for a in ("ladder-m", "ladder-r") for first in (FALL, WINTER)),
    "edfi_descriptors": f"field,descriptor,code\nscore_method,{MINE}SGP,growth_percentile\nscore_method,{MINE}Ladder,level_number\n",
}
STUDENTS = [f"w{n:02d}" for n in range(44)]


@dataclass(frozen=True)
class Result:
    """One result as the district knows it; as an extract's row, or as an Ed-Fi record."""

    student: str
    assessment: str
    on: date
    score: str = ""
    level: str = ""
    number: str = ""
    percentile: str = ""
    subject: str = ""  # where it is not what it will be

    def row(self) -> tuple[Any, ...]:
        subject, level = self.subject or SUBJECTS[self.assessment], self.level and f"{LEVEL}{self.level}"
        return (self.student, id_of(self.assessment), self.on, subject, self.score, level, self.number, self.percentile)

    def record(self, rng: random.Random) -> dict[str, Any]:
        """With scores and levels beside it that nobody maps, that are no number or that were not met, in any order."""
        scores = [(f"{METHOD}Raw score", "7"), (f"{METHOD}Percentile", "3")]
        scores += [(f"{METHOD}Scale score", self.score), (f"{METHOD}Vertical Scale Score", "1")] if self.score else [(f"{METHOD}Scale score", "not scored")]
        scores += [(f"{MINE}Ladder", self.number)] * bool(self.number) + [(f"{MINE}SGP", self.percentile)] * bool(self.percentile)
        levels: list[dict[str, Any]] = [{"assessmentReportingMethodDescriptor": f"{MINE}Projected", "performanceLevelDescriptor": f"{LEVEL}Met"}]
        if self.level:
            method = {"assessmentReportingMethodDescriptor": f"{METHOD}Proficiency level"}
            words = ["Begun", "Near", "Met"]
            below = words[: words.index(self.level) + 1]
            levels += [{**method, "performanceLevelDescriptor": f"{LEVEL}{w}", "performanceLevelMet": w in below} for w in words]
        rng.shuffle(scores)
        rng.shuffle(levels)
        return {
            "id": f"{self.student}-{self.assessment}-{self.on}",
            "studentReference": {"studentUniqueId": self.student},
            "assessmentReference": {"assessmentIdentifier": self.assessment, "namespace": NAMESPACE},
            "studentAssessmentIdentifier": f"{self.on}",
            "administrationDate": f"{self.on}T09:30:00-05:00",
            "scoreResults": [{"assessmentReportingMethodDescriptor": m, "result": r} for m, r in scores],
            "performanceLevels": levels,
        }


def draw(seed: int) -> list[Result]:
    rng = random.Random(seed)
    found = []
    for n, student in enumerate(STUDENTS):
        for assessment in ("ladder-m", "ladder-r"):
            start, level = rng.gauss(200, 12), rng.choice(["0.5", "1", "2.25", "3"])
            found.append(Result(student, assessment, FALL + timedelta(n % 9), f"{start:.1f}", number=level))
            if n % 9:
                number = str(float(level) + rng.choice([-0.25, 0, 0.5, 1.125, 2.5]))
                found.append(Result(student, assessment, WINTER + timedelta(n % 8), f"{60 + 0.7 * start + rng.gauss(8, 4):.1f}", number=number))
        found += [Result(student, "unit", FALL + timedelta(30 * k), level=rng.choice(["Begun", "Near", "Met"])) for k in range(3) if rng.random() < 0.6]
        if n % 3:
            found.append(Result(student, "state", date(2025, 10, 6), level=rng.choice(["Near", "Met"]), percentile=str(rng.randint(1, 99))))
        if n % 4 == 0:
            found.append(Result(student, "late", date(2025, 12, 8), level="Met"))
    return found


def put_base(folder: Path) -> None:
    put(folder, "schools", TABLES["schools"], FIRST, [("K", "Kestrel Elementary"), ("L", "Lark Elementary")])
    put(folder, "students", TABLES["students"], FIRST, [(s, "3") for s in STUDENTS])
    put(folder, "enrollments", TABLES["enrollments"], FIRST, [(s, "KL"[n % 2], YEAR[0], "", "3") for n, s in enumerate(STUDENTS)])
    days = [YEAR[0] + timedelta(n) for n in range(120) if n % 7 < 5]
    put(folder, "calendar", TABLES["calendar"], FIRST, [(school, day, "SCH") for school in "KL" for day in days])


def pages(folder: Path, night: date, kind: str, resource: str, records: list[dict[str, Any]]) -> None:
    path = folder / f"landing/edfi/{kind}/{night}/{resource}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(r) + "\n" for r in records), encoding="utf-8")


def assessment(name: str, *subjects: str) -> dict[str, Any]:
    said = [{"academicSubjectDescriptor": s} for s in subjects or reversed(SUBJECTS[name].split("; "))]
    return {"id": f"a-{name}", "assessmentIdentifier": name, "namespace": NAMESPACE, "assessmentTitle": name, "academicSubjects": said}


FIGURES = {m["measure_id"] for m in registry("measures") if m["model"] in ("msr_assessments", "msr_growth")}
SOME = "(" + ", ".join(f"'{i['indicator_id']}'" for i in registry("indicators") if i["denominator_measure"] in FIGURES) + ")"
VALUES = (
    "select indicator_id, profile_id, school_id, grade_level, group_family, group_value, period_type, period_start, numerator, denominator, n_subjects, value, "
    f"ci_low, ci_high from marts.agg_indicator_values where indicator_id in {SOME} order by all"
)
ROWS = (
    "select indicator_id, profile_id, student_key, school_id, period_type, period_start, numerator, denominator, value, flag, flag_reason "
    f"from marts.fct_student_indicators where indicator_id in {SOME} order by all"
)
EXCEPTIONS = "select * from marts.rpt_pace_exceptions order by all"
RESULTS = "select * exclude (delivery_id, line_number) from core.fct_assessment_results order by all"


def assert_alike(by_file: TestDistrict, by_edfi: TestDistrict) -> None:
    for sql in (RESULTS, VALUES, ROWS, EXCEPTIONS):
        expected = by_file.query(sql)
        assert expected
        assert by_edfi.query(sql) == expected, sql


def land(by_file: Path, by_edfi: Path) -> None:
    """Everything of both nights. On the second one an assessment's own record comes late, another's subject changes, results are corrected and taken back."""
    rng, results = random.Random(3), draw(11)
    put_base(by_file)
    put_base(by_edfi)
    of_science = [replace(r, subject=f"{SUBJECT}Science") if r.assessment == "unit" else r for r in results]
    put(by_file, "assessments", COLUMNS, FIRST, [r.row() for r in of_science if r.assessment != "late"])
    pages(by_edfi, FIRST, "upserts", "assessments", [assessment(a, *[f"{SUBJECT}Science"] * (a == "unit")) for a in SUBJECTS if a != "late"])
    pages(by_edfi, FIRST, "upserts", "studentAssessments", [r.record(rng) for r in results])

    # of w03 one result is taken back, and the other said by another record of another day, under the same identifier; w04's are taken back
    gone = sorted((r for r in results if (r.student, r.assessment) in (("w03", "ladder-m"), ("w04", "ladder-r"))), key=lambda r: (r.student, r.on))
    _, corrected, *_ = gone
    new = replace(corrected, on=WINTER + timedelta(1), score="231.5", number="4.5")
    put(by_file, "assessments", COLUMNS, SECOND, [r.row() for r in [*(r for r in results if r not in gone), new]])
    pages(by_edfi, SECOND, "upserts", "assessments", [assessment("late"), assessment("unit")])
    record = {**new.record(rng), "id": "x-corrected", "studentAssessmentIdentifier": f"{corrected.on}"}
    pages(by_edfi, SECOND, "upserts", "studentAssessments", [record])
    pages(by_edfi, SECOND, "deletes", "studentAssessments", [{"id": r.record(rng)["id"]} for r in gone if r != corrected])


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[TestDistrict, TestDistrict]:
    """The two districts before their first night, with all of their files."""
    folder = tmp_path_factory.mktemp("willow")
    by_file, by_edfi = TestDistrict(folder / "by-file"), TestDistrict(folder / "by-edfi")
    write_settings(by_file.folder, SETTINGS, [*TABLES, "assessments"], CODES)
    write_settings(by_edfi.folder, SETTINGS, TABLES, CODES)
    with (by_edfi.folder / "district.toml").open("a", encoding="utf-8") as f:
        f.write(EDFI)
    land(by_file.folder, by_edfi.folder)
    return by_file, by_edfi


def test_results_make_the_same_figures_from_either_source(both: tuple[TestDistrict, TestDistrict], tmp_path: Path) -> None:
    by_file, by_edfi = both
    for night in (FIRST, SECOND):
        by_file.run(night)
        by_edfi.run(night)
        waiting = by_edfi.query("select distinct _rule from quarantine.edfi__student_assessments")
        assert waiting == ([("assessment_is_known",)] if night == FIRST else [])
        assert_alike(by_file, by_edfi)
    areas = by_edfi.query("select learning_area, count(*) from core.fct_assessment_results group by 1 order by 1")
    assert [a for a, _ in areas] == ["mathematics", "reading"], "by the second night every assessment is of an area"
    found = {i for (i,) in by_edfi.query("select distinct indicator_id from marts.agg_indicator_values where value is not null")}
    assert {"growth_mathematics", "growth_percentile_reading", "far_behind_mathematics", "behind_pace_reading", "proficient_summative_reading"} <= found
    assert_lines(by_edfi)
    fresh = TestDistrict(tmp_path / "fresh")
    write_settings(fresh.folder, SETTINGS, TABLES, CODES)
    with (fresh.folder / "district.toml").open("a", encoding="utf-8") as f:
        f.write(EDFI)
    shutil.copytree(by_edfi.landing, fresh.landing)
    fresh.run(SECOND)
    assert fresh.hashes() == by_edfi.hashes(), "two nights come out as one build from nothing"


def assert_lines(district: TestDistrict) -> None:
    """A figure's rows are traced to the lines of the Ed-Fi pages that say them."""
    with duckdb.connect(str(district.build), read_only=True) as db, closing(Ledger(district.folder / "data" / "ledger.sqlite")) as ledger:
        keys = db.execute(f"select value_key from marts.agg_indicator_values where indicator_id in {SOME} order by 1").fetchall()
        lines = 0
        for (key,) in random.Random(4).sample(keys, 30):
            found = trace(db, ledger, find_figure(db, {"value_key": key}), limit=3)
            assert found.agrees, key
            for row in found.rows:
                if row.file and row.line:
                    said = json.loads((district.landing / row.file).read_text(encoding="utf-8").splitlines()[row.line - 1])
                    assert said["studentReference"]["studentUniqueId"] == row.subject_key
                    assert said["administrationDate"].startswith(str(row.on_date))
                    lines += 1
        assert lines
