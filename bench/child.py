"""What the bench runs in a process of its own, where no command of the product does just that part.

`synth FOLDER STUDENTS DAYS START SEED`   a district without defects
`arrive FOLDER DATE`                      intake and the arrival gate, without the models: what bare `dbt build` is then measured on
`handwritten BUILD OUT`                   the hand-written SQL on the accepted tables of BUILD, into a new database OUT
`intake FOLDER`                           intake alone; prints its seconds and rows
`duckdb_copy FILE OUT`                    what intake is compared with: DuckDB's COPY of a CSV file as text; prints its seconds and rows
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

HANDWRITTEN = Path(__file__).with_name("handwritten.sql")


def synth(folder: str, students: str, days: str, start: str, seed: str) -> None:
    from pipelines.synth.write import synthesize

    synthesize(int(students), int(days), date.fromisoformat(start), int(seed), Path(folder), defects=False, progress=lambda _: None)


def arrive(folder: str, day: str) -> None:
    from pipelines.district import load_district
    from pipelines.intake.take import take
    from pipelines.lineage.ledger import Ledger, Run, now
    from pipelines.quality.arrival import arrive as judge_and_merge

    district, until = load_district(folder), date.fromisoformat(day)
    ledger = Ledger(district.data / "ledger.sqlite")
    ledger.put(Run("bench", now(), until))
    take(district, ledger, "bench", until, lambda _: None)
    judge_and_merge(district, ledger, "bench", until, lambda _: None)
    ledger.close()


def statements(sql: str) -> list[str]:
    """The statements of the hand-written file: each ends with a semicolon at the end of a line."""
    text = "\n".join(line for line in sql.splitlines() if not line.lstrip().startswith("--"))
    return [s.strip() for s in re.split(r";\s*(?:\n|$)", text) if s.strip()]


def handwritten(build: str, out: str) -> None:
    """On as many threads and as much memory as the models are given."""
    import duckdb

    from pipelines.quality.build import MEMORY_LIMIT, THREADS

    config: dict[str, str | bool | int | float | list[str]] = {"threads": THREADS, "memory_limit": MEMORY_LIMIT, "preserve_insertion_order": "false"}
    with duckdb.connect(out, config=config) as db:
        db.execute(f"attach '{build}' as build (read_only)")
        for statement in statements(HANDWRITTEN.read_text(encoding="utf-8")):
            start = time.perf_counter()
            db.execute(statement)
            print(f"{time.perf_counter() - start:8.2f}  {' '.join(statement.split()[:4])}")


def intake(folder: str) -> None:
    """The time is of the work alone: a night loads its libraries once for all of its files."""
    from pipelines.district import load_district
    from pipelines.intake.take import take
    from pipelines.lineage.ledger import Ledger, Run, now

    district, until = load_district(folder), date(2100, 1, 1)
    ledger = Ledger(district.data / "ledger.sqlite")
    ledger.put(Run("bench", now(), until))
    start = time.perf_counter()
    report = take(district, ledger, "bench", until, lambda _: None)
    seconds = time.perf_counter() - start
    ledger.close()
    (taken,) = report.taken
    if taken.why or not taken.raw_path:
        raise SystemExit(f"the file was not taken: {taken.why}")
    print(json.dumps({"seconds": seconds, "rows": taken.n_rows}))


def duckdb_copy(file: str, out: str) -> None:
    """On as many threads as pyarrow has, every cell as text."""
    import duckdb
    import pyarrow as pa

    with duckdb.connect(config={"threads": pa.cpu_count()}) as db:
        start = time.perf_counter()
        ((rows,),) = db.execute(f"copy (from read_csv('{file}', all_varchar = true, header = true)) to '{out}' (format parquet)").fetchall()
        print(json.dumps({"seconds": time.perf_counter() - start, "rows": rows}))


def main(action: str, *arguments: str) -> None:
    actions: dict[str, Callable[..., None]] = {"synth": synth, "arrive": arrive, "handwritten": handwritten, "intake": intake, "duckdb_copy": duckdb_copy}
    actions[action](*arguments)


if __name__ == "__main__":
    main(*sys.argv[1:])
