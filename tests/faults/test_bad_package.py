"""A bulk OneRoster package is one snapshot: where one of its files cannot be used none is taken, in this night or a later one, until it is whole."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipelines.lineage.ledger import Ledger
from pipelines.quality.arrival import arrive
from tests.landing import COURSES, ONEROSTER, ORGS, Desk, manifest, zipped

FIRST, LAST = date(2025, 8, 18), date(2025, 8, 20)
FOLDER: dict[str, Any] = {**ONEROSTER, "path": "oneroster/*/manifest.csv"}
ORG, COURSE = ORGS + "o1,,,Maple Hollow,school,,\n", COURSES + "c1,,,,Álgebra,,,o1,,\n"


def put(desk: Desk, files: Mapping[str, str | bytes], *, as_zip: bool) -> None:
    if as_zip:
        desk.put("oneroster/2025-08-18/oneroster.zip", zipped(files))
    else:
        for name, content in files.items():
            desk.put(f"oneroster/2025-08-18/{name}", content)


def night(desk: Desk, day: date) -> dict[str, str]:
    """Take and judge up to a day; gives each OneRoster file's latest status."""
    desk.take(day)
    ledger: Ledger = desk.ledger
    arrive(desk.district, ledger, "run-1", day, desk.said.append)
    return {d.table_name.removeprefix("oneroster__"): d.status for d in sorted(ledger.deliveries(), key=lambda d: d.sequence)}


@pytest.mark.parametrize("as_zip", [True, False], ids=["zip", "folder"])
def test_a_file_that_cannot_be_read_stops_its_package(tmp_path: Path, as_zip: bool) -> None:
    desk = Desk(tmp_path, [ONEROSTER if as_zip else FOLDER])
    whole = {"manifest.csv": manifest(orgs="bulk", courses="bulk"), "orgs.csv": ORG, "courses.csv": COURSE}
    put(desk, whole | {"courses.csv": COURSE.encode("cp1252")}, as_zip=as_zip)
    assert night(desk, FIRST) == {"orgs": "blocked", "courses": "blocked"}
    assert night(desk, LAST) == {"orgs": "blocked", "courses": "blocked"}, "the file that was whole slipped in with the next night"
    put(desk, whole, as_zip=as_zip)
    assert night(desk, LAST) == {"orgs": "accepted", "courses": "accepted"}, "the right package does not mend it"
