"""A district of the bench: made once, copied as often as something is to be measured from the same state, run a night at a time.

Belongs here: folders, nights and the times of their steps. What is measured, and how often, is `measure.py`.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from bench.process import ROOT, BenchError, Measured, measure
from pipelines.quality.build import DBT_PROFILE

START, SEED = date(2025, 8, 18), 7
_NEVER_REWRITTEN = ("landing", "raw", "versions")  # files that the product only adds and removes: a link is as good as a copy
RUN = [sys.executable, "-c", "from pipelines.cli import main; main()", "run"]
PUBLISHED, HELD = 0, 3


@dataclass(frozen=True)
class Step:
    """A step of a night: seconds, rows (taken from files, or of the slices that were judged and published), peak MiB of the process tree meanwhile."""

    seconds: float
    rows: int
    peak_mib: float


@dataclass(frozen=True)
class Night:
    """A night, measured: the whole process with the rows that it took, and its steps by name in their order."""

    whole: Measured
    rows: int
    steps: Mapping[str, Step]


@dataclass(frozen=True)
class Folder:
    """A district's folder on disk."""

    path: Path

    @property
    def build(self) -> Path:
        return self.path / "data" / "build" / "build.duckdb"

    @property
    def target(self) -> Path:
        """Where dbt leaves what it knows of the models and of its last run."""
        return self.path / "data" / "build" / "dbt"

    def school_days(self) -> list[date]:
        """The days on which most schools were in session, in order."""
        truth = json.loads((self.path / "truth.json").read_text(encoding="utf-8"))
        return [date.fromisoformat(d) for d in truth["sessions"]["A"]]

    def copy(self, name: str) -> Folder:
        """The same state under another name beside this one; an old folder of that name goes."""
        target = self.path.with_name(name)
        shutil.rmtree(target, ignore_errors=True)

        def copy_or_link(source: str, to: str) -> str:
            if set(Path(source).relative_to(self.path).parts) & set(_NEVER_REWRITTEN):
                os.link(source, to)
                return to
            return str(shutil.copy2(source, to))

        shutil.copytree(self.path, target, symlinks=True, copy_function=copy_or_link)
        return Folder(target)

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)

    def run(self, day: date, first: date | None = None) -> Night:
        """One `throughline run`, as people start it. Raises BenchError when it fails."""
        span = ["--from", first.isoformat()] if first else []
        environment = {"DAGSTER_HOME": str(self.path / "data" / "dagster")}
        command = [*RUN, "--district", str(self.path), "--date", day.isoformat(), *span]
        whole = measure(command, environment=environment, fine=(PUBLISHED, HELD))
        return self._steps(whole)

    def arrive(self, day: date) -> Measured:
        """Intake and the arrival gate alone."""
        return measure([sys.executable, "-m", "bench.child", "arrive", str(self.path), day.isoformat()])

    def dbt(self, *arguments: str) -> Measured:
        """Bare `dbt build` on the build database as it stands: every model, seeds and views too, which a night leaves as they are (decision 10)."""
        return self._dbt("build", "--exclude-resource-type", "unit_test", *arguments)

    def _dbt(self, *arguments: str) -> Measured:
        target = self.target
        environment = {**DBT_PROFILE, "HOME": str(self.build.parent), "DBT_LOG_PATH": str(target / "logs")}  # as a night does
        project = str(ROOT / "dbt_project")
        command = [str(Path(sys.executable).with_name("dbt")), *arguments]
        command += ["--project-dir", project, "--profiles-dir", project, "--target-path", str(target)]
        return measure(command, environment=environment)

    def _steps(self, whole: Measured) -> Night:
        """The last run's steps, from Dagster's own event log."""
        os.environ["DAGSTER_HOME"] = str(self.path / "data" / "dagster")
        import dagster as dg

        with dg.DagsterInstance.get() as instance:
            run_id = instance.get_runs(limit=1)[0].run_id
            steps = {s.step_key: s for s in instance.get_run_step_stats(run_id)}
            said = [(e.timestamp, e.user_message) for e in instance.all_logs(run_id) if e.step_key == "publish" and e.dagster_event is None]
        spans = {key: (s.start_time, s.end_time) for key, s in steps.items() if s.end_time and s.start_time}
        if set(spans) != {"intake", "arrival_gate", "transform", "publish"}:
            raise BenchError(f"the run has no times for some of its steps, only for {sorted(spans)}")
        publishing = next(at for at, text in said if text.startswith("publishing "))
        taken, published = self._rows(run_id)
        parts = {
            "intake": (*spans["intake"], taken),
            "arrival_gate": (*spans["arrival_gate"], taken),
            "models": (*spans["transform"], published),
            "publication_gate": (spans["publish"][0], publishing, published),
            "publication": (publishing, spans["publish"][1], published),
        }
        return Night(whole, taken, {name: Step(end - begin, rows, whole.peak_between(begin, end)) for name, (begin, end, rows) in parts.items()})

    def _rows(self, run_id: str) -> tuple[int, int]:
        """Rows that a run took from its files, and rows of the slices that it judged and published."""
        from pipelines.lineage.ledger import Ledger

        ledger = Ledger(self.path / "data" / "ledger.sqlite")
        try:
            taken = ledger.rows("select coalesce(sum(n_rows), 0) as n from deliveries where run_id = ?", [run_id])
            published = ledger.rows(
                "select coalesce(sum(v.n_rows), 0) as n from verdicts v join publications p using (publication_id) where p.run_id = ?", [run_id]
            )
            return int(taken[0]["n"]), int(published[0]["n"])
        finally:
            ledger.close()


def make(path: Path, students: int, days: int) -> Measured:
    """Write a district without defects into `path`."""
    shutil.rmtree(path, ignore_errors=True)
    return measure([sys.executable, "-m", "bench.child", "synth", str(path), str(students), str(days), START.isoformat(), str(SEED)])
