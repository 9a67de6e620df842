"""What of a survey file may reach raw: by the wave's declaration, whatever the columns are called and whatever the settings forgot."""

from __future__ import annotations

import hashlib
import hmac
import stat
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipelines import doctor
from pipelines.sources.answers import says_who
from tests.landing import Desk
from tests.surveys import as_csv, item, judged, source, write_codes

SAFE = "I feel safe"
KEY = "a key for tests, of no other use"
HEADER = ["Timestamp", "Email Address", "Lunch code", SAFE, "Anything else?", "Username"]
ROWS = [[f"2025-09-1{n}", f"p{n}@example.org", f"L-770{n}", "Agree", f"words of {n}", f"user-{n}"] for n in range(5)]
KNOWN = {"consent_basis": "consent", "consent_text": "Form 7", "respondent_column": "Email Address"}
ITEMS = [item(SAFE), item("Anything else?", kind="text")]
TEXT = {"survey_text": {"safety_owner": "Student services", "retention_days": 30}}


def _desk(folder: Path, survey: dict[str, Any] | None = None, items: list[list[str]] = ITEMS, **more: Any) -> Desk:
    write_codes(folder, items)
    return Desk(folder, [{**source("google_forms", survey), "business_date": "2025-09-20"}], more=more)


def _everything(desk: Desk) -> str:
    """All that is below the data folder: Parquet decompressed, the rest as bytes."""
    said = []
    for path in desk.district.data.rglob("*"):
        if path.suffix == ".parquet":
            said.append(str(pq.read_table(path, partitioning=None).to_pylist()))
        elif path.is_file():
            said.append(path.read_bytes().decode("latin-1"))
    return "\n".join(said)


def test_an_anonymous_wave_keeps_what_is_declared_and_nothing_else(tmp_path: Path) -> None:
    desk = _desk(tmp_path)
    desk.put("pulse/a.csv", as_csv([HEADER, *ROWS, ["2025-09-16", "p9@example.org", "L-7709"], [*ROWS[0], "one too many, L-7708"]]))
    delivery = desk.one()
    assert [n for n in desk.raw(delivery)[0] if not n.startswith("_")] == ["Timestamp", SAFE]
    kept = _everything(desk)
    for secret in ("@example.org", "L-77", "words of", "user-"):
        assert secret not in kept
    assert delivery.warnings[:3] == (
        "redacted: Email Address, Username not kept",
        "undeclared: Lunch code not kept, as neither survey_items.csv nor the survey block names them",
        "free_text: Anything else? not kept: free text needs safety_owner and retention_days in [survey_text]",
    )


def test_a_question_of_the_item_map_that_says_who_answered_is_dropped_all_the_same(tmp_path: Path) -> None:
    desk = _desk(tmp_path, {"school_column": "Username"}, [*ITEMS, item("Email Address"), item("E-Mail address")])
    desk.put("pulse/a.csv", as_csv([HEADER, *ROWS]))
    assert "p1@example.org" not in _everything(desk) + str(desk.raw(desk.one()))
    assert "user-1" not in _everything(desk)


@pytest.mark.parametrize("name", ["E-Mail Address", "Student ID", "first_name", "IP Address", "ID", "Username", "LocationLatitude"])
def test_names_that_say_who(name: str) -> None:
    assert says_who(name)


@pytest.mark.parametrize("name", ["Has school email account", "I know who my friends are", "School", "Grade", "Name one adult who helps you"])
def test_names_that_do_not(name: str) -> None:
    assert not says_who(name)


def test_a_pseudonym_is_a_keyed_hash_made_before_raw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THROUGHLINE_PSEUDONYM_KEY", KEY)
    desk = _desk(tmp_path, {**KNOWN, "respondent": "pseudonymous"})
    desk.put("pulse/a.csv", as_csv([HEADER, *ROWS, [*ROWS[0], "p7@example.org"], ["2025-09-16", " p1@example.org ", "", "Disagree", "", ""]]))
    report = desk.take()
    expected = [hmac.new(KEY.encode(), f"pulse|p{n}@example.org".encode(), hashlib.sha256).hexdigest() for n in range(5)]
    assert judged(desk, report).column("respondent_id") == [*expected, None, expected[1]]
    kept = _everything(desk)
    assert "@example.org" not in kept
    assert KEY not in kept
    assert "pseudonymous: Email Address kept as a keyed hash" in report.taken[0].warnings


@pytest.mark.parametrize("key", [None, "too short"])
def test_without_a_key_that_source_waits_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str | None) -> None:
    monkeypatch.delenv("THROUGHLINE_PSEUDONYM_KEY", raising=False)
    if key:
        monkeypatch.setenv("THROUGHLINE_PSEUDONYM_KEY", key)
    desk = _desk(tmp_path, {**KNOWN, "respondent": "pseudonymous"})
    desk.sources.append({**source("google_forms", {"wave_id": "w2"}), "id": "other", "path": "other/*", "business_date": "2025-09-20"})
    desk.put("pulse/a.csv", as_csv([HEADER, *ROWS]))
    desk.put("other/a.csv", as_csv([HEADER, *ROWS]))
    waits, other = sorted(desk.take().taken, key=lambda d: d.source_id == "other")
    assert (waits.status, waits.raw_path, other.status) == ("blocked", "", "raw")
    assert waits.why == (
        "source pulse: its wave is pseudonymous and THROUGHLINE_PSEUDONYM_KEY is not set in the environment (16 characters or more); set it and run again"
    )
    assert desk.take().taken == ()
    assert ["THROUGHLINE_PSEUDONYM_KEY is not set" in f.what for f in doctor._survey_key(desk.district)] == [True]
    monkeypatch.setenv("THROUGHLINE_PSEUDONYM_KEY", KEY)
    assert list(doctor._survey_key(desk.district)) == []
    (taken,) = desk.take().taken
    assert (taken.source_id, taken.status, taken.n_rows) == ("pulse", "raw", 5)


def test_a_linked_wave_keeps_the_respondent_and_no_other_identity(tmp_path: Path) -> None:
    desk = _desk(tmp_path, {**KNOWN, "respondent": "linked"})
    desk.put("pulse/a.csv", as_csv([HEADER, *ROWS]))
    report = desk.take()
    assert judged(desk, report).column("respondent_id") == [f"p{n}@example.org" for n in range(5)]
    assert "user-1" not in _everything(desk)
    assert "L-770" not in _everything(desk)


def test_free_text_is_kept_apart_for_its_owner_alone_and_for_its_time(tmp_path: Path) -> None:
    desk = _desk(tmp_path, **TEXT)
    desk.put("pulse/a.csv", as_csv([HEADER, *ROWS, ["2025-09-15", "", "", "Agree", " ", ""]]))
    (delivery,) = desk.take(date(2025, 9, 20)).taken
    (path,) = desk.district.data.rglob("restricted/**/*.parquet")
    stored = pq.read_table(path, partitioning=None).to_pylist()
    assert [(r["question"], r["words"], r["_line"]) for r in stored] == [("Anything else?", f"words of {n}", n + 2) for n in range(5)]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {stat.S_IMODE(p.stat().st_mode) for p in (path.parent, *path.parent.parents[:2])} == {0o700}
    others = [p for p in desk.district.data.rglob("*.parquet") if "restricted" not in p.parts]
    assert "words of" not in str([pq.read_table(p, partitioning=None).to_pylist() for p in others])

    desk.take(date(2025, 10, 20))
    assert path.exists(), "thirty days after the file's date"
    desk.take(date(2025, 10, 21))
    assert "words of" not in _everything(desk)
    assert not path.exists()
    buried = desk.ledger.rows("select store, delivery_id, n_rows, reason from tombstones")
    assert buried == [{"store": "survey_text", "delivery_id": delivery.delivery_id, "n_rows": 5, "reason": "retention"}]


def test_free_text_that_comes_after_its_time_is_only_counted(tmp_path: Path) -> None:
    desk = _desk(tmp_path, **TEXT)
    desk.put("pulse/a.csv", as_csv([HEADER, *ROWS]))
    desk.take(date(2025, 12, 31))
    assert "words of" not in _everything(desk)
    assert [r["n_rows"] for r in desk.ledger.rows("select n_rows from tombstones")] == [5]


def test_a_file_is_read_anew_when_the_settings_say_something_else_of_the_survey(tmp_path: Path) -> None:
    desk = _desk(tmp_path)
    desk.put("pulse/a.csv", as_csv([HEADER, *ROWS]))
    desk.put("pulse/b.csv", as_csv([HEADER, *ROWS]))
    first = desk.take().taken
    assert desk.take().taken == ()
    write_codes(tmp_path, [*ITEMS, item("Lunch code")])
    again = desk.take().taken
    assert [d.name for d in again] == [d.name for d in first]
    assert not {d.delivery_id for d in again} & {d.delivery_id for d in first}
    assert [d.precedence for d in again] == sorted(d.precedence for d in again)
    assert min(d.precedence for d in again) > max(d.precedence for d in first)
    assert [r["Lunch code"] for r in desk.raw(again[0])] == [f"L-770{n}" for n in range(5)]
    assert desk.take().taken == ()


def test_a_wave_that_is_declared_more_strictly_later_says_what_is_still_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THROUGHLINE_PSEUDONYM_KEY", KEY)
    desk = _desk(tmp_path, {**KNOWN, "respondent": "linked"})
    desk.put("pulse/a.csv", as_csv([HEADER, *ROWS]))
    assert not [w for w in desk.one().warnings if w.startswith("kept_before")]
    for survey in ({**KNOWN, "respondent": "pseudonymous"}, {}):
        desk.sources = [{**source("google_forms", survey), "business_date": "2025-09-20"}]
        (said,) = [w for w in desk.one().warnings if w.startswith("kept_before")]
        assert said.startswith("kept_before: Email Address went to raw")
