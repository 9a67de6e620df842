"""What the PostgreSQL warehouse alone promises: rights, row policies, plans and transactions that outlast publications."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from pipelines.publication.postgres import PostgresWarehouse
from pipelines.publication.warehouse import MartChange, Plan, open_warehouse
from tests.integration.warehouses import (
    FIRST,
    OPEN_STATUS,
    STUDENTS,
    STUDENTS_SQL,
    VALUES,
    House,
    build,
    is_whole,
    look,
    marked,
    start,
    student,
    table,
)
from tests.postgres import Server


def test_grants_and_row_policies_outlast_publications(postgres: Server, tmp_path: Path) -> None:
    url = postgres.create_database()
    house = House(open_warehouse(url), url, tmp_path)
    start(house)
    suffix = url.rpartition("/")[2]
    principal, analyst = f"principal_{suffix}", f"analyst_{suffix}"
    assert isinstance(house.warehouse, PostgresWarehouse)
    with psycopg.connect(url, autocommit=True) as db:
        for role in (principal, analyst):
            db.execute(f"create role {role} login password 'fictional'")
    house.warehouse.allow(analyst, "marts")
    house.warehouse.allow(principal, "marts_restricted")
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("create schema bi")
        db.execute("create view bi.mine as select count(*) as n from marts.agg_indicator_values")

    def count(user: str, sql: str) -> int:
        with psycopg.connect(postgres.url(suffix, user, "fictional")) as db:
            return int((db.execute(sql).fetchone() or (-1,))[0])

    students = "select count(*) from marts_restricted.fct_student_indicators"
    assert count(principal, students) == 0  # no policy yet
    with psycopg.connect(url, autocommit=True) as db:
        db.execute(f"create policy own_school on throughline_store.fct_student_indicators for select to {principal} using (student_id < 'u2')")
    for publication_id in ("p01", "p02", "p03"):
        house.warehouse.publish(marked(house, publication_id))
        house.warehouse.prune(1)
        assert count(principal, students) == 112  # u0, u1, u10..u19, u100..u199
        assert count(analyst, "select count(*) from marts.agg_indicator_values") == 203
        with psycopg.connect(url) as db:
            assert db.execute("select n from bi.mine").fetchone() == (203,)
        for user, sql in (
            (analyst, students),
            (analyst, "select count(*) from throughline_store.agg_indicator_values"),
            (principal, "select count(*) from marts.agg_indicator_values"),
            (principal, "select count(*) from throughline_store.fct_student_indicators__001"),
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                count(user, sql)
    later = replace(STUDENTS, name="fct_later")
    file = build(tmp_path / "build.duckdb", rows=table(STUDENTS, [student("s1", "north")]), open=table(VALUES, FIRST))
    changes = (MartChange(later, "publish.rows", whole=True), MartChange(replace(VALUES, name="agg_later"), "publish.open", whole=True))
    house.warehouse.publish(Plan("p04", file, changes, OPEN_STATUS))
    assert count(principal, "select count(*) from marts_restricted.fct_later") == 0  # let in, and no policy yet
    assert count(analyst, "select count(*) from marts.agg_later") == 6
    retyped = replace(VALUES, name="agg_later", columns=tuple(c for c in VALUES.columns if c.name != "is_flagged"))
    house.warehouse.publish(Plan("p05", file, (MartChange(retyped, "publish.open", whole=True),), OPEN_STATUS))
    assert count(analyst, "select count(*) from marts.agg_later") == 6


def test_only_the_current_partition_is_scanned(postgres: Server, tmp_path: Path) -> None:
    url = postgres.create_database()
    house = House(open_warehouse(url), url, tmp_path)
    start(house)
    for n in range(3):
        house.warehouse.publish(marked(house, f"p1{n}"))
    with psycopg.connect(url) as db:
        plan = "\n".join(r[0] for r in db.execute("explain (analyze, costs off, timing off) select count(*) from marts.agg_indicator_values"))
    ran = [line for line in plan.splitlines() if "agg_indicator_values__0" in line and "Index Cond" not in line and "never executed" not in line]
    assert len(ran) == 1, plan


def test_a_long_reader_keeps_its_publication_and_delays_none(postgres: Server, tmp_path: Path) -> None:
    url = postgres.create_database()
    house = House(open_warehouse(url), url, tmp_path)
    start(house)
    with psycopg.connect(url) as reader:
        reader.execute("set transaction isolation level repeatable read")
        sql = "select min(marker), count(*) from marts.agg_indicator_values where marker <> ''"
        assert reader.execute(sql).fetchone() == ("p00", 200)
        for n in range(1, 14):  # more than there are slots at first, so that the reader's own is used again
            house.warehouse.publish(marked(house, f"p{n:02}"))
            house.warehouse.prune(1)
            assert reader.execute(sql).fetchone() == ("p00", 200)
            assert reader.execute(STUDENTS_SQL).fetchone() == ("p00 p00 200 p00",)
        assert house.warehouse.versions() == ["p13"]
    assert is_whole(look(url))


@pytest.mark.parametrize("prepare_threshold", [None, 0])
def test_a_statement_planned_before_a_publication_sees_it_whole(postgres: Server, tmp_path: Path, prepare_threshold: int | None) -> None:
    url = postgres.create_database()
    house = House(open_warehouse(url), url, tmp_path)
    start(house)
    with psycopg.connect(url) as reader:  # read committed: each statement has a snapshot of its own, and locks and plans stay
        reader.prepare_threshold = prepare_threshold
        sql = "select min(marker), max(marker), count(*) from marts.agg_indicator_values where marker <> ''"
        for n in range(1, 12):
            assert reader.execute(sql).fetchone() == (f"p{n - 1:02}", f"p{n - 1:02}", 200)
            house.warehouse.publish(marked(house, f"p{n:02}"))
            house.warehouse.prune(3)
