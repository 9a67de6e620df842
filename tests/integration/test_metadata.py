"""What a night leaves in Dagster and in logs: links to what it made, and not a value of any person."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sqlite3
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from pipelines.defs.resources import link
from tests.conftest import REPOSITORY
from tests.nights import Night, make

ANSWERS = ("Strongly disagree", "Neither agree nor disagree")  # of the scale; the shorter ones are words of any log
FREE_TEXT = "My locker neighbour hums every morning"
PLANTED = ("Quillon Nobodyson", "quillon@nobody.example", "Only on rainy Tuesdays", "threw a chair", FREE_TEXT)


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    """A district with defects, some of which hold what people would write, after its nightly job."""
    night = make(tmp_path_factory.mktemp("metadata") / "d", 80, 9, defects=True)
    attendance = max((night.landing / "attendance").glob("attendance_*.csv"))
    name, address, answer, note, text = PLANTED
    with attendance.open("a", encoding="utf-8") as f:
        day = night.last_date.strftime("%m/%d/%Y")
        f.write(
            f"S1000001,100,{day},{note},in_person\nS1000002,100,{name},P,in_person\n{address},100,{day},P,in_person\nS1000003,100,{day},P,{name},{address}\n"
        )
    (survey,) = (night.landing / "survey").glob("*.csv")
    rows = list(csv.reader(io.StringIO(survey.read_text(encoding="utf-8"))))
    said = [[*rows[0], "Anything else?", "Email Address"], *([*row, f"{text} {n}", address] for n, row in enumerate(rows[1:]))]
    said[1][3] = answer
    with survey.open("w", encoding="utf-8", newline="") as f:
        csv.writer(f, lineterminator="\n").writerows(said)
    outcome = night.run(night.last_date, night.last_date - timedelta(days=14))
    assert outcome.exit_status == 3
    aside = [rule for line, rule in night.quarantine().items() if line.file == attendance.relative_to(night.landing).as_posix()]
    assert len(aside) >= 4, "the planted lines were read and judged"
    assert "answer_is_on_the_scale" in night.quarantine().values()
    return night


def people(night: Night) -> dict[str, set[str]]:
    """What the district's files say of people, by kind: of everybody in a users file, and what is planted."""
    found: dict[str, set[str]] = {"id": set(), "username": set(), "email": set(), "family name": set(), "name": set()}
    for path in (night.landing / "oneroster").rglob("*.zip"):
        with zipfile.ZipFile(path) as package:
            for member in (n for n in package.namelist() if n.endswith("users.csv")):
                for row in csv.DictReader(io.StringIO(package.read(member).decode("utf-8"))):
                    found["id"] |= {row["sourcedId"], row["identifier"]}
                    found["username"].add(row["username"])
                    found["email"].add(row["email"])
                    found["family name"].add(row["familyName"])
                    found["name"].add(f"{row['givenName']} {row['familyName']}")
    distinct = {kind: {v for v in values if len(v) >= 7} for kind, values in found.items()}  # shorter ones may be parts of other words and numbers
    return distinct | {"answer": set(ANSWERS), "planted": set(PLANTED)}


def texts(folder: Path) -> Iterator[tuple[str, str]]:
    """Everything written below a folder, each with where it stands: every cell of every SQLite table, unpacked where it is packed, and every other file."""
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.endswith(("-wal", "-shm"))):
        with path.open("rb") as f:
            is_database = f.read(15) == b"SQLite format 3"
        if not is_database:
            yield str(path), path.read_bytes().decode("utf-8", "replace")
            continue
        with sqlite3.connect(path) as db:
            for (table,) in db.execute("select name from sqlite_master where type = 'table'").fetchall():
                for row in db.execute(f'select * from "{table}"'):
                    yield f"{path} {table}", "\n".join(_text(cell) for cell in row)
        db.close()


def _text(cell: object) -> str:
    if not isinstance(cell, bytes):
        return str(cell)
    with suppress(zlib.error):
        cell = zlib.decompress(cell)
    return cell.decode("utf-8", "replace")


def told(folders: list[Path], values: set[str]) -> dict[str, str]:
    """Those of `values` that are written anywhere below the folders, in capitals or not, with the first place."""
    assert all(json.dumps(v) == f'"{v}"' for v in values), "JSON writes them as they are"
    small = {v.lower(): v for v in values}
    found: dict[str, str] = {}
    for place, text in (t for folder in folders for t in texts(folder)):
        lower = text.lower()
        found |= {v: place for s, v in small.items() if v not in found and s in lower}
    return found


def written(night: Night) -> list[Path]:
    return [night.folder / "data" / place for place in ("dagster", "logs", "build/dbt/logs")]


def test_no_value_of_a_person_is_in_events_metadata_or_logs(night: Night) -> None:
    known = people(night)
    assert min(len(values) for kind, values in known.items() if kind not in ("answer", "planted", "family name")) >= 80
    everything = set().union(*known.values())
    landed = "\n".join(p.read_text(encoding="utf-8") for p in night.landing.rglob("*.csv"))
    assert all(v in landed for v in (*ANSWERS, *PLANTED))
    assert told(written(night), everything) == {}
    ledger = night.folder / "data" / "for_the_ledger"
    ledger.mkdir()
    shutil.copyfile(night.folder / "data" / "ledger.sqlite", ledger / "ledger.sqlite")
    assert told([ledger], everything) == {}


def test_all_of_the_run_is_looked_through(night: Night) -> None:
    """Steps, checks and figures of the run are found where people are looked for."""
    expected = {"arrival_gate", "arrival_expectations", "slices_held", "rows_in", "ASSET_MATERIALIZATION", "code_is_mapped", "building every model from"}
    assert set(told(written(night)[:1], expected)) == expected
    events = [t for place, t in texts(night.folder / "data" / "dagster" / "history") if place.endswith("event_logs")]
    assert len(events) > 1000
    assert told(written(night)[1:], {"agg_indicator_values"}).keys() == {"agg_indicator_values"}


@pytest.mark.parametrize("kind", ["id", "username", "email", "family name", "name", "answer", "planted"])
def test_one_value_would_be_found(kind: str, night: Night, tmp_path: Path) -> None:
    """In one event of the run, in a packed cell, or in a line of a log."""
    everything = set().union(*people(night).values())
    value = max(people(night)[kind])
    spread = {v for v in everything if v.lower() in value.lower()}  # a name within an address is told too
    (run,) = (p for p in (night.folder / "data/dagster/history/runs").glob("*.db") if p.stem != "index")
    for place in ("event", "packed", "log"):
        copy = tmp_path / place
        copy.mkdir()
        if place == "log":
            shutil.copyfile(night.folder / "data/logs/last_run.log", copy / "last_run.log")
            with (copy / "last_run.log").open("a", encoding="utf-8") as f:
                f.write(f"12:00:00  taking {value.upper()}, which is no file\n")
        else:
            with sqlite3.connect(run) as source, sqlite3.connect(copy / "run.db") as target:
                source.backup(target)
                planted = json.dumps({"description": f"not known: {value}."})
                cell = zlib.compress(planted.encode()) if place == "packed" else planted
                target.execute("update event_logs set event = ? where id = (select max(id) from event_logs)", [cell])
            source.close()
            target.close()
        assert set(told([copy], everything)) == spread, place


@pytest.mark.parametrize(
    ("key", "links"),
    [
        ("raw/extract__attendance", {"folder": "data/raw/extract__attendance", "ledger": "data/ledger.sqlite"}),
        ("held/extract__attendance", {"build": "data/build/build.duckdb"}),
        ("marts/agg_indicator_values", {"dbt_log": "data/build/dbt/logs/dbt.log", "run_results": "data/build/dbt/run_results.json"}),
        ("warehouse/agg_indicator_values", {"warehouse": "data/warehouse/throughline.duckdb", "ledger": "data/ledger.sqlite"}),
    ],
)
def test_pages_lead_to_what_a_night_made(key: str, links: dict[str, str], night: Night) -> None:
    with dg.DagsterInstance.from_config(str(night.folder / "data" / "dagster")) as instance:
        event = instance.get_latest_materialization_event(dg.AssetKey(key.split("/")))
    assert event
    assert event.asset_materialization
    metadata = event.asset_materialization.metadata
    for name, place in links.items():
        assert metadata[name] == dg.MetadataValue.path(str(night.folder / place))
        assert (night.folder / place).exists()
    if key.startswith("held/"):
        assert metadata["rules"] == dg.MetadataValue.path(str(REPOSITORY / "expectations/arrival/extract__attendance.yml"))


def test_a_server_is_linked_by_its_address() -> None:
    assert link("postgresql://figures:***@db.example/district") == dg.MetadataValue.url("postgresql://figures:***@db.example/district")
    assert link(Path("/srv/d")) == link("/srv/d") == dg.MetadataValue.path("/srv/d")
