"""A district with survey sources in a test: its code maps, and its files as the arrival gate's candidates."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from pipelines.intake.take import IntakeReport
from pipelines.quality import hold, judge
from pipelines.sources import ALL_TABLES
from pipelines.sources.answers import items_by_survey
from tests.landing import Desk

ITEM_COLUMNS = ("survey_id", "item_title", "item_id", "construct", "scale_id", "is_reversed", "import_id", "occurrence", "kind", "also_in")
SCALE_COLUMNS = ("scale_id", "answer", "value", "minimum", "maximum", "favorable_from", "recode")
AGREE = ("Strongly disagree", "Disagree", "Neither", "Agree", "Strongly agree")
SCALES = [["agree5", a, str(n), "1", "5", "4", ""] for n, a in enumerate(AGREE, start=1)] + [["agree5", "Not sure", "", "1", "5", "4", "-99"]]


def as_csv(rows: Sequence[Sequence[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def write_codes(folder: Path, items: Sequence[Sequence[str]], scales: Sequence[Sequence[str]] = SCALES) -> None:
    (folder / "codes").mkdir(parents=True, exist_ok=True)
    (folder / "codes/survey_items.csv").write_text(as_csv([ITEM_COLUMNS, *items]), encoding="utf-8")
    (folder / "codes/survey_scales.csv").write_text(as_csv([SCALE_COLUMNS, *scales]), encoding="utf-8")


def item(title: str, item_id: str = "", *, survey: str = "pulse", scale: str = "agree5", reverse: bool = False, **more: str) -> list[str]:
    values = {"construct": "belonging", "import_id": "", "occurrence": "1", "kind": "single", "also_in": ""} | more
    known = {"survey_id": survey, "item_title": title, "item_id": item_id or title, "scale_id": scale, "is_reversed": str(reverse).lower()} | values
    return [known[c] for c in ITEM_COLUMNS]


def source(format_: str, survey: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    wave = {"survey_id": "pulse", "wave_id": "w1"} | dict(survey or {})
    return {"id": "pulse", "format": format_, "path": "pulse/*", "survey": wave} | more


@dataclass(frozen=True)
class Judged:
    """What the gate loads: candidates of one table, and by delivery what it says of the files."""

    rows: list[dict[str, Any]]
    found: judge.Candidates

    def answers(self) -> dict[tuple[str, str, str], str | None]:
        """Answer by response, question (with its number) and choice."""
        return {(r["response_id"], f"{r['item_title']}{'' if r['occurrence'] == '1' else '#' + r['occurrence']}", r["choice"]): r["answer"] for r in self.rows}

    def column(self, name: str) -> list[Any]:
        """One value a line."""
        return list({r["_line"]: r[name] for r in sorted(self.rows, key=lambda r: int(r["_line"]))}.values())


def judged(desk: Desk, report: IntakeReport, table: str = "survey__answers") -> Judged:
    with duckdb.connect() as db:
        hold.ensure_tables(db, list(ALL_TABLES.values()))
        some = [d for d in report.taken if d.table_name == table]
        judge.load_deliveries(db, some, frozenset())
        district = desk.district
        found = judge.load_candidates(db, district, ALL_TABLES[table], items_by_survey(district), some, district.data)
        result = db.execute(f"select * from arrival.{table}")
        names = [c[0] for c in result.description or ()]
        return Judged([dict(zip(names, row, strict=True)) for row in result.fetchall()], found)
