"""One survey exported by Qualtrics in both of its forms (third-party files): both give the same answers, counted here with csv alone."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.lineage.ledger import Delivery
from tests.landing import Desk
from tests.surveys import Judged, item, judged, write_codes

NEW, OLD = "sample-three-header-rows.csv", "sample-two-header-rows.csv"
SCALE = [["choice", f"Choice {n}", str(n), "1", "3", "2", ""] for n in (1, 2, 3)]
IDENTIFYING = ("ipAddress", "locationLatitude", "locationLongitude")


def _rows(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8-sig") as f:
        return list(csv.reader(f))


def _by_import_id(path: Path) -> list[dict[str, str]]:
    rows = _rows(path)
    ids = [json.loads(cell)["ImportId"] for cell in rows[2]]
    return [dict(zip(ids, row, strict=True)) for row in rows[3:]]


@pytest.fixture(scope="module")
def both(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Desk, Delivery, Judged]]:
    """Each form as a district of its own would take it."""
    found = {}
    for name in (NEW, OLD):
        survey = {"survey_id": "sample", "wave_id": "2017"}
        one: dict[str, Any] = {"id": "sample", "format": "qualtrics", "path": name, "business_date": "2017-07-19", "survey": survey}
        folder = tmp_path_factory.mktemp("qualtrics")
        items = [item("Q1", survey="sample", scale="choice", import_id="QID1"), item("Q2", survey="sample", import_id="QID2_TEXT", kind="text")]
        write_codes(folder, items, SCALE)
        desk = Desk(folder, [one], landing=str(shared_data / "qualtrics"))
        report = desk.take()
        (delivery,) = report.taken
        found[name] = desk, delivery, judged(desk, report)
    return found


def test_both_forms_give_the_same_answers(both: dict[str, tuple[Desk, Delivery, Judged]], shared_data: Path) -> None:
    responses = _by_import_id(shared_data / "qualtrics" / NEW)
    assert [r["QID1"] for r in responses] == ["2"], "the file is not the one that this test was written for"
    expected = {(r["_recordId"], "Q1", ""): f"Choice {r['QID1']}" for r in responses if r["status"] == "0" and r["finished"] == "1"}
    for name, (_, delivery, gate) in both.items():
        assert gate.answers() == expected, name
        assert {r["answered_on"] for r in gate.rows} == {r["endDate"][:10] for r in responses}
        assert not gate.found.missing
        assert not gate.found.notes
        assert gate.found.n_rows == {delivery.delivery_id: len(responses)}, "the rows that describe the columns are no responses"


def test_every_row_of_both_files_is_in_raw(both: dict[str, tuple[Desk, Delivery, Judged]], shared_data: Path) -> None:
    for name, (desk, delivery, _) in both.items():
        assert (delivery.status, delivery.n_rows) == ("raw", len(_rows(shared_data / "qualtrics" / name)) - 1)
        assert [r["_defect"] for r in desk.raw(delivery)] == [None] * delivery.n_rows


def test_who_and_where_and_free_text_do_not_reach_raw(both: dict[str, tuple[Desk, Delivery, Judged]], shared_data: Path) -> None:
    (response,) = _by_import_id(shared_data / "qualtrics" / NEW)
    for desk, delivery, _ in both.values():
        kept = [v for row in desk.raw(delivery) for v in row.values()]
        for column in (*IDENTIFYING, "QID2_TEXT"):
            assert response[column]
            assert response[column] not in kept
        assert any(w.startswith("free_text: Q2") for w in delivery.warnings)
        assert any(w.startswith("redacted: ") for w in delivery.warnings)
