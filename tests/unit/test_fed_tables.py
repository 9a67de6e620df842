"""Which tables of events, and which of their columns, a district ever said: of the others silence is ignorance."""

from __future__ import annotations

import duckdb
import pytest

from pipelines.lineage.evidence_stays import INCIDENTS
from pipelines.quality.build import fed_tables, write_fed_tables

ACTIONS, EDFI = "extract__discipline", "edfi__discipline_actions"


@pytest.mark.parametrize(
    ("accepted", "actions", "said"),
    [
        (set(), [("2", True)], []),
        ({"extract__attendance"}, [], []),
        ({"extract__marks", "edfi__grades", "extract__sections"}, [], ["edfi__grades", "extract__marks"]),
        ({ACTIONS}, [], [ACTIONS]),
        ({"edfi__assessments", "edfi__student_assessments"}, [], ["edfi__student_assessments"]),
        ({"edfi__discipline_incidents", "edfi__students"}, [], ["edfi__discipline_incidents"]),
        ({ACTIONS}, [("", True), (None, True)], [ACTIONS]),
        ({ACTIONS}, [(None, True), ("0.5", True)], [ACTIONS, f"{ACTIONS}.days"]),
        ({ACTIONS}, [("3", False)], [ACTIONS]),  # the one that said its days was taken back
        ({ACTIONS, EDFI}, [("3", True)], [EDFI, f"{EDFI}.actual_days", ACTIONS, f"{ACTIONS}.days"]),
    ],
)  # fmt: skip
def test_what_was_said(accepted: set[str], actions: list[tuple[str | None, bool]], said: list[str]) -> None:
    with duckdb.connect(":memory:") as db:
        for schema in ("held", "settings"):
            db.execute(f"create schema {schema}")
        db.execute(f"create table held.{ACTIONS} (days varchar, _is_open boolean)")
        db.execute(f"create table held.{EDFI} as select null::varchar as assigned_days, '1' as actual_days, true as _is_open")
        for row in actions:
            db.execute(f"insert into held.{ACTIONS} values (?, ?)", row)
        write_fed_tables(db, accepted)
        assert fed_tables(db) == said


@pytest.mark.parametrize(
    ("fed", "known"),
    [
        ([], 0),
        ([EDFI], 0),
        (["edfi__discipline_behaviors"], 0),
        (["edfi__discipline_incidents"], 0),
        (["edfi__discipline_behaviors", "edfi__discipline_incidents"], 1),
        ([ACTIONS], 1),
    ],
)
def test_the_trace_finds_stays_where_incidents_are_known(fed: list[str], known: int) -> None:
    with duckdb.connect(":memory:") as db:
        for schema in ("core", "settings"):
            db.execute(f"create schema {schema}")
        db.execute(
            "create table core.dim_stints as select 'a' as student_key, 'K' as school_key, date '2025-09-02' as entry_date, date '2026-06-13' as exit_date"
        )
        db.execute("create table settings.school_years as select 2026 as school_year, date '2025-09-01' as start_date, date '2026-06-12' as end_date")
        db.execute("create table trace_dates as select date '2025-09-02' as calendar_date, 2026 as school_year")
        db.execute("create table core.dim_student_grades as select 'a' as student_key, 2026 as school_year, '09' as grade_level")
        db.execute("create table settings.night as select date '2025-09-08' as as_of")
        db.execute("create table settings.fed_tables (table_name varchar)")
        db.execute(
            "create table core.fct_discipline_incidents (incident_id varchar, student_key varchar, school_key varchar, incident_date date, "
            "delivery_id varchar, line_number bigint)"
        )
        for table in fed:
            db.execute("insert into settings.fed_tables values (?)", [table])
        assert [row[-1] for row in db.execute(INCIDENTS).fetchall()] == [1] * known
