"""Survey exports as the tools write them, and broken ones: what becomes of them between landing and the arrival gate."""

from __future__ import annotations

import csv
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines.settings import SettingsError
from pipelines.sources.answers import items_by_survey
from tests.landing import Desk
from tests.surveys import SCALES, Judged, as_csv, item, judged, source, write_codes

SAFE, CARE = "I feel safe", "Adults care"


def _desk(folder: Path, one: dict[str, Any], items: list[list[str]], scales: list[list[str]] = SCALES, **more: Any) -> Desk:
    write_codes(folder, items, scales)
    return Desk(folder, [{**one, "business_date": "2025-09-20"}], more=more)


def _read(desk: Desk, content: str, table: str = "survey__answers") -> Judged:
    desk.put("pulse/a.csv", content)
    return judged(desk, desk.take(), table)


# --- Google Forms


def _stamped(folder: Path, *stamps: str, **survey: Any) -> list[Any]:
    desk = _desk(folder, source("google_forms", survey), [item(SAFE)])
    return _read(desk, as_csv([["Timestamp", SAFE], *([s, "Agree"] for s in stamps)])).column("answered_on")


@pytest.mark.parametrize(
    ("stamps", "days"),
    [
        # September or December: both orders fit, and nothing is guessed
        (["9/12/2025 8:00:01", "9/3/2025 14:59:59"], ["9/12/2025 8:00:01", "9/3/2025 14:59:59"]),
        (["9/13/2025 8:00:01", "9/3/2025 14:59:59"], ["2025-09-13", "2025-09-03"]),
        (["13/9/2025 8:00:01", "3/9/2025 14:59:59"], ["2025-09-13", "2025-09-03"]),
        (["13.9.2025 08:00:01", "3.9.2025 14:59"], ["2025-09-13", "2025-09-03"]),
        (["2025/09/12 8:00:00 AM EST", "2025/09/13 12:59:59 PM GMT-5"], ["2025-09-12", "2025-09-13"]),
        (["2025-09-12T08:00:00Z", "2025-09-13 08:00:00.117571+00"], ["2025-09-12", "2025-09-13"]),
        (["9/13/25 8:00", "9/3/25 9:00"], ["2025-09-13", "2025-09-03"]),
        (["9/13/2025 8:00:01", "soon"], ["2025-09-13", "soon"]),
        (["9/9/2025 8:00:01"], ["2025-09-09"]),  # the same day either way
    ],
)
def test_the_form_of_time_stamps_is_settled_over_the_whole_column(tmp_path: Path, stamps: list[str], days: list[str]) -> None:
    assert _stamped(tmp_path, *stamps) == days


def test_the_waves_dates_settle_what_the_column_leaves_open(tmp_path: Path) -> None:
    assert _stamped(tmp_path, "9/12/2025 8:00:01", "9/3/2025 9:00", opens="2025-09-01", closes="2025-09-15") == ["2025-09-12", "2025-09-03"]


def test_the_google_sample_without_a_configured_form_of_its_time_stamps(tmp_path: Path, shared_data: Path) -> None:
    """Third-party files: each day is read as the one that csv and datetime find, the anonymous respondents are nowhere."""
    for name, form, n in (("InternetAccessSurvey-Small", "%m/%d/%Y", 77), ("ContactSurvey", "%Y-%m-%d", None)):
        path = shared_data / "grand-bend/surveys" / f"{name}.csv"
        with path.open(newline="", encoding="utf-8-sig") as f:
            rows = list(csv.DictReader(f))
        assert n in (None, len(rows)), "the file is not the one that this test was written for"
        asked = list(rows[0])[-3:]
        write_codes(tmp_path / name, [item(t, kind="text" if t == "Contact notes" else "single") for t in asked])
        one = {**source("google_forms"), "path": path.name, "business_date": "2020-12-31"}
        desk = Desk(tmp_path / name, [one], landing=str(path.parent))
        report = desk.take()
        found = judged(desk, report)
        days = [datetime.strptime(r["Timestamp"].partition(" ")[0], form).date().isoformat() for r in rows]
        assert found.column("answered_on") == days
        assert [r["answer"] for r in found.rows if r["item_title"] == asked[0]].count(None) == sum(not r[asked[0]].strip() for r in rows)
        kept = str(desk.raw(report.taken[0]))
        for r in rows:
            assert f"'{r['StudentUniqueId']}'" not in kept
            assert f"'{r['LastSurname']}'" not in kept


@pytest.mark.parametrize("parting", [", ", ";"])
def test_several_choices_in_one_cell(tmp_path: Path, parting: str) -> None:
    scale = [["clubs", a, "", "", "", "", ""] for a in ("Chess", "Band, orchestra; choir", "Soccer")]
    desk = _desk(tmp_path, source("google_forms"), [item("Clubs", scale="clubs", kind="multi")], scale)
    cells = [parting.join(["Chess", "Band, orchestra; choir"]), "", f"Soccer{parting}Robotics", "Band, orchestra; choir"]
    found = _read(desk, as_csv([["Timestamp", "Clubs"], *([f"2025-09-1{n}", c] for n, c in enumerate(cells))]))
    ticked = {n: {r["answer"] for r in found.rows if r["_line"] == n + 2 and r["answer"]} for n in range(4)}
    assert ticked == {0: {"Chess", "Band, orchestra; choir"}, 1: set(), 2: {"Soccer", "Robotics"}, 3: {"Band, orchestra; choir"}}
    # what is not ticked is said as such, so that a later version of the response takes back what it no longer says
    assert found.answers()["w1:3", "Clubs", "Chess"] is None
    assert all(r["answer"] in (None, r["choice"]) for r in found.rows)


def test_repeated_titles_are_known_by_their_number_and_grid_rows_by_their_title(tmp_path: Path) -> None:
    items = [item("Why?", "why_1"), item("Why?", "why_2", occurrence="2"), item("How often [Reading]"), item("How often [Math]")]
    desk = _desk(tmp_path, source("google_forms"), items)
    header = ["Timestamp", "Why?", "How often [Reading]", "How  often [Math]", "Why?"]
    found = _read(desk, as_csv([header, ["2025-09-12", "Agree", "Disagree", "Neither", "Strongly agree"]]))
    assert {q: a for (_, q, _), a in found.answers().items()} == {
        "Why?": "Agree", "Why?#2": "Strongly agree", "How often [Reading]": "Disagree", "How often [Math]": "Neither",
    }  # fmt: skip


def test_a_repeated_title_that_the_map_knows_once_stops_the_file(tmp_path: Path) -> None:
    desk = _desk(tmp_path, source("google_forms"), [item(SAFE)])
    desk.put("pulse/a.csv", as_csv([["Timestamp", SAFE, SAFE], ["2025-09-12", "Agree", "Disagree"]]))
    (delivery,) = desk.take().taken
    assert delivery.status == "blocked"
    assert "the header names a column twice" in delivery.why


KEEP = {"respondent": "linked", "consent_basis": "consent", "consent_text": "Form 7", "respondent_column": "Student"}


LATEST = {"s1": ["Disagree"], "s2": ["Agree"]}
ALL = {"s1": ["Agree", "Disagree", "Neither"], "s2": ["Agree"]}


@pytest.mark.parametrize(("keep", "answers"), [("latest", LATEST), ("all", ALL)])
def test_several_answers_of_one_respondent(tmp_path: Path, keep: str, answers: dict[str, list[str]]) -> None:
    desk = _desk(tmp_path, source("google_forms", {**KEEP, "keep": keep}), [item(SAFE)])
    rows = [
        ["9/13/2025 1:00:00 PM", "s1", "Disagree"], ["9/13/2025 9:30:00 AM", "s1", "Agree"], ["9/13/2025 9:00:00", "s2", "Agree"],
        ["9/12/2025 23:00", "s1", "Neither"], ["9/14/2025", "", "Agree"], ["9/14/2025", "", "Neither"],
    ]  # fmt: skip
    found = _read(desk, as_csv([["Timestamp", "Student", SAFE], *rows]))
    by_respondent: dict[str, list[str]] = {}
    for r in found.rows:
        by_respondent.setdefault(r["respondent_id"], []).append(r["answer"])
    assert len(by_respondent.pop(None)) == 2, "those who did not say who they are count each"
    assert {r: sorted(a) for r, a in by_respondent.items()} == answers
    (delivery_id,) = found.found.n_rows or {"": 0}
    if keep == "latest":
        assert found.found.left_out == {delivery_id: "2 earlier answers of a respondent who answered again"}
        assert found.found.n_rows == {delivery_id: 4}
        assert len({r["response_id"] for r in found.rows}) == 4
        assert not any("s1" in r["response_id"] for r in found.rows)


# --- Qualtrics

SYSTEM = ["StartDate", "EndDate", "Status", "IPAddress", "Progress", "Finished", "ResponseId", "RecipientEmail"]
SYSTEM_IDS = ["startDate", "endDate", "status", "ipAddress", "progress", "finished", "_recordId", "recipientEmail"]


def _response(n: int, *answers: str, status: str = "0", progress: str = "100", finished: str = "1") -> list[str]:
    return ["2025-09-12 08:00:00", "2025-09-12 08:09:00", status, f"10.0.0.{n}", progress, finished, f"R_{n}", f"p{n}@example.org", *answers]


def _three(names: list[str], ids: list[str], *rows: list[str], texts: list[str] | None = None) -> str:
    third = [json.dumps({"ImportId": i}, separators=(",", ":")) for i in [*SYSTEM_IDS, *ids]]
    return as_csv([[*SYSTEM, *names], [*(f"{s}, in words\nof two lines" for s in SYSTEM), *(texts or names)], third, *rows])


def test_qualtrics_questions_are_known_by_import_id_whatever_they_are_called(tmp_path: Path) -> None:
    desk = _desk(tmp_path, source("qualtrics", {"school_column": "SchoolID"}), [item("Q1", import_id="QID1"), item("Q2", import_id="QID2")])
    content = _three(["Q2", "Q1", "School"], ["QID1", "QID2", "SchoolID"], _response(1, "Agree", "Disagree", "k1"), texts=["Ich bin sicher", "Erwachsene", "x"])
    found = _read(desk, content)
    assert found.answers() == {("R_1", "Q1", ""): "Agree", ("R_1", "Q2", ""): "Disagree"}
    assert {r["school_id"] for r in found.rows} == {"k1"}
    (delivery,) = desk.ledger.deliveries()
    assert delivery.n_rows == 3, "raw has the rows that describe the columns"
    assert found.found.n_rows == {delivery.delivery_id: 1}
    assert {r["_line"] for r in found.rows} == {len(content.splitlines())}
    raw = desk.raw(delivery)
    assert "10.0.0.1" not in str(raw)
    assert "p1@example.org" not in str(raw)
    assert "redacted: IPAddress, RecipientEmail not kept" in delivery.warnings


def test_qualtrics_numbers_and_words_give_the_same_answers(tmp_path: Path) -> None:
    items = [item("Q1", import_id="QID1"), item("Q2", import_id="QID2", scale="clubs", kind="multi")]
    scales = SCALES + [["clubs", a, "", "", "", "", str(n)] for n, a in enumerate(("Chess", "Band, orchestra"), start=1)]
    words = [["Agree", "Chess,Band, orchestra"], ["Not sure", "Band, orchestra"], ["", ""], ["Strongly disagree", "Chess"]]
    numbers = [["4", "1,2"], ["-99", "2"], ["", ""], ["1", "1"]]
    found = []
    for name, cells in (("words", words), ("numbers", numbers)):
        desk = _desk(tmp_path / name, source("qualtrics"), items, scales)
        found.append(_read(desk, _three(["Q1", "Q2"], ["QID1", "QID2"], *(_response(n, *c) for n, c in enumerate(cells)))).answers())
    assert found[0] == found[1]
    assert found[0]["R_0", "Q1", ""] == "Agree"
    assert found[0]["R_1", "Q1", ""] == "Not sure"
    assert {c: a for (r, q, c), a in found[0].items() if (r, q) == ("R_0", "Q2")} == {"Chess": "Chess", "Band, orchestra": "Band, orchestra"}


def test_a_scale_whose_answers_are_numbers_is_read_as_it_stands(tmp_path: Path) -> None:
    scale = [["rev", str(n), str(6 - n), "1", "5", "4", ""] for n in range(1, 6)]
    desk = _desk(tmp_path, source("qualtrics"), [item("Q1", import_id="QID1", scale="rev")], scale)
    assert set(_read(desk, _three(["Q1"], ["QID1"], _response(1, "2"), _response(2, "5"))).answers().values()) == {"2", "5"}


def test_previews_spam_and_the_unfinished_are_counted_and_said(tmp_path: Path) -> None:
    desk = _desk(tmp_path, source("qualtrics", {"min_progress": 80}), [item("Q1", import_id="QID1")])
    rows = [
        _response(1, "Agree"), _response(2, "Agree", status="1"), _response(3, "Agree", status="8"), _response(4, "Agree", finished="0", progress="40"),
        _response(5, "Neither", finished="0", progress="80"), _response(6, "Agree", status="Survey Preview", finished="False", progress="0"),
        _response(7, "Agree", status="IP Address", finished="TRUE"), _response(8, "Agree", status="4"),
    ]  # fmt: skip
    found = _read(desk, _three(["Q1"], ["QID1"], *rows))
    assert {r["response_id"] for r in found.rows} == {"R_1", "R_5", "R_7"}
    assert list(found.found.n_rows.values()) == [3]
    assert list(found.found.left_out.values()) == ["2 previews, 1 spam, 1 responses of another status, 1 unfinished responses"]


def test_a_line_that_is_not_well_formed_is_left_to_the_gate(tmp_path: Path) -> None:
    desk = _desk(tmp_path, source("qualtrics"), [item("Q1", import_id="QID1")])
    found = _read(desk, _three(["Q1"], ["QID1"], _response(1, "Agree"), _response(2, "Agree", "more"), _response(3)))
    assert len(found.rows) == 3
    assert sum(bool(r["_defect"]) for r in found.rows) == 2
    assert list(found.found.n_rows.values()) == [3]
    assert "p2@example.org" not in str(desk.raw(desk.ledger.deliveries()[0]))


def test_a_qualtrics_file_whose_header_rows_are_gone_says_so(tmp_path: Path) -> None:
    desk = _desk(tmp_path, source("qualtrics"), [item("Q1", import_id="QID1")])
    found = _read(desk, as_csv([[*SYSTEM, "Q1"], _response(1, "Agree")]))
    (missing,), (notes,) = found.found.missing.values(), found.found.notes.values()
    assert "endDate" in missing
    assert notes[0].startswith("the file has neither ImportIds in its third row nor the columns V1, V9 of older exports")
    assert found.rows == []


def test_questions_without_import_ids_in_the_map_are_asked_for(tmp_path: Path) -> None:
    desk = _desk(tmp_path, source("qualtrics"), [item("Q1")])
    found = _read(desk, _three(["Q1"], ["QID1"], _response(1, "Agree")))
    (notes,) = found.found.notes.values()
    assert "the file's questions have ImportIds: give them as import_id in codes/survey_items.csv" in notes
    assert list(found.found.missing.values()) == [("item_title",)]


def test_the_older_form_with_and_without_its_labels_and_a_last_empty_column(tmp_path: Path) -> None:
    names = ["V1", "V3", "V5", "V7", "V8", "V9", "V10", "Q1", "Q1_TEXT", ""]
    labels = ["ResponseID", "Name", "EmailAddress", "Status", "StartDate", "EndDate", "Finished", "Are you safe?", "Why?", ""]
    row = ["R_1", "Ada Example", "ada@example.org", "0", "2025-09-12 08:00:00", "2025-09-12 08:01:00", "1", "4", "Because", ""]
    for name, head in (("with", [names, labels]), ("without", [names])):
        desk = _desk(tmp_path / name, source("qualtrics"), [item("Q1", import_id="QID1")])
        found = _read(desk, "\ufeff" + as_csv([*head, row]))
        assert found.answers() == {("R_1", "Q1", ""): "Agree"}
        (delivery,) = desk.ledger.deliveries()
        assert set(desk.raw(delivery)[0]) & set(names) == {"V1", "V7", "V8", "V9", "V10", "Q1"}
        assert any(w.startswith("free_text: Q1_TEXT not kept") for w in delivery.warnings)


# --- Panorama

WIDE = {
    "school_column": "School", "grade_column": "Grade", "closes": "2025-09-30", "respondent_column": "Student ID", "respondent": "linked",
    "consent_basis": "opt_out", "consent_text": "Letter of 2025-08-20",
    "items": {"Q: safe": SAFE}, "scores": {"Topic: Belonging": "belonging"},
}  # fmt: skip
PANORAMA = [
    ["Student ID", "Student Name", "School", "Grade", "Q: safe", CARE, "Topic: Belonging", "Other topic"],
    ["s1", "Ada Example", "k1", "07", "Agree", "", "3.75", "1"],
]


def test_a_wide_export_becomes_answers_and_apart_from_them_scores(tmp_path: Path) -> None:
    desk = _desk(tmp_path, source("panorama", WIDE), [item(SAFE), item(CARE)])
    desk.put("pulse/a.csv", as_csv(PANORAMA))
    report = desk.take()
    assert [d.table_name for d in report.taken] == ["survey__answers", "survey__scores"]
    answers, scores = judged(desk, report), judged(desk, report, "survey__scores")
    assert answers.answers() == {("w1:2", SAFE, ""): "Agree", ("w1:2", CARE, ""): None}
    (score,) = scores.rows
    said = ("respondent_id", "answered_on", "school_id", "grade", "score_name", "score")
    assert [score[c] for c in said] == ["s1", "2025-09-30", "k1", "07", "belonging", "3.75"]
    for d in report.taken:
        assert "redacted: Student Name not kept" in d.warnings
        assert "undeclared: Other topic not kept, as neither survey_items.csv nor the survey block names them" in d.warnings
        assert "Ada" not in str(desk.raw(d))


def test_a_wide_export_without_a_mapped_score_is_stopped(tmp_path: Path) -> None:
    desk = _desk(tmp_path, source("panorama", WIDE), [item(SAFE)])
    desk.put("pulse/a.csv", as_csv([[c if c != "Topic: Belonging" else "Topic: Sense of belonging" for c in PANORAMA[0]], PANORAMA[1]]))
    found = judged(desk, desk.take(), "survey__scores")
    assert list(found.found.missing.values()) == [("Topic: Belonging",)]


# --- settings


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (item("Q", kind="open"), "row 2: kind is 'open'; it is one of single, multi, text"),
        (item("Q", occurrence="second"), "row 2: occurrence is 'second'; it counts the columns of one title from 1"),
    ],
)
def test_a_wrong_item_map_names_its_row(tmp_path: Path, row: list[str], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        items_by_survey(_desk(tmp_path, source("google_forms"), [row]).district)


@pytest.mark.parametrize(
    ("survey", "words"),
    [
        ({"respondent_column": "Email Address"}, "is anonymous and names a respondent_column"),
        ({"keep": "latest"}, "needs to know who answered"),
        ({"respondent": "linked", "respondent_column": "Id"}, "say consent_basis"),
        ({"respondent": "linked", "consent_basis": "consent", "consent_text": " ", "respondent_column": "Id"}, "say consent_basis"),
        ({"respondent": "pseudonymous", "consent_basis": "consent", "consent_text": "x"}, "name the respondent_column"),
        ({"opens": "2025-09-02", "closes": "2025-09-01"}, "closes before it opens"),
        ({"role": "family", "eligible": {"grades": ["07"]}}, "give eligible.count"),
    ],
)
def test_a_wave_that_is_not_declared_right_is_refused(tmp_path: Path, survey: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        _desk(tmp_path, source("google_forms", survey), [])
