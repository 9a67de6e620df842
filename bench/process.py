"""Running a command and measuring it from outside: seconds by the wall clock, and the peak of resident memory over the process and its children.

Memory is the sum of what each process of the tree holds, looked at twenty times a second; pages that processes share count in each of them, so the
figure errs upwards.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
_EVERY = 0.05  # seconds
_MIB = 1024 * 1024


class BenchError(Exception):
    """A measurement could not be taken, or what was measured is wrong."""


@dataclass(frozen=True)
class Measured:
    """One command: wall-clock seconds, peak resident MiB of its process tree, what it printed, and each look at its memory (seconds since 1970, MiB)."""

    seconds: float
    peak_mib: float
    output: str
    looks: tuple[tuple[float, float], ...] = ()

    def peak_between(self, begin: float, end: float) -> float:
        """MiB at most between two moments, or at the look nearest to them where none fell between."""
        between = [mib for at, mib in self.looks if begin <= at <= end]
        return max(between) if between else min(self.looks, key=lambda look: abs(look[0] - begin))[1]


def measure(command: Sequence[str], *, environment: Mapping[str, str] | None = None, fine: tuple[int, ...] = (0,)) -> Measured:
    """Run `command` in the repository's root. Raises BenchError where its exit status is not one of `fine`."""
    env = {**os.environ, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "GX_ANALYTICS_ENABLED": "false", **(environment or {})}
    with tempfile.TemporaryFile(mode="w+", encoding="utf-8") as out:
        start = time.perf_counter()
        process = subprocess.Popen(list(command), cwd=ROOT, env=env, stdout=out, stderr=subprocess.STDOUT)
        tree, looks = psutil.Process(process.pid), []
        while True:
            looks.append((time.time(), _resident(tree) / _MIB))
            try:
                status = process.wait(_EVERY)
                break
            except subprocess.TimeoutExpired:
                continue
        seconds = time.perf_counter() - start
        out.seek(0)
        output = out.read()
    if status not in fine:
        raise BenchError(f"{' '.join(command)} ended with {status}:\n{output[-4000:]}")
    return Measured(seconds, max(mib for _, mib in looks), output, tuple(looks))


def _resident(root: psutil.Process) -> int:
    """Bytes held by a process and all below it; those that have just ended count nothing."""
    total = 0
    try:
        tree = [root, *root.children(recursive=True)]
    except psutil.Error:
        return 0
    for process in tree:
        try:
            total += process.memory_info().rss
        except psutil.Error:
            continue
    return total
