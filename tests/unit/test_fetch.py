"""What the Ed-Fi client makes of settings, replies and files, without a server."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import pipelines.sources
from pipelines.api_settings import EDFI_RESOURCES, Api
from pipelines.district import District, Source, load_district
from pipelines.intake.edfi_api import _retry_after, split_list
from pipelines.intake.fetch import checks, fetch
from pipelines.intake.landed import Folder
from pipelines.intake.scan import business_date, landing_files
from pipelines.intake.window import Pending, Window
from pipelines.lineage.ledger import Ledger, Sync
from pipelines.publication.gate import fetch_issues
from pipelines.settings import SettingsError
from pipelines.sources.edfi import resource_of, resources
from pipelines.sources.shape import Format, Projection, Table

DAY = date(2025, 9, 1)
API = {"url": "https://api.example.org/v7.3/api/", "key_env": "EDFI_KEY", "secret_env": "EDFI_SECRET"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.lists(st.dictionaries(st.text(), JSON, max_size=4), max_size=6)


@given(OBJECTS, st.sampled_from([None, 1, 4]), st.booleans())
def test_a_list_comes_apart_into_lines(objects: list[dict[str, object]], indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(objects, indent=indent, ensure_ascii=ascii_only)
    lines = split_list(text)
    assert [json.loads(line) for line in lines] == objects
    assert not [line for line in lines if "\n" in line or "\r" in line]


@given(OBJECTS, st.data())
def test_a_list_that_is_cut_short_is_no_list(objects: list[dict[str, object]], data: st.DataObject) -> None:
    text = json.dumps(objects)
    cut = data.draw(st.integers(0, len(text) - 1))
    with pytest.raises(ValueError):  # noqa: PT011 (of several kinds)
        split_list(text[:cut])


def test_numbers_keep_their_digits() -> None:
    assert split_list('[{"a": 1.50, "b": 1e2}\n, {"a":0.10}]') == ('{"a": 1.50, "b": 1e2}', '{"a":0.10}')


@pytest.mark.parametrize("text", ["", "{}", "[1]", "[{}", "[{},]", "[{}] x", "[,]", "[{} {}]", "<html>", '["a"]', "null"])
def test_what_is_no_list_of_objects(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        split_list(text)


def test_how_long_to_wait() -> None:
    assert _retry_after("7") == 7
    later = _retry_after(format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True))
    assert later is not None
    assert 25 < later < 31
    assert _retry_after(format_datetime(datetime.now(UTC) - timedelta(days=1), usegmt=True)) == 0
    assert _retry_after("") is None
    assert _retry_after("soon") is None


def source(**more: object) -> Source:
    return Source.model_validate({"id": "sis", "format": "edfi", "path": "edfi/**/*.jsonl", "api": API, **more})


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"api": {**API, "url": "http://api.example.org"}}, "must be an https:// address"),
        ({"api": {**API, "url": "https://key:secret@api.example.org"}}, "no user name, password"),
        ({"api": {**API, "key_env": "not a name"}}, "key_env"),
        ({"api": {**API, "resources": ["students", "students"]}}, "named twice: students"),
        ({"api": {**API, "resources": ["../students"]}}, "resources"),
        ({"api": {**API, "verify": False}}, "verify"),
        ({"format": "lms"}, "belongs to format = 'edfi' alone"),
        ({"path": "*.jsonl"}, "need a folder of their own"),
        ({"path": "../edfi/**/*.jsonl"}, "need a folder of their own"),
    ],
)
def test_settings_that_cannot_be_meant(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        source(**wrong)


def test_files_say_their_date_and_their_order() -> None:
    """In the order of names within a day, whatever the step: key changes, then records, then deletes."""
    made = source()
    assert made.api
    assert made.api.url == "https://api.example.org/v7.3/api"
    assert business_date(made, "edfi/students/full/rundate=2025-09-01/00001.0-5994.jsonl") == (DAY, 1)
    assert business_date(made, "edfi/students/incremental/deletes/rundate=2025-09-01/00012.5995-6020-00002.jsonl") == (DAY, 12)
    assert len(set(Api.model_validate(API).resources)) == len(Api.model_validate(API).resources)


def test_what_is_asked_for_by_default_is_what_the_reader_reads() -> None:
    fed = [r for r in resources() if any(fnmatchcase(name, r.pattern) for name in EDFI_RESOURCES)]
    assert fed == list(resources()), "every table has a resource that is asked for"
    assert [name for name in EDFI_RESOURCES if resource_of(f"{name}/full/00001.jsonl") != name] == []


def test_what_an_extract_brings_is_not_asked_for(tmp_path: Path) -> None:
    def fetched(without: str) -> tuple[str, ...]:
        text = (tmp_path / "district.toml").read_text(encoding="utf-8")
        other = text.replace("format = 'edfi'", f"format = 'edfi'\nwithout = {without}").replace('["students"]', '["students", "grades"]')
        (tmp_path / "other").mkdir(exist_ok=True)
        (tmp_path / "other" / "district.toml").write_text(other, encoding="utf-8")
        return load_district(tmp_path / "other").sources[0].fetched

    district(tmp_path)
    assert fetched("[]") == ("students", "grades")
    assert fetched("['grades']") == ("students",)
    with pytest.raises(SettingsError, match="nothing is left to fetch"):
        fetched("['grades', 'students']")


def district(folder: Path, **more: str) -> District:
    lines = [f"{k} = '{v}'" for k, v in {"id": "sis", "format": "edfi", "path": "edfi/**/*.jsonl", **more}.items()]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "district.toml").write_text(
        'school_years = [{ year = 2026, start = 2025-08-18, end = 2026-06-05 }]\n[district]\nid = "d"\nname = "D"\n[[sources]]\n'
        + "\n".join(lines) + '\n[sources.api]\nurl = "https://api.example.org"\nkey_env = "EDFI_KEY"\nsecret_env = "EDFI_SECRET"\nresources = ["students"]\n',
        encoding="utf-8",
    )  # fmt: skip
    return load_district(folder)


@pytest.mark.parametrize(("more", "said"), [({"path": "edfi/*/*.jsonl"}, "does not match"), ({"date": r"(?P<date>\d{4}-\d{2}-\d{2})"}, "leave out date")])
def test_files_that_intake_would_not_find_are_not_fetched(tmp_path: Path, more: dict[str, str], said: str) -> None:
    settings = district(tmp_path, **more)
    ledger = Ledger(tmp_path / "ledger.sqlite")
    with pytest.raises(SettingsError, match=said):
        fetch(settings, ledger, settings.sources[0], DAY, lambda text: None)
    ledger.close()


def test_where_an_api_is_says_nothing_about_a_figure(tmp_path: Path) -> None:
    one, path = district(tmp_path), tmp_path / "district.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("api.example.org", "new.example.org"), encoding="utf-8")
    assert load_district(tmp_path).fingerprint() == one.fingerprint()


def test_what_was_read_twice_lands_once_as_read_last(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "landing" / "edfi", "students")
    pending = Pending(Window(6, 9), DAY, 4, 2, 3, "", {"keyChanges": 1, "upserts": 3, "deletes": 1})
    change = '{"id":"a","changeVersion":7}'
    folder.keep("keyChanges", 1, [change, change, '{"id":"a","changeVersion":8}'])
    folder.keep("upserts", 1, ['{"id":"a","n":1}', '{"id":"b","n":1}'])
    folder.keep("upserts", 2, ['{"id":"a","n":1}', '{"id":"b","n":2}'])
    folder.keep("upserts", 3, ['{"id":"a","n":3}', '{"n":4}'])
    folder.keep("deletes", 1, ['{"id":"c","changeVersion":9}'])
    assert folder.n_records("upserts", 3) == 3
    assert landing_files(tmp_path / "landing") == [], "intake does not look at what is not whole"
    for _ in range(2):  # the same again after a kill
        assert folder.land(pending) == 2 + 3 + 1
        landed = {n: (tmp_path / "landing" / n).read_text(encoding="utf-8").splitlines() for n in landing_files(tmp_path / "landing")}
        assert landed == {
            "edfi/students/incremental/keyChanges/rundate=2025-09-01/00004.6-9-00001.jsonl": [change, '{"id":"a","changeVersion":8}'],
            "edfi/students/incremental/upserts/rundate=2025-09-01/00004.6-9-00002.jsonl": ['{"id":"b","n":2}'],
            "edfi/students/incremental/upserts/rundate=2025-09-01/00004.6-9-00003.jsonl": ['{"id":"a","n":3}', '{"n":4}'],
            "edfi/students/incremental/deletes/rundate=2025-09-01/00004.6-9-00004.jsonl": ['{"id":"c","changeVersion":9}'],
        }
    assert folder.next_number(DAY) == 5
    assert folder.next_number(DAY + timedelta(days=1)) == 1


def test_the_gate_holds_what_stands_on_a_resource_that_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the tables that the resource's files feed, as the format says."""
    tables = {r: Table(f"edfi__{r}", ("id",), ("id",), ()) for r in ("students", "grades")}
    made = Format("edfi", tables, lambda s, name: (tables[name.split("/")[1]],), lambda *a: Projection(""))
    monkeypatch.setitem(pipelines.sources.FORMATS, "edfi", made)
    settings = district(tmp_path)
    ledger = Ledger(tmp_path / "ledger.sqlite")
    behind = {"attendance_rate": {"edfi__students"}, "grades_passed": {"edfi__grades"}}

    def verdicts(sync: Sync) -> list[tuple[frozenset[str], str]]:
        ledger.put(sync)
        return [(i.indicators, i.severity) for i in fetch_issues(settings, ledger, behind)]

    only = frozenset({"attendance_rate"})
    at = "2025-09-01T02:00:00.000+00:00"
    assert verdicts(Sync("sis", "students", 5, status="failed", why="the server failed", asked_at=at)) == [(only, "critical")]
    assert verdicts(Sync("sis", "students", status="unavailable", why="403", asked_at=at)) == [(only, "warning")]
    assert verdicts(Sync("sis", "students", status="unavailable", why="403", asked_at=at, landed_at=at)) == [(only, "critical")], "it is out of date"
    assert verdicts(Sync("sis", "students", 9, status="fetched", asked_at=at, landed_at=at)) == []
    assert verdicts(Sync("sis", "grades", status="failed", why="no longer asked for", asked_at=at)) == []
    ledger.close()
    assert checks("r", []) == []
