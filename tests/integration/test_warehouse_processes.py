"""A warehouse between processes: readers beside a publisher, and publishers that are killed; on DuckDB and on a real PostgreSQL."""

from __future__ import annotations

import multiprocessing
import random
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import duckdb

from pipelines.publication.warehouse import open_warehouse
from tests.integration.warehouses import ONE, STUDENTS, STUDENTS_SQL, VALUES, House, is_whole, look, marked, start

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.integration.warehouses"])


def _read_on(url: str, pipe: Connection) -> None:
    seen: list[str] = []
    pipe.send("ready")
    while not pipe.poll():
        got = look(url)
        assert is_whole(got), got
        seen.append(got[2])
    pipe.send((len(seen), sorted(set(seen)), seen == sorted(seen)))


def test_readers_see_whole_publications_and_are_never_refused(house: House) -> None:
    start(house)
    pipes = []
    for _ in range(2):
        here, there = PROCESSES.Pipe()
        process = PROCESSES.Process(target=_read_on, args=(house.url, there), daemon=True)
        process.start()
        there.close()
        pipes.append((here, process))
    assert all(here.recv() == "ready" for here, _ in pipes)
    for n in range(1, 11):
        house.warehouse.publish(marked(house, f"p{n:02}"))
        house.warehouse.prune(5)
    for here, process in pipes:
        here.send("stop")
        n_reads, markers, in_order = here.recv()
        process.join(30)
        assert process.exitcode == 0
        assert n_reads >= 10
        assert len(markers) >= 3
        assert in_order
    house.warehouse.prune(5)
    assert len(house.warehouse.versions()) == 5


def _publish_on(url: str, folder: Path, first: str, pipe: Connection) -> None:
    house = House(open_warehouse(url), url, folder)
    pipe.send("ready")
    for n in range(1000):
        house.warehouse.publish(marked(house, f"{first}-{n:03}"))


def test_a_killed_publisher_leaves_the_last_publication_whole(house: House) -> None:
    start(house)
    chance = random.Random(20260914)
    left: list[str] = []
    for n in range(10):
        here, there = PROCESSES.Pipe()
        process = PROCESSES.Process(target=_publish_on, args=(house.url, house.folder, f"k{n:02}", there), daemon=True)
        process.start()
        assert here.recv() == "ready"
        time.sleep(chance.uniform(0.0, 0.5))
        process.kill()
        process.join(30)
        seen = look(house.url)
        assert is_whole(seen), seen
        if n % 2:
            left += house.warehouse.clear_leftovers()
        house.warehouse.publish(marked(house, f"k{n:02}-next"))
        assert house.warehouse.current() == look(house.url)[2] == f"k{n:02}-next"
        assert house.warehouse.clear_leftovers() == []
    assert all(is_whole(_markers(house, p)) for p in house.warehouse.versions() if p != "p")
    house.warehouse.prune(1)
    assert house.warehouse.clear_leftovers() == []


def _markers(house: House, publication_id: str) -> tuple[Any, ...]:
    with duckdb.connect() as con:
        con.register("v", house.warehouse.read(VALUES.name, publication_id))
        con.register("o", house.warehouse.read_operations("verdicts", publication_id))
        con.register("s", house.warehouse.read(STUDENTS.name, publication_id))
        students = (con.execute(STUDENTS_SQL.replace("marts_restricted.fct_student_indicators", "s")).fetchone() or ())[0]
        return (*(con.execute(ONE.format(v="v", o="o")).fetchone() or ()), students)
