"""Fetching from an Ed-Fi server that misbehaves: what lands is what the server holds, each record once, or the resource is said to have failed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from email.utils import format_datetime, localtime
from pathlib import Path
from typing import Any

import pytest

from pipelines.district import District, load_district
from pipelines.intake import edfi_api
from pipelines.intake.fetch import Fetched, exit_status, fetch
from pipelines.lineage.ledger import FETCHED, Ledger, Sync
from tests.edfi_server import KEY, SECRET, Fault, Reply, Server, Store, running, status

FIRST = date(2025, 9, 1)
RESOURCES = ("schools", "sections", "students", "staffs", "studentSchoolAttendanceEvents", "grades")  # the last is empty
SETTINGS = """
school_years = [{{ year = 2026, start = 2025-08-18, end = 2026-06-05 }}]

[district]
id = "grand-bend"
name = "Grand Bend ISD"

[[sources]]
id = "sis"
format = "edfi"
path = "edfi/**/*.jsonl"

[sources.api]
url = "{url}"
key_env = "EDFI_KEY"
secret_env = "EDFI_SECRET"
page_size = {page_size}
paging = "{paging}"
timeout_seconds = {timeout}
attempts = 4
backoff_seconds = 0.01
{resources}
"""


@dataclass
class Place:
    """A district's folder beside a running server."""

    folder: Path
    server: Server

    def write(self, *, paging: str = "auto", page_size: int = 200, timeout: float = 20, resources: tuple[str, ...] | None = RESOURCES, url: str = "") -> Place:
        (self.folder / "landing").mkdir(parents=True, exist_ok=True)
        named = "" if resources is None else f"resources = {json.dumps(resources)}"
        text = SETTINGS.format(url=url or self.server.url, page_size=page_size, paging=paging, timeout=timeout, resources=named)
        (self.folder / "district.toml").write_text(text, encoding="utf-8")
        return self

    @property
    def district(self) -> District:
        return load_district(self.folder)

    def fetch(self, day: date = FIRST, *, whole: bool = False, sleep: Callable[[float], None] = time.sleep) -> dict[str, Fetched]:
        ledger = Ledger(self.folder / "data" / "ledger.sqlite")
        try:
            results = fetch(self.district, ledger, self.district.source("sis"), day, lambda text: None, whole=whole, sleep=sleep)
        finally:
            ledger.close()
        return {r.resource: r for r in results}

    def syncs(self) -> dict[str, Sync]:
        ledger = Ledger(self.folder / "data" / "ledger.sqlite")
        try:
            return {s.resource: s for s in ledger.syncs()}
        finally:
            ledger.close()

    def files(self) -> dict[str, bytes]:
        root = self.folder / "landing"
        return {p.relative_to(root).as_posix(): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file() and "/.fetch/" not in p.as_posix()}

    def copy_of(self, resource: str) -> dict[str, str]:
        """The files of a resource applied in the order of their dates and names: records as they were sent, by id. No id twice in one window."""
        found: dict[str, str] = {}
        seen: dict[tuple[str, str, str], set[str]] = {}
        names = [n for n in self.files() if n.startswith(f"edfi/{resource}/")]
        for name in sorted(names, key=lambda n: re.search(r"rundate=(\S{10})/(.*)", n).groups()):  # type: ignore[union-attr]
            text = (self.folder / "landing" / name).read_text(encoding="utf-8")
            is_full, kind = "/full/" in name, name.split("/")[-3]
            found = {} if is_full else found
            if text == "[]\n":
                assert is_full, "an empty page of changes lands nothing"
                continue
            for line in text.splitlines():
                record = json.loads(line)
                window = (kind, name.split("/")[-2], name.split("/")[-1].split(".")[1].rpartition("-")[0] if not is_full else name)
                if kind != "keyChanges":
                    assert record["id"] not in seen.setdefault(window, set()), f"{name}: a record came twice"
                    seen[window].add(record["id"])
                if kind == "deletes":
                    found.pop(record["id"], None)
                elif kind != "keyChanges":
                    found[record["id"]] = line
        return found

    def assert_same(self, resources: tuple[str, ...] = RESOURCES) -> None:
        for resource in resources:
            assert self.copy_of(resource) == self.server.store.texts(resource), resource

    def command(self, *more: str) -> list[str]:
        return [sys.executable, "-m", "pipelines.cli", "fetch", "--district", str(self.folder), "--date", FIRST.isoformat(), *more]


@pytest.fixture(scope="module")
def sample(shared_data: Path) -> Store:
    store = Store().load(shared_data / "grand-bend" / "edfi")
    store.resources["grades"] = {}
    return store


@pytest.fixture
def place(sample: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setenv("EDFI_KEY", KEY)
    monkeypatch.setenv("EDFI_SECRET", SECRET)
    with running(sample.snapshot()) as server:
        yield Place(tmp_path / "d", server).write()


@pytest.mark.parametrize("paging", ["auto", "cursor", "offset"])
def test_every_resource_lands_once(place: Place, paging: str) -> None:
    names = tuple(sorted(place.server.store.resources))
    assert sum(len(r) for r in place.server.store.resources.values()) == 5_994
    place.write(paging=paging, page_size=100, resources=names)
    results = place.fetch()
    assert {r.status for r in results.values()} == {"fetched"}
    assert sum(r.n_records for r in results.values()) == 5_994
    place.assert_same(names)
    assert place.files()["edfi/grades/full/rundate=2025-09-01/00001.0-5994.jsonl"] == b"[]\n"
    assert {len([n for n in place.files() if n.startswith(f"edfi/{r}/")]) for r in names} == {1}, "a whole load is one file"
    assert bool(place.server.asked("pageToken")) == (paging != "offset")


def test_a_server_without_cursors_is_read_by_offset(place: Place) -> None:
    place.server.cursors = False
    assert exit_status(tuple(place.fetch().values())) == 0
    place.assert_same()
    assert place.server.asked(r"students\?.*offset=800")
    place.write(paging="cursor")
    assert {r.status for r in place.fetch(whole=True).values()} == {"failed", "fetched"}, "with paging = cursor a page that is not all is no success"


def change(store: Store, seed: int = 0) -> None:
    """Some of everything: records that are new, changed, called otherwise, and gone."""
    students = sorted(store.resources["students"])
    for n in range(5):
        store.put("students", {"studentUniqueId": f"new-{seed}-{n}"})
        store.put("students", {"studentUniqueId": f"changed-{seed}"}, students[10 * n + seed])
        store.rekey("students", students[10 * n + 1 + seed])
        store.remove("students", students[10 * n + 2 + seed])
    store.put("grades", {"numericGradeEarned": 1.5})


def test_changes_come_in_windows(place: Place) -> None:
    place.fetch()
    saved = place.server.store.newest
    change(place.server.store)
    n_before = len(place.server.log)
    results = place.fetch(FIRST + timedelta(days=1))
    place.assert_same()
    assert (results["students"].how, results["students"].n_records) == ("changes", 5 + 5 + 10 + 5)
    asked = [t for t, _ in place.server.log[n_before:] if "/ed-fi/" in t]
    assert all(f"minChangeVersion={saved + 1}&maxChangeVersion={place.server.store.newest}" in t for t in asked)
    new = [n for n in place.files() if "2025-09-02" in n]
    window = f"{saved + 1}-{place.server.store.newest}"
    assert new == [
        f"edfi/grades/incremental/upserts/rundate=2025-09-02/00001.{window}-00001.jsonl",
        f"edfi/students/incremental/deletes/rundate=2025-09-02/00001.{window}-00003.jsonl",
        f"edfi/students/incremental/keyChanges/rundate=2025-09-02/00001.{window}-00001.jsonl",
        f"edfi/students/incremental/upserts/rundate=2025-09-02/00001.{window}-00002.jsonl",
    ]
    assert {s.saved for s in place.syncs().values()} == {place.server.store.newest}

    change(place.server.store, seed=3)  # again on the same day: numbers go on
    place.fetch(FIRST + timedelta(days=1))
    place.assert_same()
    assert [n for n in place.files() if n.startswith("edfi/students/incremental/deletes/rundate=2025-09-02/00002.")]

    n_before, files = len(place.server.log), place.files()
    assert {r.how for r in place.fetch(FIRST + timedelta(days=2)).values()} == {"nothing new"}
    assert len(place.server.log) - n_before == 2, "a token and the versions"
    assert place.files() == files
    earlier = place.fetch(FIRST)
    assert {r.how for r in earlier.values()} == {"not asked"}, "files of an earlier date would be older than what has landed"


def test_versions_that_go_back_or_are_forgotten_mean_a_whole_load(place: Place) -> None:
    backup = place.server.store.snapshot()
    change(place.server.store)
    place.fetch()
    place.server.store = backup  # restored
    results = place.fetch(FIRST + timedelta(days=1))
    assert {r.how for r in results.values()} == {"whole"}
    place.assert_same()
    change(place.server.store)
    place.server.store.purge()
    results = place.fetch(FIRST + timedelta(days=2))
    assert {r.how for r in results.values()} == {"whole"}
    place.assert_same()
    place.server.versions = False
    change(place.server.store, seed=3)
    assert {r.how for r in place.fetch(FIRST + timedelta(days=3)).values()} == {"whole"}
    place.assert_same()


def test_a_client_that_may_not_see_deletes_reads_whole(place: Place) -> None:
    place.fetch()
    change(place.server.store)
    place.server.forbidden = {"students/deletes"}
    results = place.fetch(FIRST + timedelta(days=1))
    assert (results["students"].how, results["grades"].how) == ("whole", "changes")
    place.assert_same()


# ---- misbehaviour that passes: everything lands all the same


def expire(server: Server, reply: Reply) -> None:
    """The server forgets every token, this request's among them."""
    server.tokens.clear()
    status(401)(server, reply)


def cut(_: Server, reply: Reply) -> None:
    reply.cut = True


def truncated(_: Server, reply: Reply) -> None:
    reply.body = reply.body[: len(reply.body) // 2]


def at_a_boundary(_: Server, reply: Reply) -> None:
    """Cut between two records: still no list."""
    reply.body = reply.body[: reply.body.index(b'},{"id"') + 2]


def a_web_page(_: Server, reply: Reply) -> None:
    reply.body = b"<html>log in</html>"


def silent(_: Server, reply: Reply) -> None:
    reply.before = 1.5


def one_short(_: Server, reply: Reply) -> None:
    reply.hold(reply.records()[:-1])


def recount(by: int) -> Callable[[Server, Reply], None]:
    def do(_: Server, reply: Reply) -> None:
        if "Total-Count" in reply.headers:
            reply.headers["Total-Count"] = str(int(reply.headers["Total-Count"]) + by)

    return do


def circle(server: Server, reply: Reply) -> None:
    """The third page says that the second comes next."""
    reply.headers["Next-Page-Token"] = re.search("pageToken=([^&]+)", server.asked("students.*pageToken")[0]).group(1).replace("%3D", "=")  # type: ignore[union-attr]


def leave(server: Server, _: Reply) -> None:
    """Two records that were at the beginning go, when a page has been answered: those behind them move up."""
    for item in sorted(server.store.resources["students"].values(), key=lambda i: i.order)[:2]:
        server.store.remove("students", item.id)


def enter(server: Server, _: Reply) -> None:
    """A record comes in before all others, as it does where the order is not that of creation: those behind it move down."""
    item_id = server.store.put("students", {"studentUniqueId": "late"})
    server.store.resources["students"][item_id].order = 0


PAGE = r"/students\?.*(offset|pageToken|pageSize=200)"
PASSING = {
    "401 in mid paging": Fault(PAGE, expire, skip=2),
    "429": Fault(PAGE, status(429, Retry_After="1"), skip=1, times=2),
    "429 until a date": Fault(PAGE, status(429, Retry_After=format_datetime(localtime())), skip=1),
    "500": Fault(PAGE, status(500), skip=2, times=3),
    "503": Fault(PAGE, status(503, Retry_After="0")),
    "500 for a token": Fault("/oauth/token", status(500), times=2),
    "500 for versions": Fault("availableChangeVersions", status(502)),
    "connection cut": Fault(PAGE, cut, skip=1, times=2),
    "truncated": Fault(PAGE, truncated, skip=1, times=2),
    "truncated between records": Fault(PAGE, at_a_boundary, skip=1),
    "a web page": Fault(PAGE, a_web_page, skip=2),
    "silent": Fault(PAGE, silent, skip=1),
    "a record missing": Fault(PAGE, one_short, skip=1),
    "counts too many": Fault("/students", recount(40), times=3),
    "counts too few": Fault("/students", recount(-400), times=40),
    "records leave": Fault(PAGE, leave, skip=2),
    "a record comes": Fault(PAGE, enter, skip=2),
}


@pytest.mark.parametrize("paging", ["cursor", "offset"])
@pytest.mark.parametrize("name", PASSING)
def test_misbehaviour_that_passes(place: Place, name: str, paging: str) -> None:
    fault = PASSING[name]
    place.server.faults = [Fault(fault.match, fault.do, fault.times, fault.skip)]
    place.write(paging=paging, timeout=0.7)
    waits: list[float] = []
    results = place.fetch(sleep=waits.append)
    assert {r.status for r in results.values()} == {"fetched"}
    assert place.server.faults[0].times <= fault.times - 1, "the fault struck"
    if "records leave" in name or "a record comes" in name:
        results = place.fetch(FIRST + timedelta(days=1))  # what came after the newest version that was asked for
    place.assert_same()
    if name == "429":
        assert waits[:2] == [1.0, 1.0]
    if name == "429 until a date":
        assert 0 <= waits[0] < 2


def test_pages_in_a_circle_once(place: Place) -> None:
    place.server.faults = [Fault(r"students\?.*pageToken", circle, skip=2)]
    place.write(paging="cursor")
    assert {r.status for r in place.fetch().values()} == {"fetched"}
    place.assert_same()


def test_a_token_that_ends_soon_is_renewed_before(place: Place) -> None:
    place.server.token_seconds = 1
    place.write(page_size=50, resources=("students",))
    place.server.faults = [Fault(r"/students\?", silent_for(0.3), times=12)]
    assert {r.status for r in place.fetch().values()} == {"fetched"}
    place.assert_same(("students",))
    assert len(place.server.asked("/oauth/token")) > 2
    assert not [t for t, code in place.server.log if code == 401], "renewed before its end"


def silent_for(seconds: float) -> Callable[[Server, Reply], None]:
    def do(_: Server, reply: Reply) -> None:
        reply.before = seconds

    return do


# ---- misbehaviour that lasts: that resource fails and says so, the others land, and nothing wrong does


LASTING = {
    "500": (Fault(PAGE, status(500), times=999), r"failed \(500\), asked 4 times"),
    "truncated": (Fault(PAGE, truncated, times=999), "cut short, asked 4 times"),
    "connection cut": (Fault(PAGE, cut, times=999), "asked 4 times"),
    "silent": (Fault(PAGE, silent, times=999), "no answer within 0.7 seconds, asked 4 times"),
    "401": (Fault(PAGE, status(401), times=999), "new token is refused"),
    "a record missing": (Fault(PAGE, one_short, times=999), "199 records where the server counts 200|959 records came of the 960"),
    "counts too many": (Fault("/students", recount(40), times=999), "160 records where the server counts 200"),
    "no count": (Fault("/students", lambda s, r: r.headers.pop("Total-Count", None), times=999), "no Total-Count"),
    "a long wait": (Fault(PAGE, status(429, Retry_After="4000")), "come back in 4000 seconds"),
    "elsewhere": (Fault(PAGE, status(301, Location="http://127.0.0.1:1/")), "set url"),
}


@pytest.mark.parametrize("name", LASTING)
def test_misbehaviour_that_lasts(place: Place, name: str) -> None:
    fault, why = LASTING[name]
    bad = "students"
    place.server.faults = [Fault(fault.match, fault.do, fault.times, fault.skip)]
    place.write(paging="offset", timeout=0.7)
    results = place.fetch(sleep=lambda s: None)
    assert [r.resource for r in results.values() if r.status == "failed"] == [bad]
    assert re.search(why, results[bad].why), results[bad].why
    assert exit_status(tuple(results.values())) == 1
    assert not [n for n in place.files() if n.startswith(f"edfi/{bad}/")], "nothing that is not whole has landed"
    place.assert_same(tuple(r for r in RESOURCES if r != bad))
    assert place.syncs()[bad].saved is None

    place.server.faults = []
    results = place.fetch(FIRST + timedelta(days=1))
    assert (results[bad].status, results[bad].how) == ("fetched", "whole")
    place.assert_same()


def test_a_reply_that_drips_is_given_up(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each piece comes in time, and the whole never would."""
    monkeypatch.setattr(edfi_api, "_SLOWEST", 2)

    def drip(_: Server, reply: Reply) -> None:
        reply.drip = 0.2

    place.server.faults = [Fault("/students", drip, times=999)]
    place.write(timeout=0.5, page_size=500, paging="offset", resources=("students", "schools"))
    results = place.fetch(sleep=lambda s: None)
    assert "took longer than 1 seconds" in results["students"].why
    place.assert_same(("schools",))


def test_pages_in_a_circle_for_ever(place: Place) -> None:
    place.write(paging="cursor")
    place.server.faults = [Fault(r"students\?.*pageToken", circle, skip=1, times=999)]
    results = place.fetch()
    assert results["students"].status == "failed"
    assert "go in a circle" in results["students"].why
    place.assert_same(("schools", "staffs"))


def test_not_available_is_not_zero_rows(place: Place) -> None:
    place.server.forbidden = {"students"}
    place.write(resources=(*RESOURCES, "studentz"))
    results = place.fetch()
    assert (results["students"].status, results["studentz"].status) == ("unavailable", "unavailable")
    assert "403" in results["students"].why
    assert "404" in results["studentz"].why
    assert exit_status(tuple(results.values())) == 3
    assert not [n for n in place.files() if n.startswith("edfi/students/")]
    place.assert_same(tuple(r for r in RESOURCES if r != "students"))
    place.server.forbidden = set()
    assert place.fetch()["students"].status == "fetched"
    place.assert_same()


def test_what_a_data_standard_lacks_is_passed_over(place: Place) -> None:
    """Nobody named studentDemographics, and a server of data standard 5 has none."""
    place.write(resources=None)
    results = place.fetch()
    assert {r.status for r in results.values()} == {"fetched", "absent"}
    assert results["studentDemographics"].status == "absent"
    assert exit_status(tuple(results.values())) == 0
    there = tuple(r for r in results if results[r].status == "fetched")
    assert {"students", "staffs", "surveyQuestionResponses"} <= set(there)
    place.assert_same(there)


def test_a_server_that_is_gone(place: Place) -> None:
    place.write(url="http://127.0.0.1:9")
    results = place.fetch(sleep=lambda s: None)
    assert {r.status for r in results.values()} == {"failed"}
    assert "connection failed" in results["students"].why

    place.write()
    place.server.faults = [Fault("ed-fi/", cut, times=999)]  # goes away after the versions
    results = place.fetch(sleep=lambda s: None)
    assert {r.status for r in results.values()} == {"failed"}


def test_a_wrong_secret_says_where_it_comes_from(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDFI_SECRET", "wrong")
    results = place.fetch()
    assert {r.status for r in results.values()} == {"failed"}
    assert "EDFI_KEY and EDFI_SECRET" in results["students"].why
    assert len(place.server.log) == 1, "it is not tried again"
    monkeypatch.delenv("EDFI_SECRET")
    assert "EDFI_SECRET not set" in place.fetch()["students"].why


def test_a_certificate_is_always_verified(place: Place, tmp_path: Path) -> None:
    import ssl

    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "cert.pem"],
        cwd=tmp_path, capture_output=True, check=False,
    )  # fmt: skip
    if made.returncode:
        pytest.skip("no openssl to make a certificate with")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    place.server.socket = context.wrap_socket(place.server.socket, server_side=True)
    place.write(url=place.server.url.replace("http://127.0.0.1", "https://localhost"))
    results = place.fetch()
    assert "its certificate cannot be verified" in results["students"].why
    assert place.server.log == [], "no key and no secret went out"


# ---- kills


def test_a_break_is_gone_on_from(place: Place) -> None:
    """Pages that lie ready are not asked for again, also the next day; their files keep the date on which they were begun."""
    place.write(paging="offset", page_size=100)
    place.server.faults = [Fault("/students.*offset", status(500), skip=6, times=999)]
    assert place.fetch(sleep=lambda s: None)["students"].status == "failed"
    before = place.server.asked(r"/students\?.*offset")
    assert len(before) == 6
    place.server.faults = []
    assert place.fetch(FIRST + timedelta(days=1))["students"].status == "fetched"
    after = place.server.asked(r"/students\?.*offset")[6:]
    assert len(after) == 1 + 10 - 6, "the first request only counted"
    assert not set(before[1:]) & set(after)
    assert [n for n in place.files() if n.startswith("edfi/students/full/rundate=2025-09-01/")]
    place.assert_same()


@pytest.mark.parametrize("paging", ["cursor", "offset"])
def test_killed_at_any_moment_and_run_again_lands_the_same_bytes(place: Place, tmp_path: Path, sample: Store, paging: str) -> None:
    """Kills after the n-th request, in a whole load and in a window of changes, against an undisturbed run."""
    undisturbed = Place(tmp_path / "undisturbed", place.server).write(paging=paging, page_size=60)
    disturbed = place.write(paging=paging, page_size=60)
    n_kills = 0
    for round_ in range(2):
        environment = {**os.environ, "EDFI_KEY": KEY, "EDFI_SECRET": SECRET}
        assert subprocess.run(undisturbed.command(), env=environment, capture_output=True, check=False).returncode == 0
        for at in (2, 15, 11, 7) if round_ == 0 else (1, 4, 3, 2):
            place.server.faults = [Fault("ed-fi/", silent_for(5), skip=at, times=999)]
            n_before = len(place.server.log)
            process = subprocess.Popen(disturbed.command(), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while place.server.faults[0].times == 999 and process.poll() is None:
                time.sleep(0.01)
            assert process.poll() is None, "it was still at work"
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            n_kills += 1
            assert len(place.server.log) > n_before
            assert not [n for n in disturbed.files() if n.endswith(".tmp")]
            whole = undisturbed.files()
            assert all(whole[name] == content for name, content in disturbed.files().items()), "no half page lies in the landing folder"
        place.server.faults = []
        done = subprocess.run(disturbed.command("--json"), env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert disturbed.files() == undisturbed.files()
        disturbed.assert_same()
        assert not list((disturbed.folder / "landing" / "edfi" / ".fetch").rglob("*.*")), "nothing is left beside the landing files"
        change(place.server.store, seed=round_)
        for n in range(300):
            place.server.store.put("sections", {"sectionIdentifier": f"more-{n}"})
    assert n_kills == 8


# ---- the command and the nightly step


def test_the_command_tells_and_keeps_its_secrets(place: Place) -> None:
    place.server.forbidden = {"students"}
    place.server.faults = [Fault(r"/sections\?", status(500), times=999), Fault("/staffs", expire)]
    place.write(paging="offset")
    environment: dict[str, Any] = {**os.environ, "EDFI_KEY": KEY, "EDFI_SECRET": SECRET}
    said = b""
    for more, expected in ((("--json", "--debug"), 1), (("--debug",), 1)):
        done = subprocess.run(place.command(*more), env=environment, capture_output=True, check=False)
        assert done.returncode == expected, done.stderr.decode()
        said += done.stdout + done.stderr
        if "--json" in more:
            told = json.loads(done.stdout)
            assert told["exit_status"] == 1
            by_name = {r["resource"]: r for r in told["resources"]}
            assert (by_name["sections"]["status"], by_name["students"]["status"], by_name["schools"]["n_records"]) == ("failed", "unavailable", 3)
    place.server.faults = []
    done = subprocess.run(place.command(), env=environment, capture_output=True, check=False)
    assert done.returncode == 3
    assert b"sis/students" in done.stdout
    assert b"fetching sis" in done.stderr
    said += done.stdout + done.stderr + b"".join(p.read_bytes() for p in place.folder.rglob("*") if p.is_file())
    tokens = [t.encode() for t in place.server.tokens]
    assert tokens
    for secret in (SECRET.encode(), KEY.encode(), *tokens):
        assert secret not in said
    assert KEY not in repr(place.district)
    assert SECRET not in repr(place.district.credentials(place.district.source("sis")))

    ledger = Ledger(place.folder / "data" / "ledger.sqlite")
    rows = ledger.rows("select subject, severity, passed from checks where check_id = ? and run_id = (select max(run_id) from checks)", [FETCHED])
    ledger.close()
    assert {(r["subject"], r["severity"]) for r in rows if not r["passed"]} == {("sis/students", "warning")}

    (place.folder / "district.toml").write_text((place.folder / "district.toml").read_text().partition("[sources.api]")[0])
    done = subprocess.run(place.command(), env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "[sources.api]" in done.stderr


def test_the_step_of_the_nightly_job_warns_and_goes_on(place: Place) -> None:
    import dagster as dg

    from pipelines.defs.fetch import fetched_assets
    from pipelines.defs.partitions import daily
    from pipelines.defs.resources import DistrictResource

    place.server.forbidden = {"students"}
    partitions = daily(date(2025, 8, 18), "America/Chicago")
    assert fetched_assets(partitions, []) == [], "no source with an API: no step"
    with dg.DagsterInstance.ephemeral() as instance:
        district = {"district": DistrictResource(folder=str(place.folder))}
        result = dg.materialize(fetched_assets(partitions, ["sis"]), instance=instance, resources=district, partition_key="2025-09-01")
    assert result.success
    (evaluation,) = result.get_asset_check_evaluations()
    assert not evaluation.passed
    assert evaluation.severity == dg.AssetCheckSeverity.WARN
    assert "students: " in str(evaluation.description)
    place.assert_same(tuple(r for r in RESOURCES if r != "students"))
    ledger = Ledger(place.folder / "data" / "ledger.sqlite")
    rows = ledger.rows("select * from checks where run_id = ? and passed = 0", [result.run_id])
    ledger.close()
    assert [(r["gate"], r["subject"], r["check_id"], r["severity"]) for r in rows] == [("arrival", "sis/students", FETCHED, "warning")]
