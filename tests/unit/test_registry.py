"""The improvement registry's sheets, read as people type them; and that the gate's words are the layout's words."""

from __future__ import annotations

import re
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.district import Source
from pipelines.quality.expectations import in_plain_words, load_suites
from pipelines.sources import registry
from pipelines.sources.shape import Reading

SOURCE = Source.model_validate({"id": "team", "format": "registry", "path": "team/*.xlsx", "file_type": "excel"})
CYCLE = {"Cycle": "c1", "AIM": "every child heard", "Change idea": "call home", "Start date": "2025-09-08"}
DB = duckdb.connect()


def read(sheet: str, *rows: dict[str, str], source: Source = SOURCE) -> list[dict[str, Any]]:
    names = list(dict.fromkeys(n for r in rows for n in r))
    cells = {n: pa.array([r.get(n, "") for r in rows], pa.string()) for n in names}
    same = {"_delivery_id": ["d"] * len(rows), "_file": ["f"] * len(rows), "_line": range(2, len(rows) + 2), "_defect": pa.nulls(len(rows), pa.string())}
    DB.register("raw", pa.table({**cells, **same}))
    table = registry.TABLES[sheet]
    projection = registry.projection(table, source, names, Reading())
    assert projection.missing == ()
    result = DB.execute(projection.sql + " order by _line")
    found = [dict(zip([c[0] for c in result.description or ()], row, strict=True)) for row in result.fetchall()]
    ((n_context,),) = DB.execute(f"select count(*) from raw where {projection.context}").fetchall()
    assert len(found) + n_context == len(rows), "a line is neither a row nor said to be none"
    return found


@pytest.mark.parametrize(
    ("typed", "is_read"),
    [
        ("Adopt", "adopt"), (" ADAPT ", "adapt"), ("abandon (too costly)", "abandon"), ("adopt - from spring", "adopt"), ("Adopt*", "adopt"),
        ("keep", "keep"), ("adoption", "adoption"), ("", None),
    ],
)  # fmt: skip
def test_listed_words_with_whatever_follows_them(typed: str, is_read: str | None) -> None:
    assert read("cycles", {**CYCLE, "Decision": typed})[0]["decision"] == is_read


@pytest.mark.parametrize(
    "typed",
    [
        "2025-09-08",
        "Sept 8, 2025",
        "September 8 2025",
        "8 Sep 2025",
        "Mon, Sep 8, 2025",
        "sep. 8th, 2025",
        "8th of September 2025",
        "2025-09-08 (approx.)",
        "8-SEP-2025",
    ],
)  # fmt: skip
def test_dates_as_people_type_them(typed: str) -> None:
    assert read("cycles", {**CYCLE, "Start date": typed})[0]["start_date"] == "2025-09-08"


@settings(max_examples=60, deadline=None)
@given(day=st.dates(), style=st.sampled_from(["%B {d}, %Y", "%b {d}, %Y", "{d} %B %Y", "%A, %B {d}, %Y"]))
def test_any_date_with_a_months_name(day: Any, style: str) -> None:
    day = day.replace(year=1000 + day.year % 9000)
    assert read("cycles", {**CYCLE, "Start date": day.strftime(style.replace("{d}", str(day.day)))})[0]["start_date"] == day.isoformat()


@pytest.mark.parametrize("typed", ["soon", "fall 2025", "Sep 31, 2025", "9/8/2025"])
def test_what_is_no_certain_date_is_left_as_it_stands(typed: str) -> None:
    assert read("cycles", {**CYCLE, "Start date": typed})[0]["start_date"] == typed


@pytest.mark.parametrize(
    ("typed", "is_read"), [("1,250", "1250"), ("62.5 %", "62.5"), ("12 (estimate)", "12"), (".5", ".5"), ("-3", "-3"), ("about 12", "about 12")]
)
def test_numbers(typed: str, is_read: str) -> None:
    assert read("cycle_measures", {"cycle": "c1", "measure": "calls", "kind": "process", "date": "2025-09-08", "value": typed})[0]["value"] == is_read


def test_remarks_below_the_table_are_no_rows() -> None:
    found = read("cycles", CYCLE, {"Cycle": "Note: dates are approximate"}, {"AIM": "see also the minutes"}, {**CYCLE, "Cycle": "c2"})
    assert [r["cycle_id"] for r in found] == ["c1", "c2"]


def test_a_column_that_is_not_there_is_suggested() -> None:
    table = registry.TABLES["cycles"]
    projection = registry.projection(table, SOURCE, ["Cycle", "Aims of it", "changeidea", "Start", "_line", "_defect"], Reading())
    assert projection.missing == ("aim",)
    assert projection.unknown == ("Aims of it",)


def test_files_by_name() -> None:
    tables_of = registry.FORMAT.tables_of
    text = SOURCE.model_copy(update={"file_type": "csv"})
    assert [t.name for t in tables_of(text, "team/cycle_measures_2025-09-08.csv")] == ["registry__cycle_measures"]  # type: ignore[union-attr]
    assert "its name says no sheet" in str(tables_of(text, "team/minutes.csv"))
    assert len(tables_of(SOURCE, "team/plan.xlsx")) == len(registry.TABLES)


def test_the_gate_knows_the_layouts_words() -> None:
    suites = load_suites("arrival")
    for sheet, layout in registry.SHEETS.items():
        rules = {r.id: r for r in suites[f"registry__{sheet}"].rules}
        for column, kind in layout["columns"].items():
            if isinstance(kind, list):
                rule = rules[f"{column}_is_a_listed_word"]
                assert re.findall("'([^']+)'", rule.bad_when.partition(" in (")[2]) == kind
                assert rule.must == ", ".join(kind[:-1]) + " or " + kind[-1]
            elif kind == "date":
                assert f"{column}_is_a_date" in rules
        for rule in rules.values():
            assert bool(rule.must) == bool(rule.column), rule.id


def test_the_sentence() -> None:
    rule = next(r for r in load_suites("arrival")["registry__cycles"].rules if r.id == "decision_is_a_listed_word")
    assert in_plain_words(rule, "registry__cycles", 7, "keep") == "Row 7 of sheet 'cycles': 'decision' is 'keep', it must be adopt, adapt or abandon"
    aim = next(r for r in load_suites("arrival")["registry__cycles"].rules if r.id == "aim_is_given")
    assert in_plain_words(aim, "registry__cycles", 3, None) == "Row 3 of sheet 'cycles': 'aim' is blank, it must be filled in"
