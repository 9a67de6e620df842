"""What every warehouse promises, on DuckDB and on a real PostgreSQL: the same tests for both."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from pipelines.publication.warehouse import Column, MartChange, Plan, SliceStatus, WarehouseError, open_warehouse
from tests.integration.warehouses import AS_OF, FIRST, OPEN_STATUS, STUDENTS, VALUES, WEEK, House, build, student, table, value


def test_nothing_is_there_before_the_first_publication(house: House) -> None:
    assert house.warehouse.current() is None
    assert house.warehouse.versions() == []
    assert house.warehouse.clear_leftovers() == []
    with pytest.raises(WarehouseError, match="nothing has been published"):
        house.warehouse.read(VALUES.name)


def test_every_type_comes_back_as_it_was_sent(house: House) -> None:
    sent = [value("a", "north", 7), value("a", None, None), value("b", "süd 'x'", -1)]
    house.publish("p1", sent)
    got = house.warehouse.read(VALUES.name).to_pylist()
    assert sorted(({k: r[k] for k in VALUES.column_names} for r in got), key=str) == sorted(sent, key=str)
    assert house.warehouse.current() == "p1"
    assert house.warehouse.marts() == (VALUES,)


def test_a_replaced_part_leaves_the_others_alone(house: House) -> None:
    house.publish("p1", FIRST)
    house.publish("p2", [value("b", "north", 40), value("b", None, 40)], parts="b")
    assert house.seen() == {("a", "north"): 1, ("a", "south"): 2, ("a", None): 3, ("b", "north"): 40, ("b", None): 40}
    assert house.seen("p1")[("b", "north")] == 4


def test_a_part_without_rows_is_removed(house: House) -> None:
    house.publish("p1", FIRST)
    house.publish("p2", [], parts="a")
    assert set(house.seen()) == {("b", "north"), ("b", "south"), ("b", None)}


def test_kept_schools_are_carried_over_inside_replaced_parts(house: House) -> None:
    house.publish("p1", FIRST)
    keep = (("attendance", 2027, "south"), ("attendance", 2027, ""))
    house.publish("p2", [value("a", "north", 10), value("a", "south", 20), value("a", None, 30), value("b", "north", 40)], parts="ab", keep=keep)
    assert house.seen() == {("a", "north"): 10, ("a", "south"): 2, ("a", None): 3, ("b", "north"): 40, ("b", "south"): 5, ("b", None): 9}


def test_a_kept_indicator_is_carried_over_at_every_school(house: House) -> None:
    def grades(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**row, "indicator_id": "grades 'D' or F"} for row in rows]

    def publish(publication_id: str, numerator: int, keep: tuple[tuple[str, int, str], ...]) -> None:
        rows = [value("a", school, numerator) for school in ("north", None)]
        parts = [value("a", "", 0)]
        file = build(house.folder / "build.duckdb", rows=table(VALUES, rows + grades(rows)), parts=table(VALUES, parts + grades(parts), VALUES.part))
        house.warehouse.publish(Plan(publication_id, file, (MartChange(VALUES, "publish.rows", "publish.parts", keep),), OPEN_STATUS))

    publish("p1", 1, ())
    publish("p2", 2, (("grades 'D' or F", 2027, "*"), ("attendance", 2027, "")))
    got = {(r["indicator_id"], r["school_id"]): r["numerator"] for r in house.warehouse.read(VALUES.name).to_pylist()}
    assert got == {("attendance", "north"): 2, ("attendance", None): 1, ("grades 'D' or F", "north"): 1, ("grades 'D' or F", None): 1}


def test_whole_ignores_what_was_there(house: House) -> None:
    house.publish("p1", FIRST)
    house.publish("p2", [value("a", "north", 100)])
    assert house.seen() == {("a", "north"): 100}


def test_parts_with_nulls_match(house: House) -> None:
    nullable = replace(VALUES, name="agg_by_school", key=("indicator_id", "school_year", "school_id", "period_start"), part=("indicator_id", "school_id"))
    file = build(house.folder / "build.duckdb", rows=table(VALUES, FIRST))
    house.warehouse.publish(Plan("p1", file, (MartChange(nullable, "publish.rows", whole=True),), ()))
    fresh = [value("a", None, 33)]
    file = build(house.folder / "build.duckdb", rows=table(VALUES, fresh), parts=table(VALUES, fresh, nullable.part))
    house.warehouse.publish(Plan("p2", file, (MartChange(nullable, "publish.rows", "publish.parts"),), ()))
    got = {(r["school_id"], r["numerator"]) for r in house.warehouse.read(nullable.name).to_pylist()}
    assert got == {("north", 1), ("south", 2), ("north", 4), ("south", 5), (None, 33)}


def test_status_of_a_slice_and_of_a_school(house: House) -> None:
    late = SliceStatus(VALUES.name, "attendance", 2027, "south", date(2026, 9, 4), "held")
    house.warehouse.publish(replace(house.change("p1", FIRST), slices=(*OPEN_STATUS, late)))
    rows = {(r["period_start"], r["school_id"]): r for r in house.warehouse.read(VALUES.name).to_pylist()}
    north, south, district = (rows[(WEEK["a"], s)] for s in ("north", "south", None))
    assert (north["data_as_of"], north["quality_status"], north["maturity_days"]) == (AS_OF, "pass", 8)
    assert (south["data_as_of"], south["quality_status"], south["maturity_days"]) == (date(2026, 9, 4), "held", 0)
    assert (district["data_as_of"], district["quality_status"]) == (AS_OF, "pass")
    house.warehouse.publish(Plan("p2", house.folder / "build.duckdb", (), (), {}))
    assert {r["data_as_of"] for r in house.warehouse.read(VALUES.name).to_pylist()} == {None}  # nothing is said about the slice
    assert {r["maturity_days"] for r in house.warehouse.read(VALUES.name).to_pylist()} == {None}


@pytest.mark.parametrize("schools", [("", None), ("north", "south", None)])
@pytest.mark.parametrize("own", ["", "south"])
def test_a_reader_gets_as_many_rows_as_were_asked_for(house: House, schools: tuple[str | None, ...], own: str) -> None:
    """DuckDB 2.0 lost the LIMIT of a reader where no school had a status of its own."""
    rows = [value(week, f"{school}{n}" if school else school, n, str(n)) for week in "ab" for school in schools for n in range(20 if school else 1)]
    late = [SliceStatus(VALUES.name, "attendance", 2027, own, date(2026, 9, 4), "held")] if own else []
    house.warehouse.publish(replace(house.change("p1", rows), slices=(*OPEN_STATUS, *late)))
    view = f"marts.{VALUES.name}"
    for query in (
        f"select * from {view}",
        f"select marker from {view} where numerator >= 0",
        f"select * from (select * from {view}) v where quality_status = 'pass'",
    ):
        assert len(house.ask(f"{query} limit 3")) == 3
        assert len(house.ask(f"{query} limit 2 offset 1")) == 2
    assert len(house.ask(f"select * from {view}")) == len(rows)


def test_unchanged_marts_and_operations_stay(house: House) -> None:
    file = build(house.folder / "build.duckdb", rows=table(VALUES, FIRST), students=table(STUDENTS, [student("s1", "north")]))
    changes = (MartChange(VALUES, "publish.rows", whole=True), MartChange(STUDENTS, "publish.students", whole=True))
    house.warehouse.publish(Plan("p1", file, changes, OPEN_STATUS, {"verdicts": pa.table({"marker": ["first"], "n": [0]}), "checks": pa.table({"b": [None]})}))
    house.publish("p2", [value("a", "north", 0)], parts="a")
    assert house.warehouse.read(STUDENTS.name).to_pylist() == [{**student("s1", "north"), "data_as_of": AS_OF, "quality_status": "pass"}]
    assert house.warehouse.read_operations("checks").to_pylist() == [{"b": None}]
    assert house.warehouse.read_operations("verdicts").to_pylist() == [{"marker": "none", "n": 1}]
    assert house.warehouse.read_operations("verdicts", "p1").to_pylist() == [{"marker": "first", "n": 0}]
    assert {r["indicator_id"] for r in house.warehouse.read_operations("slices").to_pylist()} == {"attendance"}


def test_a_mart_may_gain_lose_and_retype_columns(house: House) -> None:
    house.publish("p1", FIRST)
    columns = tuple(Column("numerator", "decimal(12,2)") if c.name == "numerator" else c for c in VALUES.columns if c.name != "is_flagged")
    for name, mart in (("p2", replace(VALUES, columns=(*VALUES.columns, Column("note", "varchar")))), ("p3", replace(VALUES, columns=columns))):
        rows = table(VALUES, [value("b", "north", 40)])
        if name == "p2":
            rows = rows.append_column("note", pa.array(["new"]))
        file = build(house.folder / "build.duckdb", rows=rows, parts=table(VALUES, [value("b", "", 0)], VALUES.part))
        house.warehouse.publish(Plan(name, file, (MartChange(mart, "publish.rows", "publish.parts"),), OPEN_STATUS))
        assert house.seen() == {("a", "north"): 1, ("a", "south"): 2, ("a", None): 3, ("b", "north"): 40}
        got = house.warehouse.read(VALUES.name)
        assert got.column_names == [c.name for c in mart.public_columns]
        assert house.seen("p1")[("b", "south")] == 5
    assert set(house.warehouse.read(VALUES.name)["numerator"].to_pylist()) == {Decimal("1.00"), Decimal("2.00"), Decimal("3.00"), Decimal("40.00")}
    house.warehouse.rollback("p1")
    assert house.seen()[("b", None)] == 9


def test_content_depends_on_rows_alone(house: House) -> None:
    house.publish("p1", FIRST)
    house.publish("p2", [value("b", "north", 40)], parts="b")
    house.publish("p3", list(reversed(FIRST)))
    first, second, third = (house.warehouse.content(VALUES.name, p) for p in ("p1", "p2", "p3"))
    assert first == third == house.warehouse.content(VALUES.name)
    assert first != second
    assert first.n_rows == 6
    # the same on every warehouse and machine:
    assert first.hash == "ce95b51daaebbde1d6767a76a7ca35e367db30101af12b0b2b796c747653a36b"


def test_rollback_and_on_from_there(house: House) -> None:
    house.publish("p1", FIRST)
    house.publish("p2", [value("a", "north", 100)])
    house.warehouse.rollback("p1")
    assert house.warehouse.current() == "p1"
    assert house.seen()[("a", "north")] == 1
    assert house.warehouse.versions() == ["p1", "p2"]
    house.publish("p3", [value("b", "north", 44)], parts="b")
    assert house.seen() == {("a", "north"): 1, ("a", "south"): 2, ("a", None): 3, ("b", "north"): 44}
    house.warehouse.rollback("p2")
    assert house.seen() == {("a", "north"): 100}
    with pytest.raises(WarehouseError, match="no publication p9"):
        house.warehouse.rollback("p9")


def test_prune_spares_the_current_one_and_what_it_shares(house: House) -> None:
    file = build(house.folder / "build.duckdb", students=table(STUDENTS, [student("s1", "north")]))
    house.warehouse.publish(Plan("p0", file, (MartChange(STUDENTS, "publish.students", whole=True),), OPEN_STATUS))
    for n in range(1, 6):
        house.publish(f"p{n}", [value("a", "north", n)])
    house.warehouse.rollback("p1")
    assert house.warehouse.prune(2) == ["p0", "p2", "p3"]
    assert house.warehouse.versions() == ["p1", "p4", "p5"]
    assert house.seen() == {("a", "north"): 1}
    assert house.warehouse.read(STUDENTS.name).num_rows == 1  # written by p0, and still part of the others
    with pytest.raises(WarehouseError, match="no publication p3"):
        house.warehouse.read(VALUES.name, "p3")
    assert house.warehouse.clear_leftovers() == []


@pytest.mark.parametrize(
    ("rows", "parts", "why"),
    [
        ([value("a", "north", 1), value("a", "north", 2)], "a", "1 keys occur more than once"),
        ([value("a", "north", 1), value("b", "north", 2)], "a", "1 rows of publish.rows lie in parts"),
    ],
)
def test_a_bad_change_is_refused_and_nothing_moves(house: House, rows: list[dict[str, Any]], parts: str, why: str) -> None:
    house.publish("p1", FIRST)
    with pytest.raises(WarehouseError, match=why):
        house.publish("p2", rows, parts)
    plan = house.change("p2", [value("a", "north", 1)], "a")
    broken = replace(plan.changes[0], mart=replace(VALUES, columns=(*VALUES.columns, Column("missing", "varchar"))))
    with pytest.raises(WarehouseError, match="lacks missing"):
        house.warehouse.publish(replace(plan, changes=(broken,)))
    with pytest.raises(WarehouseError, match=r"has no publish\.nowhere"):
        house.warehouse.publish(replace(plan, changes=(replace(plan.changes[0], rows="publish.nowhere"),)))
    with pytest.raises(WarehouseError, match="exists already"):
        house.publish("p1", FIRST)
    assert house.warehouse.current() == "p1"
    assert len(house.seen()) == 6
    house.publish("p2", [value("a", "north", 1)], "a")


def test_an_error_shows_no_value_of_a_row(house: House) -> None:
    rows = table(VALUES, FIRST)
    rows = rows.set_column(rows.column_names.index("numerator"), "numerator", pa.array(["Fictional Pupil"] * 6))
    file = build(house.folder / "build.duckdb", rows=rows)
    with pytest.raises(WarehouseError) as caught:
        house.warehouse.publish(Plan("p1", file, (MartChange(VALUES, "publish.rows", whole=True),), OPEN_STATUS))
    assert "Pupil" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_one_publisher_at_a_time(house: House) -> None:
    house.publish("p1", FIRST)
    impatient = open_warehouse(house.url, wait_seconds=0)
    with house.warehouse._publisher(), pytest.raises(WarehouseError, match="another publisher"):  # type: ignore[attr-defined]  # held by hand
        impatient.publish(house.change("p2", FIRST))
    impatient.publish(house.change("p2", FIRST))


def test_the_password_shows_nowhere() -> None:
    url = "postgresql://throughline:s3cret%40word@127.0.0.1:1/nowhere"
    warehouse = open_warehouse(url)
    with pytest.raises(WarehouseError) as caught:
        warehouse.current()
    with pytest.raises(WarehouseError) as misspelt:
        open_warehouse(url.replace("postgresql", "postgrseql"))
    for text in (repr(warehouse), warehouse.location(), warehouse.how_to_open(), str(caught.value), repr(caught.value), str(misspelt.value)):
        assert "s3cret" not in text
    assert warehouse.location() == "postgresql://throughline:***@127.0.0.1:1/nowhere"
