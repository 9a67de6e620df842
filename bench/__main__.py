"""`python -m bench [--students 2000,100000] [--days 60] [--early 10] [--only NAME] [--quick]`: prints a table and writes bench/results.json.

`--only` measures a part alone (see `measure.PARTS`; `intake` stands on no district and has a table of its own); `--quick` is one small district and small
files, each thing once, to see that the bench itself works. Folders are made under `--work` (by default a temporary folder) and removed again: 100,000
students need some 20 GB.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

import psutil

from bench.intake import FULL, LEAST, MOST, QUICK, Intake
from bench.measure import OF_NO_SIZE, PARTS, Line, Size

RESULTS = Path(__file__).with_name("results.json")
# What is promised: (figure, at how many students; None: everywhere), the most it may be.
LIMITS = {
    ("night_growth_day60_over_day10", 100_000): 1.3,
    ("night_growth_day170_over_day20", 100_000): 1.3,
    ("night_over_dbt_build", 2_000): 2.5,
    ("dbt_over_handwritten_sql", 100_000): 2.0,
}
PEAK_LIMIT_MIB = 6 * 1024
RENAMED = {("night_over_dbt_build", 2_000): "small_night_over_dbt_build"}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description="What a district costs in seconds and memory.")
    parser.add_argument("--students", default="2000,100000", help="sizes, with commas between")
    parser.add_argument("--days", type=int, default=60, help="school days")
    parser.add_argument("--early", type=int, default=10, help="the school day whose night the last one's is compared with")
    parser.add_argument("--only", choices=PARTS, action="append", help="measure this part alone; may be said more than once")
    parser.add_argument("--quick", action="store_true", help="300 students, 20 days, everything once")
    parser.add_argument("--repeats", type=int, default=3, help="how often a night is run for its median")
    parser.add_argument("--work", type=Path, help="folder for the districts (default: a temporary one)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the figures are written")
    chosen = parser.parse_args(arguments)
    sizes = [300] if chosen.quick else [int(n) for n in chosen.students.split(",")]
    days, repeats = (20, 1) if chosen.quick else (chosen.days, chosen.repeats)
    if not 1 < chosen.early < days:
        parser.error(f"--early must be more than 1 and less than the {days} days")
    start = time.perf_counter()
    done: list[Size] = []
    taken: Intake | None = None
    only = frozenset(chosen.only or PARTS)
    if chosen.work:
        chosen.work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=chosen.work) as work:
        if "intake" in only:
            taken = Intake(Path(work), repeats, lambda text: _say(start, text), QUICK if chosen.quick else FULL)
            taken.measure()
        for students in sizes if only - OF_NO_SIZE else ():
            size = Size(Path(work), students, days, repeats, only, lambda text: _say(start, text), chosen.early)
            size.measure()
            done.append(size)
    if done:
        print(table(done))
    if taken:
        print(taken.table())
    found = [*figures(done), *(taken.figures() if taken else ())]
    chosen.out.write_text(json.dumps({"machine": machine(), "figures": found}, indent=1) + "\n", encoding="utf-8")
    broken = broken_limits(found)
    for line in broken:
        print(line)
    return 1 if broken else 0


def _say(start: float, text: str) -> None:
    print(f"[{time.perf_counter() - start:6.0f} s] {text}", file=sys.stderr, flush=True)


def machine() -> dict[str, str | int | float]:
    """What it was measured on; nothing that names the machine."""
    from importlib.metadata import version

    return {
        "processor": platform.machine(), "cores": os.cpu_count() or 0, "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": platform.system(), "python": platform.python_version(),
        **{name: version(name) for name in ("duckdb", "dbt-core", "dbt-duckdb", "dagster", "great-expectations")},
    }  # fmt: skip


def figures(sizes: list[Size]) -> list[dict[str, str | float]]:
    """Everything measured, flat: `<what>_<students>_seconds`, `_rows`, `_peak_mib`, and the ratios."""
    found: list[dict[str, str | float]] = []
    for size in sizes:
        for line in size.lines:
            name = f"{line.name.replace('.', '_')}_{size.students}"
            found.append({"name": f"{name}_seconds", "value": round(line.seconds, 2), "unit": "s"})
            if line.rows is not None:
                found.append({"name": f"{name}_rows", "value": line.rows, "unit": "rows"})
            if line.peak_mib is not None:
                found.append({"name": f"{name}_peak_mib", "value": round(line.peak_mib), "unit": "MiB"})
        for name, value in size.ratios.items():
            label = RENAMED.get((name, size.students)) or (name if (name, size.students) in LIMITS else f"{name}_{size.students}")
            found.append({"name": label, "value": round(value, 2), "unit": "ratio"})
        peak = max(line.peak_mib or 0.0 for line in size.lines)
        found.append({"name": f"peak_{size.students}_mib", "value": round(peak), "unit": "MiB"})
    return found


def broken_limits(found: list[dict[str, str | float]]) -> list[str]:
    """A sentence for each promise that the figures break."""
    values = {str(f["name"]): float(f["value"]) for f in found}
    most = {RENAMED.get(key, key[0]): limit for key, limit in LIMITS.items()}
    most.update({name: float(PEAK_LIMIT_MIB) for name in values if name.startswith("peak_")})
    most.update(MOST)
    too_much = [f"{name} is {values[name]:g}, more than {limit:g}" for name, limit in most.items() if values.get(name, 0.0) > limit]
    return too_much + [f"{name} is {values[name]:g}, less than {limit:g}" for name, limit in LEAST.items() if name in values and values[name] < limit]


def table(sizes: list[Size]) -> str:
    """Lines by size: seconds, rows, peak."""
    names = list(dict.fromkeys(line.name for size in sizes for line in size.lines))
    ratios = list(dict.fromkeys(name for size in sizes for name in size.ratios))
    width = max(len(n) for n in [*names, *ratios]) + 2
    head = "".join(f"{f'{size.students:,} students':>34}" for size in sizes)
    units = "".join(f"{'seconds':>10}{'rows':>14}{'MiB':>10}" for _ in sizes)
    rows = [f"{'':{width}}{head}", f"{'':{width}}{units}"]
    for name in names:
        by_size = [next((line for line in size.lines if line.name == name), None) for size in sizes]
        rows.append(f"{_indented(name):{width}}" + "".join(_cells(line) for line in by_size))
    rows += [f"{name:{width}}" + "".join(_ratio(size.ratios.get(name)) for size in sizes) for name in ratios]
    return "\n".join(rows)


def _indented(name: str) -> str:
    return f"  {name.split('.')[1]}" if "." in name else name


def _ratio(value: float | None) -> str:
    return f"{'' if value is None else f'{value:.2f}':>10}{'':>24}"


def _cells(line: Line | None) -> str:
    if line is None:
        return " " * 34
    rows = "" if line.rows is None else f"{line.rows:,}"
    peak = "" if line.peak_mib is None else f"{line.peak_mib:,.0f}"
    return f"{line.seconds:>10.2f}{rows:>14}{peak:>10}"


if __name__ == "__main__":
    sys.exit(main())
