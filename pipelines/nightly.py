"""Running the nightly job from Python: what `throughline run` does, and the tests.

Belongs here: preparing dbt's manifest and Dagster's instance, executing the job in this process, and telling what came of it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from pipelines.district import District, load_district
from pipelines.lineage.graph import PROJECT
from pipelines.lineage.ledger import FETCHED, SETTLED, Ledger, now
from pipelines.publication.warehouse import open_warehouse
from pipelines.quality.build import DBT_PROFILE
from pipelines.quality.stopped import in_words, open_deliveries

PUBLISHED, FAILED, HELD = 0, 1, 3
ROOT = PROJECT.parent
_homes: set[str] = set()  # of districts that this process has run, by no name but our own
BY_COMMAND = {"throughline/started_by": "command"}  # a tag of the runs that this process executes itself


class RunError(Exception):
    """The run could not be done; the message says what to do. `detail` is the failed step's stack trace, where there is one."""

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail


@dataclass(frozen=True)
class Outcome:
    """What a run did. `exit_status`: 0 all published, 3 something was held back."""

    exit_status: int
    run_id: str
    publication_id: str
    as_of: str
    deliveries: tuple[dict[str, Any], ...]
    rows: dict[str, int]
    waiting: tuple[dict[str, Any], ...]  # files left for the next run and resources that could not be fetched, and why
    verdicts: tuple[dict[str, Any], ...]  # those that are not plain pass
    n_slices: int
    location: str
    how_to_open: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def prepare_manifest() -> Path:
    """Parse the dbt project where its files are newer than the manifest; returns the manifest. Raises RunError when it does not parse.

    dbt leaves what it read beside the manifest, and every night begins with a copy of it (`dbt_child.py`). One process parses; others wait for it.
    """
    from filelock import FileLock

    manifest = PROJECT / "target" / "manifest.json"
    if not _is_fresh(manifest):
        manifest.parent.mkdir(exist_ok=True)
        with FileLock(manifest.with_name("parse.lock")):
            if not _is_fresh(manifest):
                _parse(manifest)
    return manifest


def _is_fresh(manifest: Path) -> bool:
    sources = [p for folder in ("models", "macros", "seeds", "tests") for p in (PROJECT / folder).rglob("*")]
    newest = max(p.stat().st_mtime for p in (*sources, PROJECT / "dbt_project.yml", PROJECT / "profiles.yml"))
    return manifest.exists() and manifest.stat().st_mtime >= newest


def _parse(manifest: Path) -> None:
    dbt = Path(sys.executable).with_name("dbt")
    command = [str(dbt), "--quiet", "parse", "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **DBT_PROFILE})
    if done.returncode:
        raise RunError(f"{PROJECT}: dbt could not parse the project:\n{done.stdout}{done.stderr}")
    os.utime(manifest)


def prepare_instance(district: District) -> Path:
    """Dagster's home for this district, under its data folder unless whoever started this process named another in DAGSTER_HOME."""
    named = os.environ.get("DAGSTER_HOME", "")
    is_ours = not named or named in _homes  # a district that this process ran before has its own
    home = (district.data / "dagster" if is_ours else Path(named)).resolve()
    if is_ours:
        _homes.add(str(home))
    home.mkdir(parents=True, exist_ok=True)
    settings = home / "dagster.yaml"
    if not settings.exists():
        shutil.copyfile(ROOT / "dagster.yaml", settings)
    os.environ["DAGSTER_HOME"] = str(home)
    return home


def run_nightly(folder: Path, day: date, first: date | None = None) -> Outcome:
    """Execute the `nightly` job for `day`, or for the range from `first` to it, in this process.

    Raises SettingsError, RunError, and whatever a step raised; what was published before stays as it was.
    """
    district = load_district(folder)
    if district.school_year_of(day) is None and day < district.school_years[0].start:
        raise RunError(f"{day}: before the first school year in {folder / 'district.toml'} ({district.school_years[0].start})")
    prepare_manifest()
    prepare_instance(district)
    import dagster as dg

    from pipelines.definitions import build_definitions
    from pipelines.defs.resources import run_lock

    with run_lock(district), dg.DagsterInstance.get() as instance, _quiet(district):
        _clear_dead_runs(instance)
        job = build_definitions(folder.resolve()).resolve_job_def("nightly")
        quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        one_day = first is None or first == day
        span = {} if one_day else {"dagster/asset_partition_range_start": str(first), "dagster/asset_partition_range_end": day.isoformat()}
        result = job.execute_in_process(
            instance=instance, partition_key=day.isoformat() if one_day else None, tags={**BY_COMMAND, **span}, run_config=quiet, raise_on_error=False
        )
        ledger = Ledger(district.data / "ledger.sqlite")
        try:
            if not result.success:
                failure = _failure(result)
                _note_failure(ledger, result.run_id, str(failure))
                raise failure
            return outcome(district, ledger, result.run_id)
        finally:
            ledger.close()


def _clear_dead_runs(instance: Any) -> None:
    """Free what killed runs of this district hold in Dagster: pool slots, for which the next run would wait for ever, and the name of being under way.

    To be called with the run lock held: a run that a command started and that has not ended is then dead.
    """
    import dagster as dg

    storage = instance.event_log_storage
    for run_id in storage.get_concurrency_run_ids():
        storage.free_concurrency_slots_for_run(run_id)
    unfinished = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]
    for run in instance.get_runs(filters=dg.RunsFilter(tags=BY_COMMAND, statuses=unfinished)):
        instance.report_run_failed(run, "Its process was killed.")


@contextmanager
def _quiet(district: District) -> Iterator[None]:
    """Keep what dagster-dbt repeats of dbt's output off the terminal: it goes to `logs/last_run.log`, as it goes to Dagster's own logs elsewhere."""
    log = district.data / "logs" / "last_run.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as f, redirect_stdout(f):
        yield


def _failure(result: Any) -> RunError:
    """The first step failure in words, with its stack trace apart."""
    for event in result.all_events:
        if event.is_step_failure:
            error = whole = event.event_specific_data.error
            while error.cause:
                error = error.cause
            return RunError(f"step {event.step_key}: {_plain(error.message)}", whole.to_string())
    return RunError("the job failed before any step; see the Dagster event log")


def _plain(message: str) -> str:
    """`package.module.SomeError: words` without the name of the error, where the words are ours."""
    name, _, words = message.strip().partition(": ")
    return words if words and (name.startswith("pipelines.") or name.endswith(".Failure")) else message.strip()


def _note_failure(ledger: Ledger, run_id: str, why: str) -> None:
    from pipelines.publication.publish import run_of

    if ledger.rows("select 1 from runs where run_id = ?", [run_id]):
        ledger.put(replace(run_of(ledger, run_id), status="failed", finished_at=now(), message=why))


def outcome(district: District, ledger: Ledger, run_id: str) -> Outcome:
    """What the ledger says of a run."""
    published = [p for p in ledger.publications() if p.run_id == run_id and p.status == "published"]
    if not published:
        raise RunError("the run published nothing and says no reason; see the Dagster event log")
    publication = published[-1]
    taken = [d for d in ledger.deliveries() if d.run_id == run_id]
    fields = ("name", "table_name", "status", "why", "n_rows", "n_accepted", "n_quarantined", "n_superseded", "n_duplicate", "warnings")
    deliveries = tuple({k: getattr(d, k) for k in fields} | {"business_date": d.business_date.isoformat(), "why": in_words(d)} for d in taken)
    left = "select subject as name, message as why from checks where run_id = ? and check_id in (?, ?) and passed = 0 and severity <> 'info' order by 1"
    waiting = tuple(ledger.rows(left, [run_id, SETTLED, FETCHED]))
    names = ("n_rows", "n_accepted", "n_quarantined", "n_superseded", "n_duplicate")
    rows = {n.removeprefix("n_"): sum(getattr(d, n) for d in taken) for n in names}
    verdicts = ledger.verdicts(publication.publication_id)
    odd = tuple(
        {k: getattr(v, k) for k in ("mart", "indicator_id", "school_year", "school_id", "verdict", "why")}
        | {"data_as_of": v.data_as_of.isoformat() if v.visible_publication_id else ""}  # "": nothing was ever published there
        for v in verdicts
        if v.verdict != "pass"
    )
    warehouse = open_warehouse(district.warehouse_url)
    held = bool(waiting or rows["quarantined"] or open_deliveries(ledger) or any(v.verdict == "held" for v in verdicts))
    return Outcome(
        HELD if held else PUBLISHED, run_id, publication.publication_id, publication.as_of.isoformat(), deliveries, rows, waiting, odd,
        len(verdicts), warehouse.location(), warehouse.how_to_open(),
    )  # fmt: skip
