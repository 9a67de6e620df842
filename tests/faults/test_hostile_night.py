"""Hostile files through the whole of a night: each is named in the outcome, the right files go out, and no secret is in what people are shown."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.districts import START, make_district
from tests.landing import HEADER, zipped

SECRET = "Tr0ub4dor-and-3"


@pytest.mark.timeout(900)
def test_a_night_with_hostile_files_publishes_the_rest(tmp_path: Path) -> None:
    district = make_district(tmp_path / "district", students=60, days=3, seed=5)
    landing = district.landing
    (attendance,) = landing.glob(f"attendance/attendance_{START}.csv")
    header, *lines = attendance.read_text(encoding="utf-8").splitlines()
    attendance.write_text("\n".join([f"{header},Pass Word", *(f"{line},{SECRET}" for line in lines), f'x,"{SECRET}']) + "\n", encoding="utf-8")
    (tmp_path / "outside.csv").write_text(HEADER + "outside,k1,2025-08-18,P\n")
    link, pipe = (landing / "attendance" / f"{kind}_{START}.csv" for kind in ("link", "pipe"))
    link.symlink_to(tmp_path / "outside.csv")
    os.mkfifo(pipe)
    bomb = landing / "oneroster" / str(START) / "bomb.zip"
    bomb.write_bytes(zipped({"manifest.csv": "0" * 20_000_000}))

    outcome = district.run(START)

    assert outcome.exit_status == 3
    assert outcome.publication_id
    assert {w["name"] for w in outcome.waiting} == {f"attendance/{link.name}", f"attendance/{pipe.name}"}
    (refused,) = (d for d in outcome.deliveries if d["name"].endswith("bomb.zip"))
    assert refused["status"] == "unreadable"
    assert "intake.max_ratio" in refused["why"]
    (taken,) = (d for d in outcome.deliveries if d["name"] == f"attendance/{attendance.name}")
    assert (taken["status"], taken["n_rows"], taken["n_accepted"]) == ("accepted", len(lines) + 1, len(lines))
    assert SECRET not in json.dumps(outcome.as_json(), default=str)
    everywhere = [p for p in (district.folder / "data").rglob("*") if p.is_file() and SECRET.encode() in p.read_bytes()]
    assert everywhere == [], "a password was kept"
    (columns,) = district.query("select count(*) from quarantine.extract__attendance where _rule <> ''")
    assert columns == (1,)
