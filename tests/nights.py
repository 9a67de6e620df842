"""A synthetic district to run in a test, and what a run held back: read with plain duckdb and sqlite, not with the pipeline's own code."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from tests.districts import TestDistrict, make_district

YEAR_TO_DATE = "school_id is null and grade_level is null and group_family = 'all' and period_type = 'year_to_date'"


@dataclass(frozen=True)
class Line:
    """A line of a landing file, counted from 1 with its header."""

    file: str
    line: int


@dataclass(frozen=True)
class Night(TestDistrict):
    """A district's folder, run in this process, with what a run holds back."""

    __test__ = False

    @property
    def last_date(self) -> date:
        return date.fromisoformat(json.loads((self.folder / "truth.json").read_text(encoding="utf-8"))["last_date"])

    def ledger(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with sqlite3.connect(self.folder / "data/ledger.sqlite") as db:
            return db.execute(sql, list(parameters)).fetchall()

    def quarantine(self) -> dict[Line, str]:
        """Every line in quarantine and the rule that it broke."""
        tables = [t for (t,) in self.query("select table_name from information_schema.tables where table_schema = 'quarantine'")]
        names = dict(self.ledger("select delivery_id, name from deliveries"))
        union = " union all ".join(f"select _delivery_id, _line, _rule from quarantine.{t}" for t in tables)
        return {Line(names[d], int(line)): str(rule) for d, line, rule in self.query(union)}

    def stopped(self) -> dict[str, str]:
        """Every file (or file of a package) that was stopped, and why."""
        return {str(n): str(w) for n, w in self.ledger("select name, why from deliveries where status in ('blocked', 'unreadable')")}

    def schools_missed(self) -> set[tuple[str, str]]:
        """(file, school) of every check that failed for one school of a file."""
        sql = "select d.name, c.school_id from checks c join deliveries d using (delivery_id) where not c.passed and c.school_id <> '' and c.gate = 'arrival'"
        return {(str(n), str(s)) for n, s in self.ledger(sql)}


def make(folder: Path, students: int, days: int, seed: int = 7, *, defects: bool = False) -> Night:
    """Write a district and let its files be taken without waiting for them to settle."""
    make_district(folder, students=students, days=days, seed=seed, defects=defects)
    with (folder / "district.toml").open("a", encoding="utf-8") as f:
        f.write("\n[intake]\nsettle_seconds = 0\n")
    return Night(folder)
