"""Which rows of an open mart show no figure."""

import duckdb
import pytest

from pipelines.privacy.suppress import suppressed_select

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
