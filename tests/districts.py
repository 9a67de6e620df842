"""Small synthetic districts for tests: made once, copied for each variant, run through the real job in this process."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from pipelines.lineage.ledger import Ledger
from pipelines.nightly import Outcome, run_nightly
from pipelines.synth import synthesize
from tests import standing

START = date(2025, 8, 18)  # a Monday
STANDING = {"stg_extract__attendance", "grade_scale"}  # a view and a seed


@dataclass(frozen=True)
class TestDistrict:
    """A district's folder with the questions that tests ask of it."""

    __test__ = False
    folder: Path

    @property
    def landing(self) -> Path:
        return self.folder / "landing"

    @property
    def build(self) -> Path:
        return self.folder / "data" / "build" / "build.duckdb"

    @property
    def warehouse(self) -> Path:
        return self.folder / "data" / "warehouse" / "throughline.duckdb"

    def run(self, day: date, first: date | None = None) -> Outcome:
        return run(self.folder, day, first)

    def copy(self, to: Path) -> TestDistrict:
        shutil.copytree(self.folder, to, symlinks=True)
        return TestDistrict(to)

    def hashes(self) -> tuple[str, str]:
        """Content hash before and after suppression of the last publication."""
        ledger = Ledger(self.folder / "data" / "ledger.sqlite")
        try:
            last = [p for p in ledger.publications() if p.status == "published"][-1]
            return last.content_hash, last.open_hash
        finally:
            ledger.close()

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the build database."""
        with duckdb.connect(str(self.build), read_only=True) as db:
            return db.execute(sql).fetchall()

    def built(self) -> tuple[set[str], bool]:
        """What the last build made or tested, and whether from scratch."""
        run = json.loads((self.build.parent / "dbt" / "run_results.json").read_text(encoding="utf-8"))
        return {r["unique_id"].rsplit(".", 1)[-1] for r in run["results"]}, bool(run["args"].get("full_refresh"))

    def published(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the open warehouse as anybody would."""
        with duckdb.connect(str(self.warehouse), read_only=True) as db:
            return db.execute(sql).fetchall()


def run(folder: Path, day: date, first: date | None = None) -> Outcome:
    """`run_nightly`, with the views and seeds that another district of this process has made."""
    build = folder / "data" / "build" / "build.duckdb"
    standing.hand_over(build)
    outcome = run_nightly(folder, day, first)
    standing.keep(build)
    return outcome


def make_district(folder: Path, *, students: int, days: int, seed: int = 7, defects: bool = False) -> TestDistrict:
    synthesize(students, days, START, seed, folder, defects=defects, progress=lambda text: None)
    return TestDistrict(folder)


def pointed_at(files: Path, settings: Path, into: Path) -> Path:
    """A copy, in the folder `into`, of the folder `settings` (district.toml and code maps), whose landing folder is `files`: read where they lie."""
    folder = into / settings.name
    shutil.copytree(settings, folder)
    text = (folder / "district.toml").read_text(encoding="utf-8")
    pointed = text.replace('landing = "landing"', f"landing = {json.dumps(str(files))}")
    assert pointed != text
    (folder / "district.toml").write_text(pointed, encoding="utf-8")
    return folder
