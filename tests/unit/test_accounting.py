"""Rows in = accepted + quarantined + superseded + duplicate: what becomes of a delivery of which that is not true."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from pipelines.lineage.ledger import Delivery
from pipelines.quality.arrival import AccountingError, assert_accounted

WHOLE = Delivery(
    delivery_id="d1", source_id="attendance", table_name="extract__attendance", business_date=date(2025, 9, 2), name="attendance.csv", sequence=1, precedence=1,
    mode="bulk", sha256="ab", n_bytes=100, run_id="run-1", first_seen_at="2025-09-03T00:00:00Z",
    n_rows=10, n_accepted=4, n_quarantined=3, n_superseded=2, n_duplicate=1,
)  # fmt: skip


def test_a_row_that_nothing_became_of_is_a_fault_of_ours() -> None:
    assert_accounted([WHOLE])
    for column in ("n_accepted", "n_quarantined", "n_superseded", "n_duplicate"):
        lost = replace(WHOLE, **{column: getattr(WHOLE, column) - 1})
        with pytest.raises(AccountingError, match=r"attendance\.csv: 10 rows in, 9 accounted for"):
            assert_accounted([WHOLE, lost])


def test_a_file_that_was_stopped_with_its_rows_unaccounted_for_is_one_too() -> None:
    with pytest.raises(AccountingError, match="10 rows in, 0 accounted for"):
        assert_accounted([replace(WHOLE, status="blocked", n_accepted=0, n_quarantined=0, n_superseded=0, n_duplicate=0)])
