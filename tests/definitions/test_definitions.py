"""The code location: what it declares, and what loading it may not do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from pipelines.definitions import build_definitions
from pipelines.nightly import prepare_manifest
from tests.districts import TestDistrict, make_district

SNAPSHOT = Path(__file__).with_name("asset_keys.txt")

# Told by the interpreter of every file that is opened and folder that is listed; duckdb opens its files outside Python.
WATCH = """
import os, sys
import duckdb
PRIVATE = [os.path.realpath(os.path.join(sys.argv[1], name)) for name in ("landing", "data")]
touched = []
def refuse(what):
    touched.append(what)
    raise PermissionError(f"loading the definitions: {what}")
def watch(event, arguments):
    if event in ("sqlite3.connect", "socket.connect", "socket.getaddrinfo"):
        refuse(event)
    if event == "open" or event.startswith(("os.", "pathlib.")):
        for path in (os.path.realpath(a) for a in arguments if isinstance(a, (str, bytes, os.PathLike))):
            if any(os.fsdecode(path) == p or os.fsdecode(path).startswith(p + os.sep) for p in PRIVATE):
                refuse(f"{event} {path}")
sys.addaudithook(watch)
duckdb.connect = lambda *a, **k: refuse("duckdb.connect")
"""

LOAD = """
from pathlib import Path
from pipelines.definitions import build_definitions
defs = build_definitions(Path(sys.argv[1]))
heavy = [m for m in ("great_expectations", "pandas") if m in sys.modules]
assert not heavy, f"loading the definitions imported {heavy}"
assert not touched, touched  # whoever was refused may have gone on
graph = defs.resolve_asset_graph()
for key in sorted(k.to_user_string() for k in graph.get_all_asset_keys()):
    print(key)
for key in sorted(f"check {c.asset_key.to_user_string()} {c.name}{' blocking' if graph.get_check_spec(c).blocking else ''}" for c in graph.asset_check_keys):
    print(key)
schedule = defs.resolve_schedule_def("nightly_at_two")
print("schedule", schedule.cron_schedule, schedule.execution_timezone)
import dagster as dg
for table, sources in (("oneroster__users", ["oneroster"]), ("extract__attendance", ["attendance", "attendance_corrections"])):
    assert graph.get(dg.AssetKey(["raw", table])).parent_keys == {dg.AssetKey(["landing", s]) for s in sources}, table
landing = {k for k in graph.get_all_asset_keys() if k.path[0] == "landing"}
for mart in ("agg_indicator_values", "fct_student_indicators"):
    behind, queue = set(), [dg.AssetKey(["warehouse", mart])]
    while queue:
        behind |= (new := graph.get(queue.pop()).parent_keys - behind)
        queue += new
    print("files behind", mart, *sorted(k.path[1] for k in behind & landing), *sorted("not " + k.path[1] for k in landing - behind))
print("partitions", sorted({type(graph.get(k).partitions_def).__name__ for k in graph.executable_asset_keys}))
"""

FORBIDDEN = {
    "open": "open(PRIVATE[0] + '/calendar/calendar_2025-08-18.csv')",
    "os.open": "os.open(PRIVATE[1] + '/ledger.sqlite', os.O_RDONLY)",
    "listdir": "os.listdir(PRIVATE[0])",
    "scandir": "list(os.scandir(PRIVATE[1]))",
    "walk": "list(os.walk(PRIVATE[0], onerror=print))",
    "iterdir": "from pathlib import Path; list(Path(PRIVATE[0]).iterdir())",
    "relative": "os.chdir(sys.argv[1]); open('landing/calendar/calendar_2025-08-18.csv')",
    "mkdir": "os.mkdir(PRIVATE[1] + '/new')",
    "sqlite3": "import sqlite3; sqlite3.connect(':memory:')",
    "duckdb": "duckdb.connect()",
    "socket": "import socket; socket.create_connection(('127.0.0.1', 9))",
}

FETCHED = """
import dagster as dg
key = dg.AssetKey(["landing", "sis_api"])
assert graph.get(key).is_materializable and not graph.get(dg.AssetKey(["landing", "attendance"])).is_materializable
assert key in graph.get(dg.AssetKey(["raw", "edfi__students"])).parent_keys
assert key not in graph.get(dg.AssetKey(["raw", "oneroster__users"])).parent_keys
print("made by", defs.get_assets_def(key).op.name + ", before intake")
"""


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> TestDistrict:
    """A district with files to look into, in landing and in data."""
    made = make_district(tmp_path_factory.mktemp("defs") / "d", students=60, days=2)
    (made.folder / "data").mkdir()
    (made.folder / "data" / "ledger.sqlite").touch()
    return made


@pytest.fixture(scope="module")
def loaded(district: TestDistrict) -> list[str]:
    prepare_manifest()
    done = subprocess.run([sys.executable, "-c", WATCH + LOAD, str(district.folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.splitlines()


def test_loading_is_light_and_the_keys_are_as_reviewed(loaded: list[str]) -> None:
    """A renamed asset or check is a reviewed difference in asset_keys.txt, never an accident."""
    if not SNAPSHOT.exists():
        SNAPSHOT.write_text("\n".join(loaded) + "\n")
        pytest.fail(f"{SNAPSHOT.name} was missing and has been written: review it and commit it")
    assert loaded == SNAPSHOT.read_text().splitlines()


def test_loading_would_be_caught_looking(district: TestDistrict) -> None:
    """Each thing that loading may not do is refused by the watch under which it was loaded; what lies beside the two folders is not."""
    tried = "\n".join(f"try: exec({code!r})\nexcept PermissionError: print({name!r})" for name, code in FORBIDDEN.items())
    allowed = "\nopen(sys.argv[1] + '/district.toml'); os.listdir(sys.argv[1])\nassert len(touched) == 0\n"
    done = subprocess.run([sys.executable, "-c", WATCH + allowed + tried, str(district.folder)], capture_output=True, text=True, check=False)
    assert done.stdout.split() == list(FORBIDDEN), done.stdout + done.stderr


def test_a_source_with_an_api_is_fetched_before_intake(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Loading asks no server and needs no key."""
    district = make_district(tmp_path_factory.mktemp("api") / "d", students=60, days=2)
    with (district.folder / "district.toml").open("a", encoding="utf-8") as f:
        f.write("""
[[sources]]
id = "sis_api"
format = "edfi"
without = ["studentSchoolAttendanceEvents", "calendarDates", "studentAssessments"]
path = "sis_api/**/*.jsonl"

[sources.api]
url = "https://api.example.org"
key_env = "EDFI_KEY_OF_NOBODY"
secret_env = "EDFI_SECRET_OF_NOBODY"
""")
    prepare_manifest()
    done = subprocess.run([sys.executable, "-c", WATCH + LOAD + FETCHED, str(district.folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "check landing/sis_api resource_is_fetched" in done.stdout.splitlines()
    assert "made by fetch, before intake" in done.stdout


def test_every_step_of_the_way_is_there(loaded: list[str]) -> None:
    assert {"landing/oneroster", "landing/attendance", "raw/oneroster__users", "held/oneroster__users"} <= set(loaded)
    assert "marts/agg_indicator_values" in loaded
    assert "warehouse/agg_indicator_values" in loaded
    assert "check held/extract__attendance arrival_expectations blocking" in loaded
    assert any(line.startswith("schedule 0 2 * * * America/") for line in loaded)
    assert "partitions ['DailyPartitionsDefinition', 'NoneType']" in loaded


def test_models_are_built_together_or_not_at_all(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A single model picked in Dagster's pages would take what the night changed with it, and the others would never see it."""
    district = make_district(tmp_path_factory.mktemp("one") / "d", students=60, days=2)
    prepare_manifest()
    job = build_definitions(district.folder).resolve_job_def("nightly")
    with dg.DagsterInstance.ephemeral() as instance:
        done = job.execute_in_process(
            partition_key="2025-08-18", instance=instance, asset_selection=[dg.AssetKey(["core", "dim_schools"])], raise_on_error=False
        )
        failed = [event for event in done.all_events if event.is_step_failure]
    assert not done.success
    assert any("materialize all of them" in str(event.event_specific_data) for event in failed)
