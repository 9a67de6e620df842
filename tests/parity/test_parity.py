"""Two engines, one project: every table of core, measurements and marts is the same on Spark as on DuckDB, night after night."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.parity import harness
from tests.parity.nights import district_nights

pytestmark = [
    pytest.mark.spark,
    pytest.mark.skipif(bool(harness.missing()), reason=harness.missing() or "present"),
    pytest.mark.timeout(3600),
]


# Lists that may have nobody on them in a small district in its second week: their models run on both engines and are then compared without rows.
EMPTY_HERE = {"marts.rpt_pace_exceptions", "marts.rpt_priority_students"}


def _run(tmp_path: Path, n_nights: int, say: Callable[[str], None], *, at_once: bool) -> None:
    results = harness.run_parity(district_nights(tmp_path / "district", at_once=at_once), n_nights, tmp_path)
    say(harness.table(results))
    compared = {r.relation for r in results}
    assert {"marts.agg_indicator_values", "marts.fct_student_indicators", "measurements.fct_measurements"} <= compared
    assert {r.relation for r in results if r.relation.startswith("marts.") and not r.n_duckdb} <= EMPTY_HERE
    assert [r for r in results if not r.same] == []


def test_two_nights(tmp_path: Path, say: Callable[[str], None]) -> None:
    """The whole district, then a night of corrections and withdrawals together."""
    _run(tmp_path, 2, say, at_once=True)


@pytest.mark.prove
def test_three_nights(tmp_path: Path, say: Callable[[str], None]) -> None:
    """The whole district, a night of corrections, a night of withdrawals: what `make parity` prints."""
    _run(tmp_path, 3, say, at_once=False)
