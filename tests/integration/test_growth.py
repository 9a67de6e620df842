"""Growth beside students with the same earlier score, and growth percentiles as a source gives them, through the real job: a small district over nights with
corrections, against `tests/growth_oracle.py`. Every person is made up.
"""

from __future__ import annotations

import random
import shutil
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from pipelines.lineage.ledger import Ledger
from pipelines.lineage.trace import find_figure, trace
from tests import growth_oracle
from tests.districts import TestDistrict
from tests.extract_files import one_year, put, write_settings

YEAR = (date(2025, 9, 1), date(2026, 6, 12))
FALL, WINTER = (date(2025, 9, 1), date(2025, 9, 19)), (date(2025, 12, 1), date(2025, 12, 12))
OPEN, ENDED, LATER = WINTER[1] - timedelta(1), WINTER[1], date(2025, 12, 15)
SETTINGS = one_year("alder-creek", "Alder Creek", *YEAR)
TABLES = {
    "schools": ("school_id", "school_name"),
    "students": ("student_id", "grade_level"),
    "enrollments": ("student_id", "school_id", "entry_date", "exit_date", "grade_level"),
    "calendar": ("school_id", "calendar_date", "day_type"),
    "assessments": ("student_id", "assessment_id", "administered_on", "subject", "scale_score", "growth_percentile"),
}
WINDOWS = [("growth", *FALL), ("growth", *WINTER)]
CODES = {
    "calendar_codes": "code,is_instructional\nSCH,true\n",
    "assessment_kinds": "assessment_id,subject,learning_area,kind\ngrowth,Math,mathematics,interim\ngrowth,Rdg,reading,interim\nstate,,mathematics,summative\n",
    "assessment_windows": "assessment_id,first_day,last_day\n" + "".join(f"{a},{first},{last}\n" for a, first, last in WINDOWS),
}
Key = tuple[str, str, date, str]  # student, assessment, day, subject


@dataclass
class AlderCreek:
    """Thirty-six students in grade 4 and twelve, too few to compare, in grade 5. Who is at school L gains more than who is at K."""

    folder: Path
    grades: dict[str, str] = field(default_factory=lambda: {f"a{n:02d}": "04" if n < 36 else "05" for n in range(48)})
    scores: dict[Key, float] = field(default_factory=dict)
    percentiles: dict[str, int] = field(default_factory=dict)

    def school(self, student: str) -> str:
        return "KL"[int(student[1:]) % 2]

    def draw(self, seed: int) -> None:
        rng = random.Random(seed)
        for n, student in enumerate(self.grades):
            for subject in ("Math", "Rdg"):
                start = rng.gauss(200, 12)
                self.scores[student, "growth", FALL[0] + timedelta(n % 15), subject] = round(start, 1)
                if n % 11:  # who has no score in winter
                    gain = rng.gauss(8, 4) + (3 if self.school(student) == "L" else 0)
                    self.scores[student, "growth", WINTER[0] + timedelta(n % 10), subject] = round(60 + 0.7 * start + gain, 1)
            if n % 3:
                self.percentiles[student] = rng.randint(1, 99)

    def put(self, table: str, day: date, rows: list[tuple[Any, ...]]) -> None:
        put(self.folder, table, TABLES[table], day, rows)

    def put_base(self, day: date) -> None:
        write_settings(self.folder, SETTINGS, TABLES, CODES)
        self.put("schools", day, [("K", "Kestrel Elementary"), ("L", "Lark Elementary")])
        self.put_students(day)
        self.put("enrollments", day, [(s, self.school(s), YEAR[0], "", g) for s, g in self.grades.items()])
        self.put("calendar", day, [(school, YEAR[0] + timedelta(n), "SCH") for school in "KL" for n in range(110) if n % 7 < 5])

    def put_students(self, day: date) -> None:
        self.put("students", day, list(self.grades.items()))

    def put_results(self, day: date) -> None:
        rows: list[tuple[Any, ...]] = [(s, a, on, subject, score, "") for (s, a, on, subject), score in self.scores.items()]
        self.put("assessments", day, rows + [(s, "state", date(2025, 10, 6), "", "", p) for s, p in self.percentiles.items()])

    def index(self, subject: str, as_of: date) -> pd.Series:
        """By student, missing where there is a pair and no comparison."""
        rows = [(s, a, sub, on, score) for (s, a, on, sub), score in self.scores.items() if sub == subject]
        frame = pd.DataFrame(rows, columns=["student", "assessment", "subject", "on", "score"])
        return growth_oracle.index(growth_oracle.pairs(frame, WINDOWS, self.grades, as_of))


AREAS = {"Math": "mathematics", "Rdg": "reading"}


def assert_growth(alder: AlderCreek, district: TestDistrict, as_of: date) -> None:
    """Every student's row, and every cell of all students of a school or the district, are those of the files."""
    for subject, area in AREAS.items():
        expected = alder.index(subject, as_of)
        sql = "select student_key, numerator::double, denominator::double, value, flag_reason from marts.fct_student_indicators where school_id is null"
        rows = {s: (n, d, v, why) for s, n, d, v, why in district.query(f"{sql} and indicator_id = 'growth_{area}'")}
        assert set(rows) == set(expected.index)
        for student, z in expected.items():
            n, d, value, why = rows[student]
            if pd.isna(z):
                assert (n, d, value) == (0, 0, None), student
                assert why == f"Not compared yet: too few students of the grade have scores in {area} in the same two windows, or their scores do not differ."
            else:
                assert (n, d, value) == (pytest.approx(z, abs=0.000501), 1, pytest.approx(z, abs=0.000501)), student
        known = expected.dropna()
        by = known.groupby(known.index.map(alder.school)).agg(["mean", "size", "std"]).to_dict("index") | {None: {"mean": known.mean(), "size": len(known)}}
        cells = district.query(
            "select school_id, value, n_subjects, ci_low, ci_high, ci_method from marts.agg_indicator_values "
            f"where indicator_id = 'growth_{area}' and group_family = 'all' and grade_level is null"
        )
        assert {c[0] for c in cells} == set(by)
        for school, value, n, low, high, method in cells:
            assert (value, n, method) == (pytest.approx(by[school]["mean"], abs=0.000501), by[school]["size"], "t_people")
            if school:  # the 97.5th percentiles of Student's t with 15 to 17 degrees of freedom, from a table
                t = {15: 2.13145, 16: 2.11991, 17: 2.10982, 14: 2.14479}[n - 1]
                half = t * by[school]["std"] / n**0.5
                assert (low, high) == (pytest.approx(value - half, abs=0.002), pytest.approx(value + half, abs=0.002))


@pytest.fixture(scope="module")
def creek(tmp_path_factory: pytest.TempPathFactory) -> tuple[AlderCreek, TestDistrict]:
    """The district on the last day but one of the winter window: every result is there."""
    alder = AlderCreek(tmp_path_factory.mktemp("alder") / "alder-creek")
    alder.draw(7)
    alder.put_base(OPEN)
    alder.put_results(OPEN)
    district = TestDistrict(alder.folder)
    district.run(OPEN)
    return alder, district


def test_percentiles_are_those_that_the_source_gives(creek: tuple[AlderCreek, TestDistrict]) -> None:
    alder, district = creek
    sql = "select student_key, value::int from marts.fct_student_indicators where school_id is null and indicator_id = 'growth_percentile_mathematics'"
    assert dict(district.query(sql)) == alder.percentiles
    given = list(alder.percentiles.values())
    sql = "select value, n_subjects from marts.agg_indicator_values where group_family = 'all' and school_id is null and grade_level is null"
    assert district.query(f"{sql} and indicator_id = 'growth_percentile_mathematics'") == [(pytest.approx(sum(given) / len(given)), len(given))]
    assert district.query(f"{sql} and indicator_id = 'growth_percentile_reading'") == [], "none is estimated"


def test_growth_is_said_once_the_window_has_ended_and_moves_with_corrections(creek: tuple[AlderCreek, TestDistrict], tmp_path: Path) -> None:
    alder, district = creek
    assert district.query("select count(*) from marts.fct_student_indicators where indicator_id in ('growth_mathematics', 'growth_reading')") == [(0,)]
    later = replace(alder, folder=tmp_path / "later", scores=dict(alder.scores), grades=dict(alder.grades))
    copy = district.copy(later.folder)
    copy.run(ENDED)
    assert_growth(later, copy, ENDED)
    assert later.index("Math", ENDED).isna().any(), "grade 5 is too few to compare"
    with duckdb.connect(str(copy.build), read_only=True) as db, closing(Ledger(copy.folder / "data" / "ledger.sqlite")) as ledger:
        keys = db.execute("select value_key from marts.agg_indicator_values where indicator_id like 'growth_%' order by 1").fetchall()
        for (key,) in random.Random(2).sample(keys, 12):
            assert trace(db, ledger, find_figure(db, {"value_key": key}), limit=3).agrees, key
    # an earlier score is corrected, one is taken back, another comes late, and somebody is in grade 4 after all: for all others of the grade it is another line
    later.scores["a01", "growth", FALL[0] + timedelta(1), "Math"] = 150
    del later.scores["a02", "growth", FALL[0] + timedelta(2), "Math"]
    later.scores["a11", "growth", WINTER[1], "Math"] = 231.5
    later.grades["a40"] = "04"
    later.put_students(LATER)
    later.put_results(LATER)
    copy.run(LATER)
    assert_growth(later, copy, LATER)
    touched = {s for (s,) in copy.query("select distinct subject_key from measurements.int_touched_pieces where cause = 'assessments'")}
    assert {s for s, g in later.grades.items() if g == "04"} & set(later.index("Math", LATER).index) <= touched
    fresh = TestDistrict(tmp_path / "fresh")
    write_settings(fresh.folder, SETTINGS, TABLES, CODES)
    shutil.copytree(copy.landing, fresh.landing)
    fresh.run(LATER)
    assert copy.hashes() == fresh.hashes()
