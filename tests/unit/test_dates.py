"""How a column's dates are settled by all its values: Python's own strftime writes them, the evidence must find them again or say that it cannot."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.quality.dates import formats, settle
from pipelines.sources.shape import iso_date

DAYS = st.lists(st.dates(date(1970, 1, 1), date(2068, 12, 31)), min_size=1, max_size=40)
PAIRS = [(sep, year) for sep in "/-." for year in ("%Y", "%y")]
DB = duckdb.connect()


def read(texts: list[str], db: duckdb.DuckDBPyConnection = DB) -> tuple[str, str, list[str]]:
    """The format found, why none was, and the texts as the projection would then read them."""
    db.register("incoming", pa.table({"_delivery_id": ["d"] * len(texts), "_line": range(2, len(texts) + 2), "day": pa.array(texts, pa.string())}))
    found = settle(db, "incoming", ["day"]).get(("d", "day"))
    chosen, why = (found.date_format, found.why) if found else ("", "")
    rows = db.execute(f"select {iso_date('day', chosen or None)} from incoming order by _line").fetchall()
    return chosen, why, [str(r[0]) for r in rows]


def written(days: list[date], date_format: str, padded: bool = True) -> list[str]:
    texts = [d.strftime(date_format) for d in days]
    return texts if padded else ["/".join(p.lstrip("0") for p in t.split("/")) for t in texts]


@settings(max_examples=60, deadline=None)
@given(days=DAYS, pair=st.sampled_from(PAIRS), day_first=st.booleans(), clock=st.sampled_from(["", " 08:15", " 8:15:03 PM", "T23:59:59"]))
def test_day_and_month_come_back_or_nothing_is_read(days: list[date], pair: tuple[str, str], day_first: bool, clock: str) -> None:
    sep, year = pair
    mine, other = sep.join(("%d", "%m", year)), sep.join(("%m", "%d", year))
    if not day_first:
        mine, other = other, mine
    texts = [t + clock for t in written(days, mine)]
    chosen, why, found = read(texts)
    if any(d.day > 12 for d in days):  # no month has such a number: the other reading is out
        assert (chosen, why) == (mine, "")
        assert found == [d.isoformat() for d in days]
    elif all(d.day == d.month for d in days):  # both readings are the same days
        assert chosen in (mine, other)
        assert found == [d.isoformat() for d in days]
    else:
        assert chosen == ""
        assert "can be" in why
        assert found == texts  # as they stood: never a wrong day


@settings(max_examples=40, deadline=None)
@given(days=DAYS, date_format=st.sampled_from([f for f in formats() if "%m" not in f or f.startswith("%Y")]))
def test_formats_without_a_rival_come_back(days: list[date], date_format: str) -> None:
    chosen, why, found = read(written(days, date_format))
    assert why == ""
    assert found == [d.isoformat() for d in days]
    assert chosen


@given(days=DAYS)
@settings(max_examples=25, deadline=None)
def test_iso_needs_no_format(days: list[date]) -> None:
    assert read([d.isoformat() for d in days]) == ("", "", [d.isoformat() for d in days])
    stamps = [f"{d}T08:15:03Z" for d in days]
    assert read(stamps) == ("", "", stamps)


def test_each_format_is_there_once_with_an_example_of_its_own() -> None:
    assert len(set(formats())) == len(formats())
    for f in formats():
        assert read([date(2019, 9, 13).strftime(f)])[2] == ["2019-09-13"], f


def test_one_value_settles_a_whole_column() -> None:
    assert read(["01/09/2019", "02/09/2019", "13/09/2019"]) == ("%d/%m/%Y", "", ["2019-09-01", "2019-09-02", "2019-09-13"])
    assert read(["8/5/2020", "8/15/2020"])[2] == ["2020-08-05", "2020-08-15"]


def test_contradictory_values_settle_nothing() -> None:
    chosen, why, found = read(["01/09/2019", "13/09/2019", "09/14/2019"])
    assert chosen == ""
    assert why == "line 4 can only be %m/%d/%Y and line 3 only %d/%m/%Y"
    assert found[0] == "01/09/2019"


def test_what_is_of_another_form_is_left_as_it_stands() -> None:
    """The gate sets such rows aside; the format of the rest is not changed by them."""
    chosen, _, found = read(["9/13/2019", "9/14/2019", "13-Sep-2019", "soon", "31/31/2019", "", "2019-09-15"])
    assert chosen == "%m/%d/%Y"
    assert found == ["2019-09-13", "2019-09-14", "13-Sep-2019", "soon", "31/31/2019", "", "2019-09-15"]
    assert read(["2019-09-13", "2019-09-14", "01/02/2019"]) == ("", "", ["2019-09-13", "2019-09-14", "01/02/2019"])


def test_each_file_by_its_own_evidence() -> None:
    texts = {"a": ["13/09/2019", "01/09/2019"], "b": ["9/13/2019", "9/1/2019"], "c": ["2019-09-01"]}
    rows = [(d, i, t) for d, some in texts.items() for i, t in enumerate(some)]
    DB.register("incoming", pa.table({"_delivery_id": [r[0] for r in rows], "_line": [r[1] for r in rows], "day": [r[2] for r in rows]}))
    found = {d: s.date_format for (d, _), s in settle(DB, "incoming", ["day"]).items()}
    assert found == {"a": "%d/%m/%Y", "b": "%m/%d/%Y"}


@pytest.mark.parametrize("first", formats())
def test_no_two_formats_read_one_text_as_different_days_without_being_rivals(first: str) -> None:
    """Whatever is written in one format of the list is read as another only where the day is the same, or nothing is read."""
    for d, _ in pairwise([date(2012, 11, 10), date(2013, 2, 1), date(2001, 12, 31), date(2031, 8, 24), date(1999, 1, 2)]):
        text = d.strftime(first)
        assert read([text])[2][0] in (d.isoformat(), text), (first, text)
