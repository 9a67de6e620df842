"""What is measured at one size, in which order, from which state.

A night is measured on a copy of the state before it, in a process of its own. Where a figure is small beside what else the machine does, it is the
median of several; both sides of a ratio are measured turn by turn, so that a busy minute touches both.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import duckdb

from bench.change import write_changes
from bench.compare import differences
from bench.cost import costs
from bench.district import START, Folder, Night, make
from bench.process import BenchError, Measured, measure

PARTS = ("synth", "growth", "night", "dbt", "change", "intake")
OF_NO_SIZE = frozenset({"intake"})  # parts that no number of students bears on (bench/intake.py)
Say = Callable[[str], None]


@dataclass(frozen=True)
class Line:
    """One line of the table. Rows and peak are left out where they say nothing."""

    name: str
    seconds: float
    rows: int | None = None
    peak_mib: float | None = None


@dataclass
class Size:
    """The bench at one size. `repeats`: how often a night is run; `only`: parts of PARTS to measure (those they stand on are run all the same).

    `early`: the school day whose night the last one's is compared with.
    """

    work: Path
    students: int
    days: int
    repeats: int
    only: frozenset[str]
    say: Say
    early: int = 10
    lines: list[Line] = field(default_factory=list)
    ratios: dict[str, float] = field(default_factory=dict)

    def measure(self) -> None:
        folder = Folder(self.work / f"d{self.students}")
        self.say(f"{self.students:,} students: writing {self.days} school days")
        synth = make(folder.path, self.students, self.days)
        days = folder.school_days()
        before, last = days[self.days - 2], days[self.days - 1]
        if "growth" in self.only:
            self._growth_early(folder)
        self.say(f"{self.students:,} students: first load up to {before}")
        first = folder.run(before, START)
        self._add("synth", synth, first.rows)
        self._night("first_load", [first])
        if self.only & {"night", "dbt", "growth"}:
            self._last_night(folder)
        if self.only & {"dbt", "change"}:
            self.say(f"{self.students:,} students: the last night, to go on from")
            folder.run(last)
        if "dbt" in self.only:
            self._whole(folder)
        if "change" in self.only:
            self._change(folder)
        folder.remove()

    def _growth_early(self, folder: Folder) -> None:
        """The state before school day `early`: that night, and an empty one."""
        early = folder.copy(folder.path.name + "-early")
        self.say(f"{self.students:,} students: first load up to school day {self.early - 1}")
        early.run(folder.school_days()[self.early - 2], START)
        nights, empty = self._nights(early, self.early)
        self._night(f"night_{self.early}", nights)
        self._night(f"night_{self.early}_empty", empty)
        self.ratios["_early"] = _typical(nights) - _typical(empty)
        early.remove()

    def _nights(self, state: Folder, number: int) -> tuple[list[Night], list[Night]]:
        """The night of school day `number` from the state before it, and an empty night of that state, turn by turn."""
        days = state.school_days()
        nights: list[Night] = []
        empty: list[Night] = []
        for turn in range(self.repeats):
            self.say(f"{self.students:,} students: night {number} and an empty one, {turn + 1} of {self.repeats}")
            for day, found in ((days[number - 1], nights), (days[number - 2], empty)):
                copy = state.copy(state.path.name + "-night")
                found.append(copy.run(day))
                copy.remove()
        return nights, empty

    def _last_night(self, folder: Folder) -> None:
        nights, empty = self._nights(folder, self.days)
        self._night("night", nights)
        self._night("night_empty", empty)
        if "_early" in self.ratios:
            self.ratios[f"night_growth_day{self.days}_over_day{self.early}"] = (_typical(nights) - _typical(empty)) / self.ratios.pop("_early")
        if "dbt" in self.only:
            self._bare_dbt(folder, nights)

    def _bare_dbt(self, folder: Folder, nights: Sequence[Night]) -> None:
        """Bare `dbt build` of that very night: intake and the arrival gate have been, the models have not."""
        gated = folder.copy(folder.path.name + "-gated")
        gated.arrive(folder.school_days()[self.days - 1])
        builds = []
        for turn in range(self.repeats):
            self.say(f"{self.students:,} students: bare dbt build of the night, {turn + 1} of {self.repeats}")
            copy = gated.copy(folder.path.name + "-bare")
            builds.append(copy.dbt())
            copy.remove()
        gated.remove()
        self._add("dbt_build_of_the_night", _middle(builds), nights[0].steps["models"].rows)
        self.ratios["night_over_dbt_build"] = _typical(nights) / median(b.seconds for b in builds)

    def _whole(self, folder: Folder) -> None:
        """Both marts from nothing: by the models, and by the hand-written SQL, turn by turn; then compared."""
        out = self.work / "handwritten.duckdb"
        builds, hands = [], []
        copy = folder.copy(folder.path.name + "-whole")
        for turn in range(1 if self.students > 20_000 else self.repeats):
            self.say(f"{self.students:,} students: every model from scratch, and the hand-written SQL, {turn + 1}")
            builds.append(copy.dbt("--full-refresh"))
            out.unlink(missing_ok=True)
            hands.append(measure([sys.executable, "-m", "bench.child", "handwritten", str(copy.build), str(out)]))
        if any((found := differences(copy.build, out)).values()):
            raise BenchError(f"the hand-written SQL and the models differ, rows by mart: {found}")
        with duckdb.connect(str(copy.build), read_only=True) as db:
            rows = sum(int(db.execute(f"select count(*) from marts.{m}").fetchall()[0][0]) for m in found)
        by_indicator = costs(copy.build, copy.target)
        copy.remove()
        out.unlink()
        self._add("dbt_build_from_scratch", _middle(builds), rows)
        self._add("handwritten_sql", _middle(hands), rows)
        self.lines += [Line(f"cost.{name}", seconds, n) for name, (seconds, n) in by_indicator.items()]
        self.ratios["dbt_over_handwritten_sql"] = median(b.seconds for b in builds) / median(h.seconds for h in hands)

    def _change(self, folder: Folder) -> None:
        last = folder.school_days()[self.days - 1]
        nights = []
        for turn in range(self.repeats if self.students <= 20_000 else 1):
            self.say(f"{self.students:,} students: 1 % of the last ten weeks changed, {turn + 1}")
            copy = folder.copy(folder.path.name + "-change")
            rows = write_changes(copy, last)
            nights.append(copy.run(last))
            if nights[-1].rows != rows:
                raise BenchError(f"{rows} changed rows were written and {nights[-1].rows} taken")
            copy.remove()
        self._night("night_changing_1_percent", nights)

    def _night(self, name: str, nights: Sequence[Night]) -> None:
        middle = sorted(nights, key=lambda n: n.whole.seconds)[(len(nights) - 1) // 2]
        self._add(name, middle.whole, middle.rows)
        self.lines += [Line(f"{name}.{part}", step.seconds, step.rows, step.peak_mib) for part, step in middle.steps.items()]

    def _add(self, name: str, measured: Measured, rows: int | None = None) -> None:
        self.lines.append(Line(name, measured.seconds, rows, measured.peak_mib))


def _typical(nights: Sequence[Night]) -> float:
    return median(n.whole.seconds for n in nights)


def _middle(runs: Sequence[Measured]) -> Measured:
    return sorted(runs, key=lambda m: m.seconds)[(len(runs) - 1) // 2]
