"""Which rows of an open mart show no figure."""

import duckdb
import pytest

from pipelines.privacy.suppress import hiding, suppressed_select

COLUMNS = ["value_key", "n_subjects", "value", "reference_n_subjects", "reference_value", "value_difference"]


@pytest.mark.parametrize(
    ("n", "reference", "shown"),
    [
        (9, 30, False), (10, 30, True), (30, 9, False), (30, 30, True), (30, None, True),
        (30, 29, False), (29, 30, False), (30, 21, False), (30, 20, True),  # who is in the one and not in the other is a small group too
    ],
)  # fmt: skip
def test_a_comparison_shows_no_small_group_and_no_small_difference(n: int, reference: int | None, shown: bool) -> None:
    with duckdb.connect() as db:
        db.execute("create table t as select 'k' as value_key, ?::bigint as n_subjects, 0.5 as value, ?::bigint as reference_n_subjects, "
                   "0.4 as reference_value, 0.1 as value_difference", [n, reference])  # fmt: skip
        row = db.execute(suppressed_select(COLUMNS, "t", 10)).fetchone()
    assert row is not None
    assert row[-1] == ("none" if shown else "primary")
    assert all((cell is not None) == shown for cell in row[1:3])
    assert not any(row[3:6]) or shown


CHANGES = ["value_key", "n_subjects", "value"] + [
    f"{of}_{column}" for of in ("week_before", "last_year") for column in ("n_subjects", "value", "change", "why_not")
]
HIDDEN_WORDS = "hidden: too few people"


def _changes(db: duckdb.DuckDBPyConnection, n: int, before: int | None, last_year: int) -> None:
    why = "null" if before is not None else "'no week'"
    db.execute(f"""create or replace table t as select 'k' as value_key, {n}::bigint as n_subjects, 0.5::double as value,
        {"null" if before is None else before}::bigint as week_before_n_subjects, {"null" if before is None else 0.25}::double as week_before_value,
        {"null" if before is None else 0.25}::double as week_before_change, {why}::varchar as week_before_why_not,
        {last_year}::bigint as last_year_n_subjects, 0.5::double as last_year_value, 0.0::double as last_year_change, null::varchar as last_year_why_not,
        'none' as suppression""")


@pytest.mark.parametrize(
    ("n", "before", "last_year", "expected"),
    [
        (10, 10, 10, ("none", 0.25, 0.25, None, 0.0, None)),
        (10, 9, 10, ("none", None, None, HIDDEN_WORDS, 0.0, None)),  # the one side hides its own difference, and not the other's
        (10, 10, 9, ("none", 0.25, 0.25, None, None, HIDDEN_WORDS)),
        (9, 10, 10, ("primary", None, None, HIDDEN_WORDS, None, HIDDEN_WORDS)),  # a value shown beside a hidden one gives the change no way out either
        (10, None, 9, ("none", None, None, "no week", None, HIDDEN_WORDS)),
        (9, None, 10, ("primary", None, None, "no week", None, HIDDEN_WORDS)),  # what is missing is not hidden
    ],
)  # fmt: skip
def test_a_change_is_hidden_on_whichever_side_people_are_few(n: int, before: int | None, last_year: int, expected: tuple[object, ...]) -> None:
    asked = "suppression, week_before_value, week_before_change, week_before_why_not, last_year_change, last_year_why_not, n_subjects, value"
    with duckdb.connect() as db:
        _changes(db, n, before, last_year)
        assert (row := db.execute(f"select {asked} from ({suppressed_select(CHANGES, 't', 10)})").fetchone()) is not None
        assert row[:6] == expected
        assert row[6:] == ((n, 0.5) if n >= 10 else (None, None))
        # carried over under another minimum it is hidden alike, and stays so
        sets, which = hiding(CHANGES, 10)
        for _ in range(2):
            db.execute(f"update t set {sets} where {which}")
            assert db.execute(f"select {asked} from t").fetchone() == row
