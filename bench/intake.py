"""Taking one large file: our intake of it into raw Parquet, against DuckDB's own `COPY (FROM read_csv(...)) TO ... (FORMAT parquet)` of the same file.

Intake is all that the product does to a landing file (hash, encoding, lines, cells, secrets, the lasting file, the ledger); the other side reads every
cell as text and writes it. Both are timed within a process of their own, turn by turn, on as many threads, and must count the same rows.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bench.process import BenchError, Measured, measure

FULL = (300, 1_000)  # megabytes of the files whose time is taken, and of the one whose memory is looked at besides
QUICK = (20, 60)
# What is promised of files of those sizes: at least this much of DuckDB's rows a second, at most this much memory, and hardly more of it for more rows.
LEAST = {"intake_results_over_duckdb_copy": 0.6, "intake_attendance_over_duckdb_copy": 0.6}
MOST = {"intake_large_peak_mib": 1536.0, "intake_large_over_small_peak": 1.25}
DAY = "2025-09-08"
BLOCK = 20_000  # rows written at a time
SETTINGS = """\
[district]
id = "bench"
name = "Bench"

[[school_years]]
year = 2026
start = 2025-08-01
end = 2026-07-31

[intake]
settle_seconds = 0

[[sources]]
id = "roster"
format = "oneroster"
path = "oneroster/**/manifest.csv"

[[sources]]
id = "attendance"
format = "extract"
table = "attendance"
path = "attendance/*.csv"
"""
RESULTS = (
    "sourcedId,status,dateLastModified,lineItemSourcedId,studentSourcedId,scoreStatus,score,scoreDate,comment,textScore,classSourcedId,inProgress,incomplete,"
    "late,missing\n"
)
ATTENDANCE = "student_id,school_id,attendance_date,attendance_code,modality\n"
STATUSES = ("fully graded", "fully graded", "fully graded", "submitted", "not submitted")


def result_rows(first: int) -> str:
    """A block of rows of a OneRoster 1.2 `results.csv`, those from number `first` on."""
    flag = ("false", "false", "false", "true")
    return "".join(
        f"res-{i:09},,,li-{i // 27:07},stu-{i * 7919 % 1_000_003:07},{STATUSES[i % 5]},{i * 31 % 201 / 2:g},{DAY},,,cls-{i // 81:06},false,false,"
        f"{flag[i % 4]},{flag[i // 4 % 4]}\n"
        for i in range(first, first + BLOCK)
    )


def attendance_rows(first: int) -> str:
    """A block of rows of a district's daily attendance."""
    return "".join(f"{i:09},{i * 7919 % 997:03},{DAY},{'PPPPPPPPAT'[i % 10]},in_person\n" for i in range(first, first + BLOCK))


def write_csv(path: Path, megabytes: int, header: str, rows: Callable[[int], str]) -> int:
    """Stream a CSV file of at least so many megabytes (10^6 bytes); returns its rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    n = 0
    with path.open("w", encoding="utf-8", newline="") as f:
        f.write(header)
        while not n or f.tell() < megabytes * 1_000_000:
            f.write(rows(n))
            n += BLOCK
    return n


@dataclass(frozen=True)
class Timed:
    """One side of one turn: seconds of the work itself, its rows, and the peak of the whole process in MiB."""

    seconds: float
    rows: int
    peak_mib: float


@dataclass(frozen=True)
class Line:
    """One file: of the turns of intake the one in the middle and, where it was run, of DuckDB's COPY."""

    name: str
    megabytes: float
    ours: Timed
    duckdb: Timed | None


@dataclass
class Intake:
    """The part `intake`, whatever the number of students. `sizes` are those of the timed files and of the large one, in megabytes."""

    work: Path
    repeats: int
    say: Callable[[str], None]
    sizes: tuple[int, int] = FULL
    lines: list[Line] = field(default_factory=list)
    ratios: dict[str, float] = field(default_factory=dict)

    def measure(self) -> None:
        small, large = self.sizes
        for kind, header, rows in (("results", RESULTS, result_rows), ("attendance", ATTENDANCE, attendance_rows)):
            line = self._file(kind, small, header, rows, against=True)
            if line.duckdb:
                self.ratios[f"intake_{kind}_over_duckdb_copy"] = line.duckdb.seconds / line.ours.seconds
        line = self._file("results", large, RESULTS, result_rows, against=False)
        self.ratios["intake_large_over_small_peak"] = line.ours.peak_mib / self.lines[0].ours.peak_mib

    def _file(self, kind: str, megabytes: int, header: str, rows: Callable[[int], str], *, against: bool) -> Line:
        folder = self.work / f"intake-{kind}-{megabytes}"
        path = self._landing(folder, kind)
        self.say(f"intake: writing {megabytes} MB of {kind}")
        n = write_csv(path, megabytes, header, rows)
        ours: list[Timed] = []
        theirs: list[Timed] = []
        for turn in range(self.repeats if against else 1):
            self.say(f"intake: {megabytes} MB of {kind}, {turn + 1} of {self.repeats if against else 1}")
            shutil.rmtree(folder / "data", ignore_errors=True)
            ours.append(_timed("intake", str(folder)))
            if against:
                out = folder / "copy.parquet"
                out.unlink(missing_ok=True)
                theirs.append(_timed("duckdb_copy", str(path), str(out)))
        if wrong := [t.rows for t in (*ours, *theirs) if t.rows != n]:
            raise BenchError(f"{n} rows of {kind} were written, and {wrong[0]} read")
        line = Line(f"intake_{kind}_{megabytes}mb", path.stat().st_size / 1e6, _middle(ours), _middle(theirs) if theirs else None)
        self.lines.append(line)
        shutil.rmtree(folder)
        return line

    def _landing(self, folder: Path, kind: str) -> Path:
        """A district's folder with everything but the file itself; returns where that belongs."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        (folder / "district.toml").write_text(SETTINGS, encoding="utf-8")
        if kind == "attendance":
            return folder / "landing" / "attendance" / f"{DAY}.csv"
        package = folder / "landing" / "oneroster" / DAY
        package.mkdir(parents=True)
        (package / "manifest.csv").write_text(manifest(), encoding="utf-8")
        return package / "results.csv"

    def figures(self) -> Iterator[dict[str, str | float]]:
        """Everything measured, flat, as `bench.__main__.figures` has it. A ratio of other sizes than the promised ones says its size."""
        for line in self.lines:
            yield {"name": f"{line.name}_seconds", "value": round(line.ours.seconds, 2), "unit": "s"}
            yield {"name": f"{line.name}_rows", "value": line.ours.rows, "unit": "rows"}
            yield {"name": f"{line.name}_peak_mib", "value": round(line.ours.peak_mib), "unit": "MiB"}
            if line.duckdb:
                yield {"name": f"{line.name}_duckdb_copy_seconds", "value": round(line.duckdb.seconds, 2), "unit": "s"}
        stated = self.sizes == FULL
        for name, value in self.ratios.items():
            yield {"name": name if stated else f"{name}_{self.sizes[0]}mb", "value": round(value, 2), "unit": "ratio"}
        if stated and self.lines:
            yield {"name": "intake_large_peak_mib", "value": round(self.lines[-1].ours.peak_mib), "unit": "MiB"}

    def table(self) -> str:
        """A line a file, then the ratios."""
        width = max(len(n) for n in [*(line.name for line in self.lines), *self.ratios]) + 2
        out = [f"{'':{width}}{'seconds':>10}{'MB/s':>8}{'rows':>14}{'MiB':>8}{'COPY s':>10}{'MB/s':>8}"]
        for line in self.lines:
            theirs = f"{line.duckdb.seconds:>10.2f}{line.megabytes / line.duckdb.seconds:>8.0f}" if line.duckdb else " " * 18
            speed = f"{line.ours.seconds:>10.2f}{line.megabytes / line.ours.seconds:>8.0f}"
            out.append(f"{line.name:{width}}{speed}{line.ours.rows:>14,}{line.ours.peak_mib:>8,.0f}{theirs}")
        return "\n".join([*out, *(f"{name:{width}}{value:>10.2f}" for name, value in self.ratios.items())])


def manifest() -> str:
    """The manifest of a OneRoster 1.2 package that holds `results.csv` alone."""
    from pipelines.sources.oneroster import FILES

    said = "".join(f"file.{name},{'bulk' if name == 'results' else 'absent'}\n" for name in FILES)
    return f"propertyName,value\nmanifest.version,1.0\noneroster.version,1.2\n{said}source.systemName,Bench\nsource.systemCode,bench\n"


def _timed(*child: str) -> Timed:
    measured: Measured = measure([sys.executable, "-m", "bench.child", *child])
    told = json.loads(measured.output.splitlines()[-1])
    return Timed(told["seconds"], told["rows"], measured.peak_mib)


def _middle(runs: list[Timed]) -> Timed:
    return sorted(runs, key=lambda t: t.seconds)[(len(runs) - 1) // 2]
