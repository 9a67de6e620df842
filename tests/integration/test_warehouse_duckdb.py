"""What the DuckDB warehouse alone promises: its files, links and modes."""

from __future__ import annotations

import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from pipelines.publication.warehouse import MartChange, Plan, WarehouseError, open_warehouse
from tests.integration.warehouses import FIRST, OPEN_STATUS, STUDENTS, House, value


@pytest.fixture
def files(tmp_path: Path) -> House:
    url = f"duckdb:///{tmp_path}/warehouse/throughline.duckdb"
    return House(open_warehouse(url), url, tmp_path)


def test_an_open_connection_keeps_its_version_and_a_new_one_sees_the_next(files: House) -> None:
    file = str(files.folder / "warehouse" / "throughline.duckdb")
    sql = "select max(numerator) from marts.agg_indicator_values"
    files.publish("p1", [value("a", "north", 1)])
    with duckdb.connect(file, read_only=True) as old:
        assert old.execute(sql).fetchone() == (1,)
        files.publish("p2", [value("a", "north", 2)])
        files.publish("p3", [value("a", "north", 3)])
        assert files.warehouse.prune(1) == ["p1", "p2"]
        assert old.execute(sql).fetchone() == (1,)
        with duckdb.connect(file, read_only=True) as new:
            assert new.execute(sql).fetchone() == (3,)
    fresh = f"import duckdb; print(duckdb.connect({file!r}, read_only=True).execute({sql!r}).fetchone()[0])"
    assert subprocess.run([sys.executable, "-c", fresh], capture_output=True, text=True, check=True).stdout == "3\n"


def test_the_layout_of_the_folder(files: House) -> None:
    files.publish("p1", FIRST)
    root = files.folder / "warehouse"
    assert sorted(p.name for p in root.iterdir()) == [".lock", "current", "restricted.duckdb", "throughline.duckdb", "versions"]
    assert str((root / "throughline.duckdb").readlink()) == "current/throughline.duckdb"
    assert str((root / "current").readlink()) == "versions/p1"
    version = root / "versions" / "p1"
    assert sorted(p.name for p in version.iterdir()) == ["manifest.json", "published", "restricted.duckdb", "throughline.duckdb"]
    assert stat.S_IMODE((version / "throughline.duckdb").stat().st_mode) == 0o444
    assert stat.S_IMODE((version / "restricted.duckdb").stat().st_mode) == 0o600
    with duckdb.connect() as con:
        con.execute(f"attach '{root / 'throughline.duckdb'}' as anything (read_only)")
        assert con.execute("select tags['storage_version'] from duckdb_databases() where database_name = 'anything'").fetchone() == ("v1.2.0+",)
        assert con.execute("select count(*) from anything.marts.agg_indicator_values").fetchone() == (6,)


def test_a_version_that_never_became_visible_is_not_a_publication(files: House) -> None:
    files.publish("p1", FIRST)
    files.publish("p2", FIRST)
    files.warehouse.rollback("p1")
    (files.folder / "warehouse" / "versions" / "p2" / "published").unlink()  # as if killed between writing p2 and showing it
    assert files.warehouse.versions() == ["p1"]
    assert files.warehouse.clear_leftovers() == ["p2"]
    files.publish("p2", FIRST)


def test_a_file_of_someone_elses_is_not_replaced(files: House) -> None:
    (files.folder / "warehouse").mkdir()
    (files.folder / "warehouse" / "throughline.duckdb").write_bytes(b"mine")
    with pytest.raises(WarehouseError, match="is a file of its own"):
        files.publish("p1", FIRST)


def test_a_file_that_is_mostly_free_space_is_written_anew(files: House) -> None:
    with duckdb.connect(str(files.folder / "build.duckdb")) as con:
        con.execute("create schema publish")
        con.execute(
            "create table publish.students as select 'attendance' as indicator_id, 2027 as school_year, 'north' as school_id,"
            " 'u' || i as student_id, md5(i::varchar) as marker from range(600_000) t(i)"
        )
        con.execute("create table publish.parts as select indicator_id, school_year, student_id from publish.students where student_id <> 'u7'")
        con.execute("create table publish.none as select * from publish.students limit 0")
    file = files.folder / "warehouse" / "restricted.duckdb"
    first = Plan("p1", files.folder / "build.duckdb", (MartChange(STUDENTS, "publish.students", whole=True),), OPEN_STATUS)
    files.warehouse.publish(first)
    before = file.stat().st_size
    files.warehouse.publish(replace(first, publication_id="p2", changes=(MartChange(STUDENTS, "publish.none", "publish.parts"),)))
    assert files.warehouse.read(STUDENTS.name)["student_id"].to_pylist() == ["u7"]
    assert file.stat().st_size < before / 5
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
