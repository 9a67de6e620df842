"""Which of dbt's results leave a night unfinished."""

import json
from pathlib import Path

import pytest

from pipelines.defs.transform import looks_at_a_night_alone
from pipelines.publication.gate import NodeResult


@pytest.mark.parametrize(
    ("kind", "status", "is_forgotten"),
    [("unique_where_touched", "fail", True), ("unique_where_touched", "pass", False), ("not_null", "fail", False), ("unique_where_touched", "warn", False)],
)
def test_a_key_that_was_looked_at_where_a_night_wrote_fails_for_good(kind: str, status: str, is_forgotten: bool, tmp_path: Path) -> None:
    """The next night would look elsewhere and pass; a test of the whole mart fails again by itself."""
    manifest = tmp_path / "manifest.json"
    nodes = {"test.throughline.key.1": {"test_metadata": {"name": kind}}, "model.throughline.mart": {}}
    manifest.write_text(json.dumps({"nodes": nodes}))
    results = [NodeResult("test.throughline.key.1", status, "", 1), NodeResult("model.throughline.mart", "error", "", 0)]
    assert looks_at_a_night_alone(results, manifest) is is_forgotten
