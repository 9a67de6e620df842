"""Where nothing is wrong with the files nothing is held back: one small district in `make test`, ten of 2,000 students and 30 days in `make prove`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.districts import START
from tests.nights import make


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("students", "days", "seed"), [(300, 12, 2), *(pytest.param(2000, 30, seed, marks=pytest.mark.prove) for seed in range(1, 11))])
def test_a_district_without_defects_has_nothing_held_back(tmp_path: Path, students: int, days: int, seed: int) -> None:
    night = make(tmp_path / "district", students, days, seed)
    outcome = night.run(night.last_date, START)
    assert (outcome.exit_status, outcome.verdicts, outcome.rows["quarantined"]) == (0, (), 0)
    assert night.quarantine() == {}
    assert night.stopped() == {}
    assert night.ledger("select subject, check_id, message from checks where not passed and severity <> 'info'") == []
