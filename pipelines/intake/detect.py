"""What kind of file lies here: file type, encoding, delimiter or widths, as the settings of a source would say it.

Belongs here: looking at the beginning of one file for the map wizard. The night never guesses: it reads a file as its source says.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

from pipelines.intake.examine import examine

_LINES = 500
_DELIMITERS = ",\t;|"
_ENOUGH = 0.9  # share of lines with as many cells as most have


class DetectError(Exception):
    """The file cannot be read, whatever the settings; the message says why."""


def detect(path: Path) -> dict[str, Any]:
    """Settings of a source that reads the file: file_type, and encoding, delimiter, widths and header_row where they are not the usual ones.

    Raises DetectError, OSError.
    """
    with path.open("rb") as f:
        head = f.read(8)
    if head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        return {"file_type": "excel"}
    found: dict[str, Any] = {}
    examined = examine(path, path.name, "utf-8", "encoding")
    if "is not utf-8" in examined.why:
        found["encoding"] = "cp1252"
        examined = examine(path, path.name, "cp1252", "encoding")
        if "is not cp1252" in examined.why:
            found["encoding"] = "latin-1"
            examined = examine(path, path.name, "latin-1", "encoding")
    if examined.why:
        raise DetectError(examined.why)
    with path.open(newline="", encoding=codecs.lookup(examined.encoding).name) as f:
        lines = [line for line in islice(f, _LINES) if line.strip()]
    if lines[0].lstrip().startswith("{"):
        return {"file_type": "jsonl", **found}
    if delimiter := _delimiter(lines):
        return {**found, **({} if delimiter == "," else {"delimiter": delimiter})}
    if widths := _widths(lines):
        return {"file_type": "fixed", **widths, **found}
    return found


def _delimiter(lines: list[str]) -> str:
    """The sign that cuts nearly all lines into the same number of cells, more than one; "" where none does."""
    best, most = "", 1
    for sign in _DELIMITERS:
        try:
            counts = Counter(len(row) for row in csv.reader(lines, delimiter=sign) if row)
        except csv.Error:
            continue
        (width, n), total = counts.most_common(1)[0], sum(counts.values())
        if width > most and n >= _ENOUGH * total:
            best, most = sign, width
    return best


def _widths(lines: list[str]) -> dict[str, Any]:
    """Columns that begin after characters which are blank in every line but the first; their names from a first line that has no digit and a name
    over each. Columns that touch cannot be told apart.
    """
    first, *texts = (line.rstrip("\r\n") for line in lines)
    length = max(map(len, texts), default=0)
    inked = "".join("x" if any(i < len(t) and t[i] != " " for t in texts) else " " for i in range(length))
    starts = [m.start() for m in re.finditer("x+", inked)]
    if len(starts) < 2:
        return {}
    spans = list(zip(starts, [*starts[1:], max(length, len(first))], strict=True))
    head = [first[a:b].strip() for a, b in spans]
    is_header = all(head) and len(set(head)) == len(head) and not any(c.isdigit() for c in first)
    names = head if is_header else [f"column_{i}" for i in range(1, len(spans) + 1)]
    return {"widths": {n: [a + 1, b] for n, (a, b) in zip(names, spans, strict=True)}, **({"header_row": 1} if is_header else {})}
