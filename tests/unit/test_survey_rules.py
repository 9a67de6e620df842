"""The arrival rules of survey tables on files that are wrong: which line breaks which rule, by the suites as they stand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.quality import hold, judge
from pipelines.quality.build import write_settings
from pipelines.quality.expectations import load_suites
from pipelines.sources import ALL_TABLES
from pipelines.sources.answers import items_by_survey
from tests.landing import Desk
from tests.surveys import as_csv, item, source, write_codes

SAFE = "I feel safe"
KNOWN = {"respondent": "linked", "consent_basis": "consent", "consent_text": "Form 7", "respondent_column": "Student"}
YEARS = {"school_years": [{"year": 2026, "start": "2025-08-18", "end": "2026-06-12"}]}


def _broken(desk: Desk, table: str = "survey__answers") -> dict[int, str]:
    """The first critical rule that each line breaks, judged as on a night: quarantined rows of earlier files stay out of it."""
    report = desk.take()
    with duckdb.connect() as db:
        hold.ensure_tables(db, list(ALL_TABLES.values()))
        write_settings(db, desk.district)
        db.execute("insert into held.oneroster__orgs (sourced_id, _is_open) values ('k1', true)")
        db.execute("insert into held.oneroster__users (sourced_id, grades, _is_open) values ('s1', '07', true)")
        some = [d for d in report.taken if d.table_name == table]
        judge.load_deliveries(db, some, frozenset())
        judge.load_candidates(db, desk.district, ALL_TABLES[table], items_by_survey(desk.district), some, desk.district.data)
        for name, one in ALL_TABLES.items():
            judge.present_view(db, one, name == table)
        judge.judge(db, ALL_TABLES[table], [r for r in load_suites("arrival")[table].rules if r.kind == "row"])
        return {int(line): str(rule) for line, rule in db.execute(f"select distinct _line, _rule from judged.{table} where _rule is not null").fetchall()}


def _desk(folder: Path, one: dict[str, Any], rows: list[list[str]]) -> Desk:
    write_codes(folder, [item(SAFE)])
    desk = Desk(folder, [{**one, "business_date": "2025-09-20"}], more=dict(YEARS))
    desk.put("pulse/a.csv", as_csv(rows))
    return desk


def test_what_an_answer_must_be(tmp_path: Path) -> None:
    survey = {"school_column": "School", "grade_column": "Grade", "opens": "2025-09-10", "closes": "2025-09-14"}
    rows = [
        ["Timestamp", "School", "Grade", SAFE],
        ["2025-09-10", "k1", "07", "Agree"],
        ["2025-09-14", "", "", "Not sure"],
        ["2025-09-09", "k1", "07", "Agree"],
        ["2025-09-15", "k1", "07", ""],
        ["soon", "k1", "07", "Agree"],
        ["2024-09-12", "k1", "07", "Agree"],
        ["2025-09-12", "k9", "07", "Agree"],
        ["2025-09-12", "k1", "seventh", "Agree"],
        ["2025-09-12", "k1", "07", "agree to a point"],
        ["2025-09-12", "k1", "07"],
    ]
    assert _broken(_desk(tmp_path, source("google_forms", survey), rows)) == {
        4: "date_is_in_the_window", 5: "date_is_in_the_window", 6: "date_is_a_date", 7: "date_is_in_a_school_year", 8: "school_is_known",
        9: "grade_is_known", 10: "answer_is_on_the_scale", 11: "well_formed_line",
    }  # fmt: skip


@pytest.mark.parametrize(("keep", "broken"), [("one", {2: "one_response_per_respondent", 4: "one_response_per_respondent"}), ("latest", {}), ("all", {})])
def test_one_response_where_the_wave_asks_for_one(tmp_path: Path, keep: str, broken: dict[int, str]) -> None:
    rows = [["Timestamp", "Student", SAFE], ["2025-09-12", "s1", "Agree"], ["2025-09-12", "s2", "Agree"], ["2025-09-13", "s1", "Disagree"]]
    rows += [["2025-09-13", "", "Agree"], ["2025-09-13", "", "Agree"]]
    assert _broken(_desk(tmp_path, source("google_forms", {**KNOWN, "keep": keep}), rows)) == broken


def test_a_wave_that_nobody_declares(tmp_path: Path) -> None:
    """As where the settings lost a wave between taking its file and judging it."""
    desk = _desk(tmp_path, source("google_forms"), [["Timestamp", SAFE], ["2025-09-12", "Agree"]])
    rule = next(r for r in load_suites("arrival")["survey__answers"].rules if r.id == "wave_is_known")
    with duckdb.connect() as db:
        hold.ensure_tables(db, list(ALL_TABLES.values()))
        write_settings(db, desk.district)
        found = [db.execute(f"select {rule.bad_when} from (select 'pulse' as survey_id, '{w}' as wave_id) r").fetchall() for w in ("w1", "w9")]
    assert found == [[(False,)], [(True,)]]


def test_what_a_topic_score_must_be(tmp_path: Path) -> None:
    survey = {**KNOWN, "closes": "2025-09-14", "scores": {"Topic": "belonging"}}
    rows = [["Student", SAFE, "Topic"], ["s1", "Agree", "3.75"], ["s2", "Agree", "75 %"], ["s3", "Agree", ""], ["s4", "Agree", "-1"]]
    assert _broken(_desk(tmp_path, source("panorama", survey), rows), "survey__scores") == {3: "score_is_a_number"}
