"""Fetched pages as files: kept beside the landing files while a window is read, landed when it is whole.

`<root>/<resource>/full/rundate=D/<number>.<window>.jsonl` is a whole load; `<root>/<resource>/incremental/<step>/rundate=D/<number>.<window>-<page>.jsonl`
a page of changes. `<number>` counts a resource's windows of one day and `<page>` the pages of one window over all its steps, so that names sort in the
order in which they are to be applied. Pages of a window that is not whole lie in `<root>/.fetch`, which intake does not look into. One record a line,
as the server sent it.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.intake.window import Pending, Step
from pipelines.intake.write import settle

WORK = ".fetch"
MAX_WINDOWS = 998  # of one resource and day: as many as intake can put in order
_DIGEST = 16  # bytes


class TooManyWindowsError(Exception):
    """A day's windows of one resource cannot be numbered."""


class Folder:
    """The files of one resource below `<landing>/<root>`."""

    def __init__(self, root: Path, resource: str) -> None:
        self._lasting, self._work = root / resource, root / WORK / resource

    def keep(self, step: Step, number: int, records: Sequence[str]) -> None:
        """Make page `number` (from 1) of a step lasting."""
        self._work.mkdir(parents=True, exist_ok=True)
        temporary = self._work / "page.tmp"
        with temporary.open("w", encoding="utf-8", newline="\n") as f:
            f.writelines(record + "\n" for record in records)
        settle(temporary, self._page(step, number))

    def clear(self) -> None:
        shutil.rmtree(self._work, ignore_errors=True)

    def n_records(self, step: Step, n_pages: int) -> int:
        """How many different records the pages of a step hold."""
        return int(self._kept(step, n_pages).sum())

    def next_number(self, rundate: date) -> int:
        """The number after those of the resource's windows of that day. Raises TooManyWindowsError."""
        days = (self._lasting / "full", *(self._lasting / "incremental").glob("*"))
        names = [p.name for day in days for p in (day / f"rundate={rundate}").glob("*.jsonl")]
        number = 1 + max((int(m.group()) for n in names if (m := re.match(r"\d{5}", n))), default=0)
        if number > MAX_WINDOWS:
            raise TooManyWindowsError(f"{self._lasting}: {MAX_WINDOWS} windows have landed on {rundate}, and a day can have no more; fetch less often")
        return number

    def land(self, pending: Pending) -> int:
        """Write a window's files and return how many records they hold. Doing it again gives the same files."""
        if pending.window.low is None:
            return self._land_whole(pending)
        n_files, n_landed = 0, 0
        for step in pending.window.steps:
            kept, at = self._kept(step, pending.pages.get(step, 0)), 0
            for page in range(1, pending.pages.get(step, 0) + 1):
                lines = self._lines(step, page)
                mine = [line for line, is_kept in zip(lines, kept[at : at + len(lines)], strict=True) if is_kept]
                at += len(lines)
                if mine:
                    n_files, n_landed = n_files + 1, n_landed + len(mine)
                    name = f"{pending.number:05d}.{pending.window.label}-{n_files:05d}.jsonl"
                    self._write(self._lasting / "incremental" / step / f"rundate={pending.rundate}" / name, iter(mine))
        return n_landed

    def _land_whole(self, pending: Pending) -> int:
        n_pages = pending.pages.get("full", 0)
        kept = self._kept("full", n_pages)
        n_landed = int(kept.sum())

        def lines() -> Iterator[str]:
            at = 0
            for page in range(1, n_pages + 1):
                for line in self._lines("full", page):
                    if kept[at]:
                        yield line
                    at += 1

        name = f"{pending.number:05d}.{pending.window.label}.jsonl"
        self._write(self._lasting / "full" / f"rundate={pending.rundate}" / name, lines() if n_landed else iter(["[]\n"]))
        return n_landed

    def _write(self, target: Path, lines: Iterator[str]) -> None:
        self._work.mkdir(parents=True, exist_ok=True)
        temporary = self._work / "landing.tmp"
        with temporary.open("w", encoding="utf-8", newline="\n") as f:
            f.writelines(lines)
        settle(temporary, target)

    def _page(self, step: Step, number: int) -> Path:
        return self._work / f"{step}-{number:05d}.jsonl"

    def _lines(self, step: Step, number: int) -> list[str]:
        with self._page(step, number).open(encoding="utf-8", newline="\n") as f:
            return list(f)

    def _kept(self, step: Step, n_pages: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """For each line of a step's pages, whether it is the last of its record: what was read twice counts once, as it was read last."""
        by_id = step in ("upserts", "full")  # a log of changes may name one id twice
        digests = bytearray()
        for page in range(1, n_pages + 1):
            for line in self._lines(step, page):
                digests += hashlib.blake2b(_key(line, by_id=by_id).encode(), digest_size=_DIGEST).digest()
        both = np.frombuffer(bytes(digests), dtype=[("high", "<u8"), ("low", "<u8")])
        order = np.lexsort((np.arange(len(both)), both["low"], both["high"]))
        ordered = both[order]
        kept = np.zeros(len(both), dtype=np.bool_)
        kept[order] = np.append(ordered[1:] != ordered[:-1], [True])[: len(both)]
        return kept


def _key(line: str, *, by_id: bool) -> str:
    found = json.loads(line).get("id") if by_id else None
    return found if isinstance(found, str) and found else line
