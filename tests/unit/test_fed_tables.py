"""Which tables of events, and which of their columns, a district ever said: of the others silence is ignorance."""

from __future__ import annotations

import duckdb
import pytest

from pipelines.quality.build import fed_tables, write_fed_tables

ACTIONS, EDFI = "extract__discipline", "edfi__discipline_actions"


@pytest.mark.parametrize(
    ("accepted", "actions", "said"),
    [
        (set(), [("2", True)], []),
        ({"extract__attendance"}, [], []),
        ({"extract__marks", "edfi__grades", "extract__sections"}, [], ["edfi__grades", "extract__marks"]),
        ({ACTIONS}, [], [ACTIONS]),
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
