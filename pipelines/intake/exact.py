"""The exact way through a CSV file: one record at a time, with the line where it starts, whatever is wrong with it."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import IO, NamedTuple

from pipelines.district import Intake

BOM = "\ufeff"
_DEFAULTS = Intake()
_LINE_COST = 64  # characters that a line counts for besides its own: memory is what is bounded


class Record(NamedTuple):
    """One record. `line` is the physical line (from 1) where it starts; `text` is its text as delivered, given where `defect` is not "".

    `inside` says that it may be no record but part of a cell with line breaks, of a record above that had the wrong number of cells.
    """

    line: int
    cells: list[str]
    defect: str = ""
    text: str = ""
    inside: bool = False


class RecordTooLong(Exception):
    """A record that begins in `line` goes on over more characters than a line may have."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


class Lines:
    """Physical lines (ended by LF, CRLF or CR, kept as they are) that can be given back. `blank` counts lines passed over.

    A byte-order mark within the file is left out. Raises RecordTooLong where the lines taken since `start` exceed the limit of a record.
    """

    def __init__(self, stream: IO[str], limits: Intake = _DEFAULTS) -> None:
        self._stream = stream
        self._record_limit = limits.max_line_chars
        self._size = 0  # characters taken since `start`
        self.cell_limit = limits.max_cell_chars
        csv.field_size_limit(self.cell_limit)  # the csv module has one for the whole process
        self._back: list[str] = []
        self.number = 0  # of the last line taken
        self.taken: list[str] = []  # since `start`
        self.ended = False
        self.blank = 0

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        line = self._back.pop() if self._back else self._stream.readline()
        if not line:
            self.ended = True
            raise StopIteration
        if BOM in line:
            line = line.replace(BOM, "")
        self.number += 1
        self._size += len(line) + _LINE_COST
        if self.taken and self._size > self._record_limit:
            raise RecordTooLong(self.number - len(self.taken))
        self.taken.append(line)
        return line

    def start(self) -> None:
        self.taken, self._size = [], 0

    def keep_first(self) -> str:
        """Give all lines back but the first since `start`, and return that one."""
        first, rest = self.taken[0], self.taken[1:]
        self._back += reversed(rest)
        self.number -= len(rest)
        self.taken, self.ended, self._size = [first], False, len(first)
        return first


def read_header(lines: Lines, delimiter: str) -> list[str]:
    """The first record that is not blank; its cells may hold line breaks. An unreadable header gives its first line as it stands."""
    reader = csv.reader(lines, delimiter=delimiter)
    while True:
        lines.start()
        try:
            cells = next(reader, None)
        except csv.Error:
            return [lines.keep_first().rstrip("\r\n")]
        if cells is None:
            return []
        if len(lines.taken) > 1 and (lines.ended or not _is_strict(lines.taken, delimiter)):  # a quotation mark never closed, or by one in the data
            return [lines.keep_first().rstrip("\r\n")]
        if cells:
            return cells
        lines.blank += 1


def records(lines: Lines, delimiter: str, width: int) -> Iterator[Record]:
    """The records after the header, each with as many cells as it has.

    A record that spans lines and does not fit the header is taken for a stray quotation mark: its first line alone is the defect and reading
    goes on with the next, so that one bad cell cannot swallow the lines after it.
    """
    reader = csv.reader(lines, delimiter=delimiter)
    inside_to = 0
    while True:
        lines.start()
        line = lines.number + 1
        inside = line <= inside_to
        unclosed = f"a quotation mark is opened and not closed within {lines.cell_limit:,} characters"
        try:
            cells = next(reader, None)
        except csv.Error:
            yield _cut(lines, line, delimiter, unclosed)._replace(inside=inside)
            continue
        if cells is None:
            return
        if lines.ended or (len(lines.taken) > 1 and (len(cells) != width or not _is_strict(lines.taken, delimiter))):
            if not lines.ended:
                inside_to = max(inside_to, lines.number)
            yield _cut(lines, line, delimiter, "a quotation mark is opened and not closed")._replace(inside=inside)
        elif not cells:
            lines.blank += 1
        elif len(cells) != width:
            yield Record(line, cells, _ragged(cells, width), "".join(lines.taken).rstrip("\r\n"), inside)
        else:
            yield Record(line, cells, inside=inside)


def one_line(line: int, text: str, delimiter: str, width: int) -> Record:
    """The record that is the whole of one line."""
    cells = next(csv.reader([text], delimiter=delimiter), [])
    return Record(line, cells, _ragged(cells, width) if len(cells) != width else "", text)


def is_closed(text: str, delimiter: str) -> bool:
    """Whether one line closes the quotation marks that it opens; False too where they stand in odd places."""
    return _is_strict([text], delimiter)


def _is_strict(lines: list[str], delimiter: str) -> bool:
    """Whether the quotation marks of a record all begin and end a cell."""
    try:
        next(csv.reader(lines, delimiter=delimiter, strict=True), None)
    except csv.Error:
        return False
    return True


def _ragged(cells: list[str], width: int) -> str:
    return f"{len(cells)} cell{'' if len(cells) == 1 else 's'} where the header has {width}"


def _cut(lines: Lines, line: int, delimiter: str, defect: str) -> Record:
    text = lines.keep_first().rstrip("\r\n")
    if len(text) > lines.cell_limit:
        return Record(line, [], f"a cell is longer than {lines.cell_limit:,} characters (intake.max_cell_chars)", text)
    return Record(line, next(csv.reader([text], delimiter=delimiter), []), defect, text)
