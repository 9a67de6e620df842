"""Dagster's event files as our instance keeps them: the same files and answers as Dagster's own storage, from several threads, and few of them open."""

from __future__ import annotations

import shutil
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.event_log.base import EventLogCursor
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

from pipelines.defs.events import FILES, KeptOpenEventLogStorage
from tests.conftest import REPOSITORY


@dg.asset
def counted() -> dg.MaterializeResult[None]:
    return dg.MaterializeResult(metadata={"rows": 3})


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(REPOSITORY / "dagster.yaml", tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    return tmp_path


def test_dagster_itself_reads_what_was_kept(home: Path) -> None:
    with dg.DagsterInstance.get() as instance:
        assert isinstance(instance.event_log_storage, KeptOpenEventLogStorage)
        run_id = dg.materialize([counted], instance=instance).run_id
        ours = [e.message for e in instance.all_logs(run_id)]
        assert instance.get_latest_materialization_event(counted.key) is not None
    its_own = SqliteEventLogStorage(str(home / FILES))
    assert [r.event_log_entry.message for r in its_own.get_records_for_run(run_id).records] == ours
    assert its_own.get_asset_records([counted.key])[0].asset_entry.last_run_id == run_id


def test_what_dagster_wrote_is_read_and_written_on(home: Path) -> None:
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n", encoding="utf-8")
    with dg.DagsterInstance.get() as instance:
        before = dg.materialize([counted], instance=instance).run_id
    shutil.copy(REPOSITORY / "dagster.yaml", home)
    with dg.DagsterInstance.get() as instance:
        after = dg.materialize([counted], instance=instance).run_id
        assert len(instance.all_logs(before)) == len(instance.all_logs(after)) > 0
        assert len(instance.fetch_materializations(counted.key, limit=10).records) == 2


def test_what_a_person_reports_without_a_run_is_there_once(home: Path) -> None:
    with dg.DagsterInstance.get() as instance:
        instance.report_runless_asset_event(dg.AssetMaterialization("counted"))
        assert len(instance.fetch_materializations(counted.key, limit=10).records) == 1


def test_many_runs_and_threads(home: Path) -> None:
    with dg.DagsterInstance.get() as instance:
        runs = [dg.materialize([counted], instance=instance).run_id for _ in range(6)]
        with ThreadPoolExecutor(4) as pool:
            counts = set(pool.map(lambda run_id: len(instance.all_logs(run_id)), runs * 5))
        assert len(counts) == 1
        assert len(instance.event_log_storage._engines) <= 4
        instance.event_log_storage.wipe()
        assert instance.all_logs(runs[0]) == []
        assert dg.materialize([counted], instance=instance).success


def test_who_watches_a_run_sees_its_events_while_they_come(home: Path) -> None:
    """As a page does: another instance watches the run's file, and nothing asks again."""
    seen: list[str] = []
    with dg.DagsterInstance.get() as instance, dg.DagsterInstance.from_ref(instance.get_ref()) as page:
        run_id = dg.materialize([counted], instance=instance).run_id
        before = len(page.all_logs(run_id))
        page.event_log_storage.watch(run_id, EventLogCursor.from_storage_id(before).to_string(), lambda event, _: seen.append(event.message))
        for i in range(5):
            instance.report_engine_event(f"event {i}", instance.get_run_by_id(run_id))
        for _ in range(100):
            if len(seen) == 5:
                break
            time.sleep(0.1)
    assert seen == [f"event {i}" for i in range(5)]


def test_a_run_that_another_process_removed_is_not_written_on_without_a_word(home: Path) -> None:
    with dg.DagsterInstance.get() as instance:
        run_id = dg.materialize([counted], instance=instance).run_id
        SqliteEventLogStorage(str(home / FILES)).wipe()
        with pytest.raises(Exception, match="no such table"):
            instance.all_logs(run_id)


def test_files_are_closed_at_the_end(home: Path) -> None:
    with dg.DagsterInstance.get() as instance:
        run_id = dg.materialize([counted], instance=instance).run_id
    assert not list((home / FILES).glob("*-wal"))  # the last connection puts a file in order
    with sqlite3.connect(home / FILES / f"{run_id}.db") as db:
        assert db.execute("select count(*) from event_logs").fetchall()[0][0] > 5
