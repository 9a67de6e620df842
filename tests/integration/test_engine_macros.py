"""The engine macros and the `touched` materialization, on DuckDB and (where it can be run) on Spark: three nights of corrections and deletions."""

import hashlib
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pytest

from tests.parity import harness

HERE = Path(__file__).parent
Reading = tuple[str | None, int, str, str, int | None]

# subject, week piece, week start, measure, quantity
FIRST: list[Reading] = [
    ("a", 1, "2025-08-18", "m1", 5), ("a", 1, "2025-08-18", "m1", 1), ("a", 2, "2025-08-25", "m1", 4), ("b", 1, "2025-08-18", "m1", 3),
    ("b", 2, "2025-08-25", "m2", 0), (None, 1, "2025-08-18", "m1", 7), ("c", 3, "2025-09-01", "m1", 9), ("d", 2, "2025-08-25", "m1", None),
]  # fmt: skip
# a's week 1 corrected; b withdrawn from week 2; the subject without a key corrected; all of week 3 withdrawn; week 4 is new
SECOND: list[Reading] = [
    ("a", 1, "2025-08-18", "m1", 2), ("a", 2, "2025-08-25", "m1", 4), ("b", 1, "2025-08-18", "m1", 3),
    (None, 1, "2025-08-18", "m1", 8), ("d", 2, "2025-08-25", "m1", None), ("e", 4, "2025-09-08", "m1", 6),
]  # fmt: skip
SECOND_TOUCHED = [("a", 1), ("b", 2), (None, 1), ("c", 3), ("e", 4)]
# a change of which nobody was told (b, week 1) must stay unseen: that is what incremental means
THIRD: list[Reading] = [*[r for r in SECOND if r[0] != "b"], ("b", 1, "2025-08-18", "m1", 99), ("e", 5, "2025-09-15", "m1", 1)]
THIRD_TOUCHED = [("e", 5)]
NIGHTS: list[tuple[list[Reading], list[tuple[str | None, int]]]] = [(FIRST, []), (SECOND, SECOND_TOUCHED), (THIRD, THIRD_TOUCHED)]

SAMPLES = [
    # case, whole, part, first_text, second_text, first_date, second_date
    (1, 1, 3, "2025-08-18", "x", "2025-08-18", "2025-08-31"),
    (2, 1, 0, "2025-02-30", None, "2025-08-24", "2025-08-24"),
    (3, None, 2, None, None, None, "2025-01-01"),
    (4, -5, None, "12.345", "12.345", "2024-12-30", "2024-12-29"),
    (5, 250, 7, "1e3", "a|b", "2024-02-29", "2024-03-01"),
    (6, 45, 100, "", "", "2025-12-31", None),
    (7, 2, 2, "^|", "^", "2025-06-01", "2025-06-02"),
    (8, 7, 7, "  7 ", " 7", "2025-06-07", "2025-06-08"),
    (9, 7, 7, ".5", "^|^", "2025-06-08", "2025-06-09"),
    (10, 7, 7, "2025-8-18", "-0", "2025-06-09", "2025-06-09"),
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The small project, with the real project's macros."""
    shutil.copytree(HERE / "engine_project", tmp_path / "project")
    shutil.copytree(harness.ROOT / "dbt_project/macros", tmp_path / "project/macros")
    return tmp_path / "project"


def put_sources(build: Path, readings: list[Reading], touched: list[tuple[str | None, int]]) -> None:
    """What staging would read, as of one night."""
    with duckdb.connect(str(build)) as db:
        db.execute("create schema if not exists held")
        columns = "subject_key varchar, week_piece_id bigint, week_start date, measure_id varchar, quantity bigint"
        db.execute(f"create or replace table held.readings ({columns})")
        db.executemany("insert into held.readings values (?, ?, ?, ?, ?)", readings)
        db.execute("create or replace table held.touched (subject_key varchar, week_piece_id bigint)")
        if touched:
            db.executemany("insert into held.touched values (?, ?)", touched)
        db.execute(
            "create or replace table held.samples (case_id bigint, whole bigint, part bigint, first_text varchar, second_text varchar, "
            "first_date date, second_date date)"
        )
        db.executemany("insert into held.samples values (?, ?, ?, ?, ?, ?, ?)", SAMPLES)


def dbt(project: Path, build: Path, *arguments: str, ok: bool = True) -> str:
    """Run dbt on DuckDB in this process; returns what went wrong, if anything."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("THROUGHLINE_BUILD", str(build))
        done = dbtRunner().invoke([*arguments, "--project-dir", str(project), "--profiles-dir", str(harness.ROOT / "dbt_project"), "--quiet"])
    DuckDBConnectionManager.close_all_connections()  # dbt keeps the database open otherwise
    said = str(done.exception or "") + " ".join(r.message or "" for r in getattr(done.result, "results", ()))
    assert done.success is ok, said
    return said


@pytest.fixture
def nights(project: Path, tmp_path: Path) -> Callable[[int], Path]:
    def night(i: int) -> Path:
        build = tmp_path / "build.duckdb"
        put_sources(build, *NIGHTS[i])
        dbt(project, build, "build")
        return build

    return night


def rows(build: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(build), read_only=True) as db:
        return db.execute(sql).fetchall()


FACTS = "select subject_key, week_piece_id, measure_id, quantity from marts.fct_readings order by 2, 1 nulls first, 3"


def test_touched_over_three_nights(nights: Callable[[int], Path]) -> None:
    build = nights(0)
    assert rows(build, FACTS) == [
        (None, 1, "m1", 7), ("a", 1, "m1", 6), ("b", 1, "m1", 3), ("a", 2, "m1", 4), ("b", 2, "m2", 0), ("d", 2, "m1", None), ("c", 3, "m1", 9),
    ]  # fmt: skip
    nights(1)
    second = [(None, 1, "m1", 8), ("a", 1, "m1", 2), ("b", 1, "m1", 3), ("a", 2, "m1", 4), ("d", 2, "m1", None), ("e", 4, "m1", 6)]
    assert rows(build, FACTS) == second
    weeks = "select week_piece_id, week_start, n_readings, mean_quantity, subjects from marts.agg_weeks order by 1"
    assert rows(build, weeks) == [
        (1, date(2025, 8, 18), 3, 13 / 3, "a, b"), (2, date(2025, 8, 25), 2, 4.0, "a, d"), (4, date(2025, 9, 8), 1, 6.0, "e"),
    ]  # fmt: skip
    nights(2)
    assert rows(build, FACTS) == [*second, ("e", 5, "m1", 1)]  # b is still 3


def test_touched_builds_the_whole_when_it_must(nights: Callable[[int], Path], project: Path) -> None:
    build = nights(0)
    put_sources(build, SECOND, [])
    dbt(project, build, "build", "--vars", "{extra: true}")
    assert rows(build, "select count(*), max(extra) from marts.fct_readings") == [(6, "x")]  # other columns
    put_sources(build, FIRST, [])
    dbt(project, build, "build", "--full-refresh")
    assert rows(build, "select count(*) from marts.fct_readings") == [(7,)]
    with duckdb.connect(str(build)) as db:
        db.execute("drop table marts.fct_readings; create view marts.fct_readings as select 1 as one")
    dbt(project, build, "build")
    assert rows(build, "select count(*) from marts.fct_readings") == [(7,)]  # a view in its place


def test_touched_stops_a_model_that_reads_too_much(nights: Callable[[int], Path], project: Path) -> None:
    build = nights(0)
    put_sources(build, SECOND, [("a", 1)])
    before = rows(build, FACTS)
    said = dbt(project, build, "build", "--vars", "{careless: true}", ok=False)
    assert "outside the touched keys" in said
    assert rows(build, FACTS) == before


def test_macros_on_duckdb(nights: Callable[[int], Path]) -> None:
    build = nights(0)
    columns = "case_id, safe_divide, try_cast_date, try_cast_decimal, day_diff, add_days, week_start"
    named = {row[0]: row[1:] for row in rows(build, f"select {columns} from marts.macro_results")}
    assert named[1] == (1 / 3, date(2025, 8, 18), None, 13, date(2025, 8, 19), date(2025, 8, 18))
    assert named[2] == (None, None, None, 0, date(2025, 8, 25), date(2025, 8, 18))
    assert named[3] == (None, None, None, None, None, None)
    assert [float(str(named[i][2])) if named[i][2] is not None else None for i in (4, 5, 8, 9)] == [12.35, None, None, 0.5]
    assert named[10][1] is None
    assert rows(build, "select json_text from marts.macro_results order by case_id limit 4") == [("x|y",), ("",), (None,), (None,)]
    assert rows(build, "select count(distinct concat_key), count(distinct hash_key) from marts.macro_results") == [(len(SAMPLES), len(SAMPLES))]
    assert rows(build, "select count(*) filter (where key_begins = key_that_begins) from marts.macro_results") == [(len(SAMPLES),)]
    digests = dict(rows(build, "select case_id, email_digest from marts.macro_results where email_digest is not null"))
    assert digests == {s[0]: hashlib.sha256(str(s[3]).strip(" ").lower().encode()).hexdigest() for s in SAMPLES if s[3] is not None}
    hashed = rows(build, "select n_identifiers, n_hashes from marts.macro_hashes")
    assert hashed == [(len(SAMPLES) ** 2, len(SAMPLES) ** 2)] * 6
    assert rows(build, "select * from marts.macro_groups where case_id = 1") == [(1, 9, 2, 2, True, "123456712")]
    assert rows(build, "select case_id from marts.macro_groups order by 1") == [(1,), (2,), (5,), (7,), (8,), (9,), (10,)]


@pytest.mark.spark
@pytest.mark.skipif(bool(harness.missing()), reason=harness.missing() or "present")
def test_spark_equals_duckdb(nights: Callable[[int], Path], project: Path, tmp_path: Path) -> None:
    results = harness.run_parity(
        nights, len(NIGHTS), tmp_path / "parity", project=project, arguments=["build", "--exclude-resource-type", "unit_test"], compared=["marts"]
    )
    print(harness.table(results))
    assert len(results) == 5 * len(NIGHTS)
    assert [r for r in results if not r.same] == []


def test_comparison_sees_every_difference(tmp_path: Path) -> None:
    """The comparer itself: a missing row, another text, a double beyond the tolerance, another type."""
    with duckdb.connect() as db:
        db.execute("create table l as from (values (1, 'a', 0.5::double), (2, 'b', null), (2, 'b', 1/3)) t(i, s, x)")
        for change, n_different in [
            ("select * from l", 0),
            ("select i, s, x + 1e-12 as x from l", 0),
            ("select i, s, x + 1e-6 as x from l", 2),
            ("select i, s, coalesce(x, 0) as x from l", 1),
            ("select i, upper(s) as s, x from l", 6),
            ("select * from l where i = 2", 1),
        ]:
            db.execute(f"create or replace table r as {change}")
            assert harness.compare_table(db, "l", "r")[2] == n_different, change
        db.execute("create or replace table r as select i::varchar as i, s, x from l")
        assert harness.compare_table(db, "l", "r")[3] == "i: integer and text"
