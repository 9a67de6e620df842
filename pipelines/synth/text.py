"""Rows of text from numpy arrays, fast, and files whose bytes depend on their content alone.

A file is a header and an iterator of chunks; a chunk is bytes of whole lines, so that a file of any size streams. Belongs here: nothing that
knows what a column means.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Column = Any  # a pyarrow StringArray, or a str that every row has
Chunk = bytes | memoryview
CHUNK_ROWS = 200_000
NEVER = 32_000  # a day that never comes
_EARLIEST, _LATEST = -6_800, 800  # the days around the first school day that can be written
_DIGITS = np.frombuffer(b"0123456789abcdefghijklmnopqrstuvwxyz", dtype=np.uint8)


def strings(values: Sequence[str]) -> Any:
    """A lookup table of text, to be used with `pick`."""
    return pa.array(list(values), type=pa.string())


def pick(table: Any, index: NDArray[Any]) -> Any:
    """The text at each index of a lookup table."""
    return table.take(pa.array(index))


def fixed(values: NDArray[Any], prefix: str, width: int, base: int = 10) -> Any:
    """`prefix` and each number in `width` digits of `base` (at most 36): ids by the million without a Python loop."""
    n, length = len(values), len(prefix) + width
    out = np.empty((n, length), dtype=np.uint8)
    out[:, : len(prefix)] = np.frombuffer(prefix.encode(), dtype=np.uint8)
    rest = values.astype(np.int64)
    for place in range(length - 1, len(prefix) - 1, -1):
        rest, digit = np.divmod(rest, base)
        out[:, place] = _DIGITS[digit]
    offsets = np.arange(0, (n + 1) * length, length, dtype=np.int32) if length else np.zeros(n + 1, dtype=np.int32)
    return pa.StringArray.from_buffers(n, pa.py_buffer(offsets), pa.py_buffer(out))


def number(values: NDArray[Any]) -> Any:
    """Whole numbers as text."""
    return pa.array(values).cast(pa.string())


def glue(*parts: Column) -> Any:
    """Text columns put end to end."""
    return pc.binary_join_element_wise(*parts, "")


def lines(columns: Sequence[Column], n: int) -> Chunk:
    """`n` comma-separated lines from columns that already hold valid CSV cells."""
    *first, last = columns
    ended = f"{last}\n" if isinstance(last, str) else pc.binary_join_element_wise(last, "\n", "")
    if all(isinstance(c, str) for c in columns):
        return ",".join([*first, str(ended)]).encode() * n
    joined = pc.binary_join_element_wise(*first, ended, ",")
    end = int(np.frombuffer(joined.buffers()[1], dtype=np.int32)[len(joined)])
    return memoryview(joined.buffers()[2])[:end]


def chunked(rows: NDArray[Any], build: Callable[[NDArray[Any]], Sequence[Column]]) -> Iterator[Chunk]:
    """The lines of `rows` (indexes), `CHUNK_ROWS` at a time."""
    for at in range(0, len(rows), CHUNK_ROWS):
        part = rows[at : at + CHUNK_ROWS]
        yield lines(build(part), len(part))


class Days:
    """Days counted from the first school day, as text. A day of `NEVER` or later is written as an empty cell."""

    def __init__(self, origin: date) -> None:
        self.origin = origin
        span = [origin + timedelta(days=k) for k in range(_EARLIEST, _LATEST)]
        self._iso = strings([*(d.isoformat() for d in span), ""])
        self._us = strings([*(d.strftime("%m/%d/%Y") for d in span), ""])

    def at(self, day: int) -> date:
        """The date of a day's number."""
        return self.origin + timedelta(days=day)

    def number(self, day: date) -> int:
        """The number of a date."""
        return (day - self.origin).days

    def iso(self, days: NDArray[Any]) -> Any:
        """As YYYY-MM-DD."""
        return pick(self._iso, self._index(days))

    def us(self, days: NDArray[Any]) -> Any:
        """As MM/DD/YYYY."""
        return pick(self._us, self._index(days))

    def _index(self, days: NDArray[Any]) -> NDArray[np.int32]:
        wide = days.astype(np.int32)
        return np.where(wide >= NEVER, _LATEST - _EARLIEST, wide - _EARLIEST).astype(np.int32)


def write_file(path: Path, chunks: Iterable[Chunk]) -> None:
    """One plain file, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as f:
        for chunk in chunks:
            f.write(chunk)


def write_zip(path: Path, entries: Iterable[tuple[str, Iterable[Chunk]]], stamp: date) -> None:
    """A zip at the fastest compression, its entries stamped with `stamp` so that the same content is the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as package:
        for name, chunks in entries:
            info = zipfile.ZipInfo(name, (stamp.year, stamp.month, stamp.day, 22, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            # ZipFile.open takes no level, and its constructor's level is for names, not for a ZipInfo with a date of its own.
            setattr(info, "_compresslevel", 1)  # noqa: B010
            with package.open(info, "w") as f:
                for chunk in chunks:
                    f.write(chunk)
