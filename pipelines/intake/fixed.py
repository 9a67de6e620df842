"""Fixed-width files: a record is a line, a column a range of characters. Read in blocks of lines; memory is bounded by a block."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_BLOCK = 4 << 20  # characters


@dataclass(frozen=True)
class Layout:
    """`names` and `spans` (first character from 0, end exclusive; None: to the end) of all columns in the line's order.

    Characters that no width names are columns too (`characters 11-14`), so that raw loses nothing; they can be redacted under that name.
    """

    names: tuple[str, ...]
    spans: tuple[tuple[int, int | None], ...]


@dataclass(frozen=True)
class Block:
    """Lines that are not blank: a column of text each, their line numbers, what is wrong with them and their text (null where nothing is)."""

    cells: list[pa.Array]
    lines: pa.Array
    defects: pa.Array
    n_blank: int
    n_defects: int


def layout_of(widths: Mapping[str, tuple[int, int]]) -> Layout:
    """The layout of `widths` (1-based, both ends inclusive), which do not overlap."""
    names: list[str] = []
    spans: list[tuple[int, int | None]] = []
    place = 0
    for name, (first, last) in sorted(widths.items(), key=lambda item: item[1]):
        if first - 1 > place:
            names.append(f"characters {place + 1}-{first - 1}")
            spans.append((place, first - 1))
        names.append(name)
        spans.append((first - 1, last))
        place = last
    return Layout((*names, f"characters {place + 1}-"), (*spans, (place, None)))


def used_layout(path: Path, encoding: str, widths: Mapping[str, tuple[int, int]], header_row: int) -> Layout:
    """The layout without the characters between columns that are blank in every line. Raises OSError."""
    whole = layout_of(widths)
    between = {i for i, name in enumerate(whole.names) if name not in widths}
    for text in _texts(path, encoding, header_row):
        between -= {i for i in between if pc.any(pc.not_equal(pc.utf8_trim_whitespace(pc.utf8_slice_codeunits(text, *whole.spans[i])), "")).as_py()}
        if not between:
            break
    kept = [i for i in range(len(whole.names)) if i not in between]
    return Layout(tuple(whole.names[i] for i in kept), tuple(whole.spans[i] for i in kept))


def _texts(path: Path, encoding: str, header_row: int) -> Iterator[pa.Array]:
    with path.open(newline="", encoding=encoding) as stream:
        for _ in range(header_row):
            stream.readline()
        while taken := stream.readlines(_BLOCK):
            yield pa.array([line.rstrip("\r\n") for line in taken], pa.string())


def blocks(path: Path, encoding: str, layout: Layout, header_row: int) -> Iterator[Block]:
    """The lines after `header_row` (0: the file has none). Raises OSError.

    A line may end early where its last columns are blank, as many exports trim them. A last line without a line end that is shorter than all
    the others is cut off: a defect.
    """
    number, length = 0, -1  # length: of every line so far, -2 where they differ
    with path.open(newline="", encoding=encoding) as stream:
        while taken := stream.readlines(_BLOCK):
            texts = [line.rstrip("\r\n") for line in taken]
            numbers = range(number + 1, number + len(texts) + 1)
            number += len(texts)
            kept = [(n, t) for n, t in zip(numbers, texts, strict=True) if n > header_row and t.strip()]
            defects: list[str | None] = [None] * len(kept)
            is_open = taken[-1][-1] not in "\r\n"
            lengths = {len(t) for _, t in (kept[:-1] if is_open else kept)}
            if lengths:
                length = next(iter(lengths)) if len(lengths) == 1 and length in (-1, *lengths) else -2
            if is_open and kept and 0 <= len(kept[-1][1]) < length:
                defects[-1] = f"the last line ends after {len(kept[-1][1])} characters and every other after {length}: the file is cut off"
            text = pa.array([t for _, t in kept], pa.string())
            cells = [pc.utf8_slice_codeunits(text, start, stop) for start, stop in layout.spans]
            n_blank = sum(n > header_row for n in numbers) - len(kept)
            n_defects = sum(d is not None for d in defects)
            lines = pa.array(np.fromiter((n for n, _ in kept), np.int64, len(kept)))
            yield Block(cells, lines, pa.array(defects, pa.string()), n_blank, n_defects)
