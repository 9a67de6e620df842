"""The nightly job on a real PostgreSQL and on DuckDB: a night that is held back in part, and on PostgreSQL a look back and a night that makes good.

What people see is read with plain drivers. On PostgreSQL the publisher is an ordinary account that owns its database and nothing else.
"""

from __future__ import annotations

import csv
import io
import json
import re
import secrets
import zipfile
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from click.testing import CliRunner

from pipelines.cli import cli
from pipelines.lineage.graph import registry
from pipelines.lineage.trace import MART
from pipelines.nightly import Outcome
from pipelines.publication.maturity import KEPT
from tests.districts import START, TestDistrict
from tests.indicators import WORK
from tests.landing import zipped
from tests.nights import Night, make
from tests.postgres import Server

TUESDAY, WEDNESDAY, THURSDAY = (START + timedelta(days=n) for n in (1, 2, 3))
ATTENDANCE = f"attendance/attendance_{WEDNESDAY}.csv"
MARKS = f"oneroster/{WEDNESDAY}/oneroster.zip"
SILENT, SPOILT, SOUND = "110", "100", "120"  # schools: left out of a file, with a code that nobody knows, as it should be
STATUS = ("data_as_of", "quality_status", "maturity_days")
RUN_IDS = ("run_id", "publication_id", "visible_publication_id")  # these differ between any two runs of the same night, and so do times

Rows = list[dict[str, Any]]
Seen = dict[str, Rows]  # view -> its rows in an order of their own


@dataclass
class Story:
    """A district, where its warehouse is, and what was to be seen after each step: `first`, `held`, `back`, `good`."""

    district: Night
    url: str
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    seen: dict[str, Seen] = field(default_factory=dict)
    hashes: dict[str, tuple[str, str]] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)  # command -> what it printed
    reported: dict[str, str] = field(default_factory=dict)  # ... and its progress and errors
    statuses: dict[str, int] = field(default_factory=dict)

    def call(self, name: str, *arguments: object) -> None:
        """A command as a person gives it, in this process."""
        result = CliRunner().invoke(cli, [*(str(a) for a in arguments), "--district", str(self.district.folder)])
        self.statuses[name], self.said[name], self.reported[name] = result.exit_code, result.stdout, result.stderr

    def look(self, moment: str) -> None:
        self.seen[moment] = on_postgres(self.url) if self.url else on_duckdb(self.district)

    def publications(self) -> list[str]:
        """Their ids, oldest first."""
        return [str(p) for (p,) in self.district.ledger("select publication_id from publications order by created_at")]


def ask(db: Any) -> Seen:
    """Every row of every view that people read, by a plain driver."""
    views = "select table_schema, table_name from information_schema.tables where table_schema in ('marts', 'marts_restricted', 'operations') order by 1, 2"
    found: Seen = {}
    for schema, name in db.execute(views).fetchall():
        found[f"{schema}.{name}"] = rows_of(db, schema, name)
    return found


def rows_of(db: Any, schema: str, name: str) -> Rows:
    columns = f"select column_name from information_schema.columns where table_schema = '{schema}' and table_name = '{name}' order by 1"
    names = [c for (c,) in db.execute(columns).fetchall() if c not in RUN_IDS and not c.endswith("_at")]
    rows = [dict(zip(names, row, strict=True)) for row in db.execute(f"select {', '.join(names)} from {schema}.{name}").fetchall()]
    return sorted(rows, key=lambda r: repr(list(r.values())))


def on_postgres(url: str) -> Seen:
    with psycopg.connect(url) as db:
        return ask(db)


def on_duckdb(district: TestDistrict) -> Seen:
    with duckdb.connect(str(district.warehouse), read_only=True) as db:
        found = ask(db)
    with duckdb.connect(str(district.warehouse.with_name("restricted.duckdb")), read_only=True) as db:
        return ask(db) | found


def spoil(landing: Path) -> dict[Path, bytes]:
    """Wednesday's files come wrong: a school is left out, a code is nobody's, the marks lack a column. Gives the right ones."""
    right = {landing / name: (landing / name).read_bytes() for name in (ATTENDANCE, MARKS)}
    header, *rows = csv.reader(io.StringIO(right[landing / ATTENDANCE].decode()))
    school, code = header.index("School Number"), header.index("Code")
    rows = [r for r in rows if r[school] != SILENT]
    next(r for r in rows if r[school] == SPOILT)[code] = "ZZ"
    (landing / ATTENDANCE).write_text(as_csv([header, *rows]), encoding="utf-8")
    with zipfile.ZipFile(landing / MARKS) as archive:
        files = {n: archive.read(n).decode() for n in archive.namelist()}
    results = list(csv.reader(io.StringIO(files["results.csv"])))
    status = results[0].index("scoreStatus")
    (landing / MARKS).write_bytes(zipped(files | {"results.csv": as_csv([r[:status] + r[status + 1 :] for r in results])}))
    return right


def as_csv(rows: list[list[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def tell(folder: Path, url: str) -> Story:
    """Two nights, the second held back in part. An empty `url` is the default: DuckDB in the district's folder; elsewhere the story goes on."""
    story = Story(make(folder, 70, 4, seed=5), url)
    district = story.district
    with (folder / "district.toml").open("a", encoding="utf-8") as f:
        f.write('\n[publication]\nleast_coverage = "1/4"\n')  # two of four schools are held, and the rest goes out
    with pytest.MonkeyPatch.context() as environment:
        if url:
            environment.setenv("THROUGHLINE_WAREHOUSE_URL", url)
        else:
            environment.delenv("THROUGHLINE_WAREHOUSE_URL", raising=False)

        def after(moment: str) -> None:
            story.look(moment)
            story.hashes[moment] = district.hashes()

        story.outcomes["first"] = district.run(TUESDAY, START)
        after("first")
        right = spoil(district.landing)
        story.call("run", "run", "--date", WEDNESDAY)
        after("held")
        if not url:
            return story
        story.call("list", "publications", "list", "--json")
        story.call("show", "publications", "show", "latest")
        story.call("trace a sound school", "trace", f"{MART}:indicator_id=attendance_rate,school_id={SOUND}", "--json")
        story.call("trace a held school", "trace", f"{MART}:indicator_id=attendance_rate,school_id={SPOILT}")
        story.call("rollback", "publications", "rollback", story.publications()[0])
        story.call("list after rollback", "publications", "list", "--json")
        story.look("back")
        for path, content in right.items():
            path.write_bytes(content)
        story.outcomes["good"] = district.run(THURSDAY)
        after("good")
        story.call("list at the end", "publications", "list")
        story.call("doctor", "doctor")
    return story


@pytest.fixture(scope="module")
def duck(tmp_path_factory: pytest.TempPathFactory) -> Story:
    return tell(tmp_path_factory.mktemp("duckdb") / "district", "")


@pytest.fixture(scope="module")
def address(postgres: Server) -> str:
    """A database of its own for an account that may do nothing else on the server."""
    database, password = postgres.create_database().rpartition("/")[2], secrets.token_urlsafe(12)
    with psycopg.connect(postgres.url(), autocommit=True) as db:
        db.execute(f"create role publisher_{database} login password '{password}'")
        db.execute(f"alter database {database} owner to publisher_{database}")
    return postgres.url(database, f"publisher_{database}", password)


@pytest.fixture(scope="module")
def server(address: str, tmp_path_factory: pytest.TempPathFactory) -> Story:
    return tell(tmp_path_factory.mktemp("postgres") / "district", address)


def figures(seen: Seen, indicator: str, school: str | None, *, status: bool = False) -> Rows:
    rows = [r for r in seen[f"marts.{MART}"] if (r["indicator_id"], r["school_id"]) == (indicator, school)]
    assert rows, f"{indicator} of {school} has no figure"
    return rows if status else [{k: v for k, v in r.items() if k not in STATUS} for r in rows]


def test_the_nights_end_as_they_should(server: Story) -> None:
    assert [server.outcomes[m].exit_status for m in ("first", "good")] == [0, 0]
    assert server.statuses == {
        "run": 3, "list": 0, "show": 0, "trace a sound school": 0, "trace a held school": 0, "rollback": 0, "list after rollback": 0,
        "list at the end": 0, "doctor": 0,
    }, server.reported  # fmt: skip


@pytest.mark.parametrize("moment", ["first", "held"])
def test_people_see_the_same_on_both_warehouses(moment: str, server: Story, duck: Story) -> None:
    assert server.seen[moment].keys() == duck.seen[moment].keys()
    assert server.seen[moment][f"marts.{MART}"]
    assert server.seen[moment]["marts_restricted.fct_student_indicators"]
    for view, rows in server.seen[moment].items():
        assert rows == duck.seen[moment][view], view
    assert server.hashes[moment] == duck.hashes[moment]


def test_a_held_slice_keeps_its_last_good_rows_and_says_since_when(server: Story) -> None:
    first, held, good = (server.seen[m] for m in ("first", "held", "good"))
    kept = [("attendance_rate", SILENT), ("attendance_rate", SPOILT), *((i, None) for i in WORK)]
    for indicator, school in kept:
        assert figures(held, indicator, school) == figures(first, indicator, school)
        for row in figures(held, indicator, school, status=True):
            assert row["data_as_of"] == TUESDAY
            assert row["quality_status"].startswith(f"held since {TUESDAY}: ")
        assert {r["data_as_of"] for r in figures(good, indicator, school, status=True)} == {THURSDAY}
    assert figures(held, "attendance_rate", SOUND) != figures(first, "attendance_rate", SOUND)
    assert {r["data_as_of"] for r in figures(held, "attendance_rate", SOUND, status=True)} == {WEDNESDAY}
    assert [(r["rule"], r["n_rows"]) for r in held["operations.quarantine"] if not r["school_id"]] == [("code_is_mapped", 1)]
    assert good["operations.quarantine"] == []


def test_the_night_after_a_look_back_publishes_all_that_was_built(server: Story) -> None:
    """Nothing is held any more: every row of the models is seen, in the open mart but for what is suppressed. Weeks as they were are of no model."""
    good = server.seen["good"]
    with duckdb.connect(str(server.district.build), read_only=True) as db:
        built = {view: rows_of(db, "marts", view.partition(".")[2]) for view in good if view.startswith("marts") and view != f"marts.{KEPT}"}
    assert {view for view, rows in built.items() if rows} >= {f"marts.{MART}", "marts_restricted.fct_student_indicators"}
    for view, rows in built.items():
        assert len(good[view]) == len(rows), view
        if not rows:
            continue  # too early in the year for it
        shown = {tuple(r[c] for c in rows[0]) for r in good[view] if r.get("suppression", "none") == "none"}
        assert shown or all(r["n_subjects"] < 10 for r in rows), f"{view}: what is not of few people is not seen"  # every class is small
        assert shown <= {tuple(r.values()) for r in rows}, view
    assert len(set(server.hashes.values())) == 3


def test_publications_are_listed_and_people_can_be_shown_an_earlier_one(server: Story) -> None:
    first, held, _ = server.publications()

    def listed(name: str) -> list[tuple[str, bool, bool, bool]]:
        return [(p["publication_id"], p["is_visible"], p["is_kept"], p["n_held"] > 0) for p in json.loads(server.said[name])]

    assert listed("list") == [(held, True, True, True), (first, False, True, False)]
    assert listed("list after rollback") == [(held, False, True, True), (first, True, True, False)]
    assert server.seen["back"] == server.seen["first"]
    assert f"People now see publication {first}" in server.said["rollback"]
    assert held in server.said["show"]
    assert re.search(rf"attendance_rate +2026 +{SILENT} +held +{TUESDAY}", server.said["show"])


def test_a_published_figure_is_traced_to_its_files(server: Story) -> None:
    found = json.loads(server.said["trace a sound school"])
    assert found["agrees"] is True
    seen = next(r for r in server.seen["held"][f"marts.{MART}"] if r["value_key"] == found["figure"]["value_key"])
    assert (str(seen["numerator"]), str(seen["denominator"])) == (found["numerator"], found["denominator"])
    assert (found["published"]["value"], found["published"]["data_as_of"]) == (seen["value"], WEDNESDAY.isoformat())
    assert {f["name"] for f in found["files"]} >= {f"attendance/attendance_{day}.csv" for day in (START, TUESDAY, WEDNESDAY)}
    of_held = server.said["trace a held school"]
    assert "The rows add up to the figure." in of_held
    assert "People see another figure" in of_held
    assert f"held since {TUESDAY}" in of_held


def test_the_password_is_shown_and_kept_nowhere(server: Story) -> None:
    password = server.url.split(":")[2].partition("@")[0]
    for name, text in server.said.items():
        assert password not in text + server.reported[name], name
    assert ":***@127.0.0.1" in server.said["run"]
    assert all(password not in json.dumps(o.as_json(), default=str) for o in server.outcomes.values())
    kept = [p for p in server.district.folder.rglob("*") if p.is_file() and password.encode() in p.read_bytes()]
    assert kept == []
    assert password not in repr(server.seen)
    assert not server.district.warehouse.exists(), "nothing of it is published to DuckDB"


def test_what_a_person_reads_after_a_night_that_was_held_back_in_part(duck: Story) -> None:
    text, district = duck.said["run"], duck.district
    flat = " ".join(text.split())
    assert flat.startswith(
        f"Synthetic Unified School District, figures to {WEDNESDAY} In short: the figures to {WEDNESDAY} are out; these keep their last good value: "
    )
    short = flat.partition(" Taken ")[0]
    names = {i["indicator_id"]: i["indicator_name"] for i in registry("indicators")}
    assert f"{', '.join(names[i] for i in sorted(WORK))} (data to {TUESDAY})" in short
    assert re.search(rf"Attendance rate, [^;.]* at school {SPOILT}, {SILENT} \(data to {TUESDAY}\)", short)
    assert "Also: 1 file stopped at the door, 1 row set aside." in short

    columns, *taken = (re.split(r" {2,}", line.strip()) for line in block(text, "Taken"))
    assert columns == ["files", "rows in", "accepted", "set aside", "superseded", "duplicate", "stopped"]
    counts = {kind: [int(n.replace(",", "")) for n in numbers] for kind, *numbers in taken}
    assert all(n_in == sum(rest) for _, n_in, *rest in counts.values()), counts
    run = "select run_id from publications order by created_at limit 1 offset 1"
    ((n_files, n_rows, n_accepted),) = district.ledger(f"select count(*), sum(n_rows), sum(n_accepted) from deliveries where run_id = ({run})")
    assert counts["Together"][:3] == [n_files, n_rows, n_accepted]
    assert (counts["Together"][3], counts["Attendance"][3]) == (1, 1)

    (stopped, *_) = block(text, "Held back: files stopped at the door")[1:]
    assert stopped.startswith(f"{MARKS}!results.csv")
    assert "Results.csv has no column 'scoreStatus'." in flat
    (aside,) = block(text, "Rows set aside")[1:]
    assert re.match(rf"Attendance +1 +{WEDNESDAY} +The attendance code is not in the code map\. +Add the code to codes/attendance_codes\.csv", aside)
    held = "\n".join(block(text, "Held back: figures that keep their last good value"))
    for indicator, place in (("attendance_rate", SILENT), ("attendance_rate", SPOILT), ("d_f_rate", "all")):
        assert re.search(rf"^{indicator} +{place} +{TUESDAY} +\S", held, re.MULTILINE)
    assert re.search(rf"Attendance rate +standard +[\d.]+ % .* {WEDNESDAY} +warning: school {SPOILT}, {SILENT} is held back", text)
    assert "Nothing is held back." not in text

    path = district.warehouse
    assert f"Publication {duck.publications()[1]} in {path}\n" in text
    assert f"duckdb -readonly {path}, then: from marts.agg_indicator_values;" in text
    assert "Traceback" not in text + duck.reported["run"]
    assert not re.search(r"\[/?\w*\]", text), "markup of the terminal is not shown"


def block(text: str, title: str) -> list[str]:
    """The lines of a table, its header first."""
    return next(part for part in text.split("\n\n") if part.startswith(title)).splitlines()[1:]
