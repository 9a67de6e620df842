"""What the warehouse tests share: two marts, build databases, a warehouse under test, and what a plain client sees of it."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pyarrow as pa

from pipelines.publication.warehouse import Column, Mart, MartChange, Plan, SliceStatus, Warehouse

AS_OF = date(2026, 9, 14)

VALUES = Mart(
    "agg_indicator_values",
    "marts",
    (
        Column("indicator_id", "varchar"),
        Column("school_year", "integer"),
        Column("school_id", "varchar"),
        Column("period_start", "date"),
        Column("period_end", "date"),
        Column("numerator", "bigint"),
        Column("value", "double"),
        Column("cost_usd", "decimal(12,2)"),
        Column("is_flagged", "boolean"),
        Column("seen_at", "timestamp"),
        Column("marker", "varchar"),
    ),
    key=("indicator_id", "school_year", "period_start", "school_id"),
    part=("indicator_id", "school_year", "period_start"),
)
STUDENTS = Mart(
    "fct_student_indicators",
    "marts_restricted",
    (
        Column("indicator_id", "varchar"),
        Column("school_year", "integer"),
        Column("school_id", "varchar"),
        Column("student_id", "varchar"),
        Column("marker", "varchar"),
    ),
    key=("indicator_id", "school_year", "student_id", "school_id"),
    part=("indicator_id", "school_year", "student_id"),
)
WEEK = {"a": date(2026, 8, 31), "b": date(2026, 9, 7)}
OPEN_STATUS = (SliceStatus(VALUES.name, "attendance", 2027, "", AS_OF, "pass"), SliceStatus(STUDENTS.name, "attendance", 2027, "", AS_OF, "pass"))


def value(week: str, school: str | None, numerator: int | None, marker: str = "") -> dict[str, Any]:
    """A row of VALUES; every type that a warehouse holds, with nulls where `numerator` is null."""
    start = WEEK[week]
    return {
        "indicator_id": "attendance",
        "school_year": 2027,
        "school_id": school,
        "period_start": start,
        "period_end": date.fromordinal(start.toordinal() + 6),
        "numerator": numerator,
        "value": None if numerator is None else numerator / 3,
        "cost_usd": None if numerator is None else Decimal(f"{numerator}.25"),
        "is_flagged": None if numerator is None else numerator > 5,
        "seen_at": datetime(2026, 9, 14, 2, 3, 4, 567000),
        "marker": marker,
    }


def student(student_id: str, school: str, marker: str = "") -> dict[str, Any]:
    return {"indicator_id": "attendance", "school_year": 2027, "school_id": school, "student_id": student_id, "marker": marker}


def table(mart: Mart, rows: list[dict[str, Any]], columns: tuple[str, ...] = ()) -> pa.Table:
    kinds = {"varchar": pa.string(), "integer": pa.int32(), "bigint": pa.int64(), "double": pa.float64(), "boolean": pa.bool_(), "date": pa.date32()}
    kinds |= {"timestamp": pa.timestamp("us"), "decimal(12,2)": pa.decimal128(12, 2)}
    names = columns or mart.column_names
    types = {c.name: kinds[c.type] for c in mart.columns}
    return pa.Table.from_pylist([{n: r.get(n) for n in names} for r in rows], schema=pa.schema([(n, types[n]) for n in names]))


def build(path: Path, **relations: pa.Table) -> Path:
    """A build database with `publish.<name>` for each relation."""
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as con:
        con.execute("create schema publish")
        for name, rows in relations.items():
            con.register("incoming", rows)
            con.execute(f"create table publish.{name} as select * from incoming")
            con.unregister("incoming")
    return path


@dataclass
class House:
    """A warehouse under test and a folder for build databases."""

    warehouse: Warehouse
    url: str
    folder: Path
    operations: dict[str, pa.Table] = field(default_factory=lambda: {"verdicts": pa.table({"marker": ["none"], "n": [1]})})

    def change(self, publication_id: str, rows: list[dict[str, Any]], parts: str = "", keep: tuple[tuple[str, int, str], ...] = ()) -> Plan:
        """A plan that replaces the weeks named in `parts` ("ab"), or everything when it is empty."""
        file = build(
            self.folder / "build.duckdb",
            rows=table(VALUES, rows),
            parts=table(VALUES, [value(week, "", 0) for week in parts], VALUES.part),
        )
        change = MartChange(VALUES, "publish.rows", "publish.parts" if parts else "", keep, whole=not parts)
        return Plan(publication_id, file, (change,), OPEN_STATUS, self.operations)

    def publish(self, publication_id: str, rows: list[dict[str, Any]], parts: str = "", keep: tuple[tuple[str, int, str], ...] = ()) -> None:
        self.warehouse.publish(self.change(publication_id, rows, parts, keep))

    def seen(self, publication_id: str | None = None) -> dict[tuple[str, str | None], int | None]:
        """Week and school -> numerator, as people see it."""
        weeks = {start: week for week, start in WEEK.items()}
        rows = self.warehouse.read(VALUES.name, publication_id).to_pylist()
        found = {(weeks[r["period_start"]], r["school_id"]): r["numerator"] for r in rows}
        assert len(found) == len(rows)
        return found

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """What a plain client gets."""
        if self.url.startswith("duckdb:///"):
            with duckdb.connect(self.url.removeprefix("duckdb:///"), read_only=True) as con:
                return con.execute(query).fetchall()
        with psycopg.connect(self.url) as db:
            return db.execute(query.encode()).fetchall()


FIRST = [value("a", "north", 1), value("a", "south", 2), value("a", None, 3), value("b", "north", 4), value("b", "south", 5), value("b", None, 9)]


def marked(house: House, publication_id: str, n_rows: int = 200) -> Plan:
    """A plan in which every row of week b, every student's row and every operations row bears the publication's id; week a stays."""
    rows = [value("b", f"s{i}", i, publication_id) for i in range(n_rows)]
    people = [student(f"u{i}", "north", publication_id) for i in range(n_rows)]
    file = build(
        house.folder / f"build-{os.getpid()}.duckdb",
        rows=table(VALUES, rows),
        parts=table(VALUES, rows[:1], VALUES.part),
        students=table(STUDENTS, people),
        touched=table(STUDENTS, people, STUDENTS.part),
    )
    changes = (MartChange(VALUES, "publish.rows", "publish.parts"), MartChange(STUDENTS, "publish.students", "publish.touched"))
    statuses = tuple(replace(s, quality_status=publication_id) for s in OPEN_STATUS)
    return Plan(publication_id, file, changes, statuses, {"verdicts": pa.table({"marker": [publication_id]})})


LATE = "period_start = date '2026-09-07'"
ONE = (
    f"select (select min(marker) || ' ' || max(marker) || ' ' || count(*) || ' ' || min(quality_status) from {{v}} where {LATE}),"
    f" (select count(*) from {{v}} where not ({LATE})), (select min(marker) from {{o}})"
)
STUDENTS_SQL = "select min(marker) || ' ' || max(marker) || ' ' || count(*) || ' ' || min(quality_status) from marts_restricted.fct_student_indicators"


def look(url: str) -> tuple[Any, ...]:
    """What a plain client sees, restricted marts included: (values, rows of week a, verdicts, students)."""
    one = ONE.format(v="marts.agg_indicator_values", o="operations.verdicts")
    if url.startswith("duckdb:///"):
        folder = Path(url.removeprefix("duckdb:///")).parent
        with duckdb.connect(str(folder / "throughline.duckdb"), read_only=True) as con:
            got = con.execute(one).fetchone() or ()
        both = (folder / "current").resolve()  # whoever wants both files of one publication takes them from one folder
        with (
            duckdb.connect(str(both / "throughline.duckdb"), read_only=True) as a,
            duckdb.connect(str(both / "restricted.duckdb"), read_only=True) as b,
        ):
            pair = (a.execute(one).fetchone() or ())[0], (b.execute(STUDENTS_SQL).fetchone() or ())[0]
        assert pair[0] == pair[1], pair
        return (*got, got[0])
    with psycopg.connect(url) as db:
        both_at_once = db.execute(f"select ({STUDENTS_SQL}), s.* from ({one}) s").fetchone() or ()
        db.commit()
        db.execute("set transaction isolation level repeatable read")
        first = db.execute(one).fetchone() or ()
        time.sleep(0.005)
        students = (db.execute(STUDENTS_SQL).fetchone() or ())[0]
        again = db.execute(one).fetchone()
    assert again == first
    assert students == first[0]
    return (*both_at_once[1:], both_at_once[0])


def is_whole(seen: tuple[Any, ...], n_rows: int = 200) -> bool:
    marker = seen[2]
    return seen == (f"{marker} {marker} {n_rows} {marker}", 3, marker, f"{marker} {marker} {n_rows} {marker}")


def start(house: House) -> None:
    """The publication that readers start from: week a as in FIRST, all else marked p00."""
    house.publish("p", FIRST[:3])
    house.warehouse.publish(marked(house, "p00"))
