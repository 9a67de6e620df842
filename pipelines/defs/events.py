"""Dagster's event files, kept open: the same SQLite files as Dagster's own storage writes, named in `dagster.yaml`.

Belongs here: how they are opened. Dagster makes a new engine, which knows no statement yet, and a new connection for each event, thousands of times a night;
the last connection to close a file also puts it in order. That was a third of a small night.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, QueuePool, create_engine
from sqlalchemy import event as engine_events

FILES = Path("history") / "runs"  # under Dagster's home, where its own storage has them too
_OPEN_AT_ONCE = 4  # files: the index, the run that writes, and those that a page shows
_BUSY_SECONDS = 30


class KeptOpenEventLogStorage(SqliteEventLogStorage):
    """Events in SQLite, one connection and one engine a file, of few files at once and until the instance is disposed of.

    They wait for the disk when SQLite puts a file in order and not at each event: a power cut can cost the last events, and the ledger, which is the record,
    nothing.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._engines_lock = threading.Lock()
        self._tables: set[str] = set()
        super().__init__(base_dir, inst_data)

    @classmethod
    def config_type(cls) -> Mapping[str, Any]:
        return {"home": dg.StringSource}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> KeptOpenEventLogStorage:
        return cls(str(Path(config_value["home"]) / FILES), inst_data)

    @contextmanager
    def run_connection(self, run_id: str | None = None) -> Iterator[Connection]:
        """Events that are of no run, such as those that a person reports in the pages, have the empty name, as Dagster gives them."""
        with self._engines_lock, self._engine(run_id or "").begin() as connection:
            yield connection

    def store_event(self, event: EventLogEntry) -> None:
        """Pages that show a run wait for its file to change, and what is written stands beside it until SQLite puts the file in order: it is touched."""
        super().store_event(event)
        os.utime(self.path_for_shard(event.run_id))

    def index_connection(self) -> Any:
        return self.run_connection(INDEX_SHARD_NAME)

    def has_table(self, table_name: str) -> bool:
        """Asked of each event, also in the middle of a transaction; a table that is there stays."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def _engine(self, shard: str) -> Engine:
        if shard in self._engines and not Path(self.path_for_shard(shard)).exists():
            self._engines.pop(shard).dispose()  # removed by another process: what is written to it would be lost without a word
        if shard not in self._engines:
            with super().run_connection(shard):
                pass  # Dagster makes the file, or brings it up to date
            url = self.conn_string_for_shard(shard)
            engine = create_engine(url, poolclass=QueuePool, pool_size=1, connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False})
            engine_events.listen(engine, "connect", lambda connection, _: connection.execute("pragma synchronous = normal"))
            self._engines[shard] = engine
            if len(self._engines) > _OPEN_AT_ONCE:
                self._engines.popitem(last=False)[1].dispose()
        self._engines.move_to_end(shard)
        return self._engines[shard]

    def wipe(self) -> None:
        self._close()
        super().wipe()

    def dispose(self) -> None:
        super().dispose()
        self._close()

    def _close(self) -> None:
        with self._engines_lock:
            while self._engines:
                self._engines.popitem()[1].dispose()
