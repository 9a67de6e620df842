"""The tables of a district's own extract: their layout, their projection, what is known of a student whichever source says it."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.district import Source, load_district
from pipelines.doctor import examine
from pipelines.quality import hold, judge, known
from pipelines.quality.build import SEEDS, write_settings
from pipelines.settings import SettingsError
from pipelines.sources import ALL_TABLES, extract
from pipelines.sources.shape import Reading, quoted
from pipelines.thresholds import CREDIT_UNITS

PLACES = ("_delivery_id", "_file", "_line", "_defect", "_text")
HEAD = """\
[district]
id = "two-rivers"
name = "Two Rivers"

[[school_years]]
year = 2026
start = 2025-09-01
end = 2026-06-12
"""


def source(table: str, **settings: Any) -> Source:
    return Source.model_validate({"id": "s", "format": "extract", "table": table, "path": "x", **settings})


def project(table: str, settings: dict[str, Any], row: dict[str, str | None]) -> dict[str, Any]:
    """One raw row as the projection reads it."""
    found = extract.projection(extract.TABLES[table], source(table, **settings), [*row, *PLACES], Reading())
    with duckdb.connect() as db:
        columns = ", ".join(f"{quoted(c)} varchar" for c in row)
        db.execute(f"create table raw ({columns}, _delivery_id varchar, _file varchar, _line bigint, _defect varchar)")
        db.execute(f"insert into raw values ({', '.join('?' * len(row))}, 'd', 'f.csv', 2, null)", list(row.values()))
        result = db.execute(found.sql)
        return dict(zip([c[0] for c in result.description or ()], result.fetchall()[0], strict=True))


def test_every_layout_holds_together() -> None:
    for name, table in extract.TABLES.items():
        assert len(set(table.columns)) == len(table.columns), name
        assert {*table.key, *table.required} <= set(table.columns), name
        assert (table.scope == "table") == (table.scope_column == ""), name
        assert table.scope != "rows" or table.scope_column in table.key, f"{name}: a key must lie in one scope"
        assert not {c for c in table.columns if "name" in c} - {"school_name"}, f"{name}: names of people are not kept"


@pytest.mark.parametrize(
    ("theirs", "ours"), [("Y", "true"), (" yes ", "true"), ("1", "true"), ("N", "false"), ("FALSE", "false"), ("maybe", "maybe"), ("", None)]
)
def test_a_yes_or_no_in_the_districts_words(theirs: str, ours: str | None) -> None:
    read = project("students", {"columns": {"student_id": "No", "hispanic": "Hisp"}}, {"No": "p1", "Hisp": theirs})
    assert (read["student_id"], read["hispanic"], read["races"]) == ("p1", ours, None)


def test_an_enrollment_reads_through_the_map_and_names_stay_behind() -> None:
    settings = {
        "columns": {"student_id": "Pupil No", "school_id": "Campus", "entry_date": "Entered", "share": "FTE"},
        "date_formats": {"entry_date": "%m/%d/%Y"}, "constants": {"is_primary": "Y"},
    }  # fmt: skip
    raw = {"Pupil No": "p1", "Last Name": "Sample", "Campus": "A", "Entered": "9/1/2025", "FTE": ".5"}
    read = project("enrollments", settings, raw)
    assert {c: read[c] for c in ("student_id", "school_id", "entry_date", "exit_date", "share", "is_primary")} == {
        "student_id": "p1", "school_id": "A", "entry_date": "2025-09-01", "exit_date": None, "share": ".5", "is_primary": "true",
    }  # fmt: skip
    assert "Sample" not in read.values()
    found = extract.projection(extract.TABLES["enrollments"], source("enrollments", **settings), [*raw, *PLACES], Reading())
    assert (found.missing, found.unknown) == ((), ("Last Name",))


@pytest.fixture
def build(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty build database of a district whose exit dates are inclusive, where the parameter says so."""
    inclusive = str(getattr(request, "param", False)).lower()
    (tmp_path / "district.toml").write_text(f"sources = []\n{HEAD}\n[enrollment]\nexit_is_inclusive = {inclusive}\n")
    with duckdb.connect() as db:
        hold.ensure_tables(db, list(ALL_TABLES.values()))
        write_settings(db, load_district(tmp_path))
        for table in ALL_TABLES.values():
            judge.present_view(db, table, False)
        known.write_views(db)
        yield db


@pytest.mark.parametrize(("build", "end"), [(False, "2025-10-01"), (True, "2025-10-02")], indirect=["build"])
def test_one_source_says_where_a_student_is_enrolled(build: duckdb.DuckDBPyConnection, end: str) -> None:
    build.execute(
        "insert into held.oneroster__roles by name select 'r' as sourced_id, 'a' as user_sourced_id, 'k9' as org_sourced_id, "
        "'student' as role, true as _is_open"
    )
    for pupil in ("a", "b"):
        build.execute(
            "insert into held.extract__enrollments by name select ? as student_id, 'k1' as school_id, '2025-09-01' as entry_date, "
            "'2025-10-01' as exit_date, true as _is_open", [pupil],
        )  # fmt: skip
    for pupil in ("a", "b", "c"):
        build.execute(
            "insert into held.oneroster__enrollments by name select ? as sourced_id, ? as user_sourced_id, 'k8' as school_sourced_id, 'student' as role, "
            "true as _is_open", [pupil, pupil],
        )  # fmt: skip
    assert build.execute("select student_id, school_id, begin_date, end_date, said_by from known.enrollments order by 1").fetchall() == [
        ("a", "k9", "0000", "9999", "roles"), ("b", "k1", "2025-09-01", end, "extract"), ("c", "k8", "0000", "9999", "classes"),
    ]  # fmt: skip


def test_a_build_from_before_a_column_is_given_it(build: duckdb.DuckDBPyConnection) -> None:
    build.execute("drop view known.enrollments; drop view present.extract__calendar")
    build.execute("alter table held.extract__calendar drop column track")
    build.execute("insert into held.extract__calendar by name select 'k1' as school_id, '2025-09-02' as calendar_date, 'SCH' as day_type")
    hold.ensure_tables(build, list(ALL_TABLES.values()))
    assert build.execute("select school_id, track from held.extract__calendar").fetchall() == [("k1", "")]


def test_settings_refuse_what_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "district.toml").write_text("sources = []\n" + HEAD + '\n[attendance]\nday_fraction = "3/2"\n')
    with pytest.raises(SettingsError, match="day_fraction: Input should be less than or equal to 1"):
        load_district(tmp_path)


@pytest.mark.parametrize("credits", ["0.1", "0.5", "1", "5", "7.5", '"15/2"', "10", "100"])
def test_credits_of_a_course_are_whole_numbers_of_the_measures_unit(tmp_path: Path, credits: str) -> None:
    (tmp_path / "district.toml").write_text("sources = []\n" + HEAD + f"\n[marks]\ncredits_of_year_course = {credits}\n")
    with (SEEDS / "measures.csv").open(encoding="utf-8") as f:
        (scale,) = {int(row["scale"]) for row in csv.DictReader(f) if row["measure_id"].startswith("year_courses_")}
    assert Fraction(scale, 1000) == CREDIT_UNITS
    assert (Fraction(scale, 1000) / load_district(tmp_path).marks.credits_of_year_course).denominator == 1


@pytest.mark.parametrize(("credits", "said"), [("0", "greater than or equal"), ("101", "less than or equal"), ("11", "cannot be counted exactly"),
                                               ("0.09", "greater than or equal"), ("-1", "greater than or equal")])  # fmt: skip
def test_credits_of_a_course_that_cannot_be_are_refused(tmp_path: Path, credits: str, said: str) -> None:
    (tmp_path / "district.toml").write_text("sources = []\n" + HEAD + f"\n[marks]\ncredits_of_year_course = {credits}\n")
    with pytest.raises(SettingsError, match=said):
        load_district(tmp_path)


def test_the_doctor_names_maps_that_are_missing(tmp_path: Path) -> None:
    blocks = "".join(f'\n[[sources]]\nid = "{t}"\nformat = "extract"\ntable = "{t}"\npath = "{t}/*.csv"\n' for t in ("discipline", "students"))
    (tmp_path / "district.toml").write_text(HEAD + blocks)
    (tmp_path / "landing").mkdir()
    found = {f.what.split("/")[-1].split(":")[0]: f.weight for f in examine(tmp_path) if ".csv: is missing" in f.what}
    assert found == {"discipline_codes.csv": "serious", "grade_levels.csv": "warning", "sex_codes.csv": "warning", "race_codes.csv": "warning"}
