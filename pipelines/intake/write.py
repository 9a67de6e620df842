"""Writing one text file as lossless raw Parquet: every cell as text, with the delivery, the file and the line that it came from.

A CSV file is read by pyarrow in blocks where a record is a line (with ragged lines set aside, at a second attempt); anything else (line breaks
in cells, blank lines, stray quotation marks) is read record by record (`exact.py`). Memory is bounded by a row group, not by the file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from pipelines.district import Source
from pipelines.intake import exact, excel, fixed, jsonlines
from pipelines.intake.columns import PROVENANCE, Columns, columns_of, hiding
from pipelines.intake.examine import Examined
from pipelines.intake.secret import is_telling
from pipelines.intake.shield import Shield

GROUP_ROWS = 131_072
GROUP_BYTES = 64 << 20  # a row group is closed early where rows are wide
_BLOCK = 4 << 20
_DICTIONARY = 128 << 10  # bytes of different values until a column of a row group is written plain: ids never repeat, and their dictionary is work for nothing
_TAIL = 1 << 16  # bytes
_BATCH = 8_192  # records gathered in Python at a time
_BATCH_CELLS = 2_000_000
_BATCH_CHARS = 16_000_000
_MAX_ASIDE = 50_000  # ragged lines held at a time; a file with more is read record by record
_MAX_ASIDE_CHARS = 16_000_000
_MAX_BLANK = 1_000_000  # blank lines whose places are remembered
_MAX_NAME = 1_000  # characters of a column's name


@dataclass(frozen=True)
class Written:
    """What reached the Parquet file. `why` is "" unless the file must not be used (its raw copy is then kept only where `columns` are given)."""

    columns: tuple[str, ...] = ()
    n_rows: int = 0
    why: str = ""
    warnings: tuple[str, ...] = ()
    header: tuple[str, ...] = ()  # as delivered, redacted columns included


@dataclass
class _Raw:
    """The Parquet file being written."""

    target: Path
    columns: Columns
    delivery_id: str
    name: str
    n_rows: int = 0
    n_defects: int = 0
    n_blank: int = 0  # lines passed over
    _batches: list[pa.RecordBatch] = field(default_factory=list)
    _waiting_rows: int = 0
    _waiting_bytes: int = 0
    _writing: Future[None] | None = None

    def __post_init__(self) -> None:
        same = pa.dictionary(pa.int32(), pa.string())  # one value throughout; stored as plain text all the same
        kinds = {"_line": pa.int64(), "_delivery_id": same, "_file": same}
        self.kept = tuple(self.columns.names[i] for i in self.columns.kept)
        self.schema = pa.schema([(n, kinds.get(n, pa.string())) for n in (*self.kept, *PROVENANCE)])
        self._thread = ThreadPoolExecutor(1)
        self._writer = pq.ParquetWriter(
            self.target,
            self.schema,
            compression="zstd",
            compression_level=1,
            store_schema=False,
            use_dictionary=[n for n in self.schema.names if n != "_line"],
            column_encoding={"_line": "DELTA_BINARY_PACKED"},
            dictionary_pagesize_limit=_DICTIONARY,
            write_statistics=["_line"],
        )

    def add(self, cells: Sequence[pa.Array], lines: pa.Array, defects: pa.Array | None = None, texts: pa.Array | None = None) -> None:
        n = len(lines)
        nothing = pa.nulls(n, pa.string())
        stamp = [_repeat(self.delivery_id, n), _repeat(self.name, n), lines]
        batch = pa.record_batch([*cells, *stamp, nothing if defects is None else defects, nothing if texts is None else texts], schema=self.schema)
        self.n_rows += n
        self._batches.append(batch)
        self._waiting_rows += n
        self._waiting_bytes += batch.nbytes
        if self._waiting_rows >= GROUP_ROWS or self._waiting_bytes >= GROUP_BYTES:
            self._flush()

    def add_rows(self, rows: Iterable[tuple[exact.Record, list[str | None]]]) -> None:
        """Rows from the record-by-record readers. The text of a defect is kept only where nothing had to be redacted."""
        batch: list[tuple[exact.Record, list[str | None]]] = []
        most = max(1, min(_BATCH, _BATCH_CELLS // max(1, len(self.kept))))
        chars = 0
        for row in rows:
            batch.append(row)
            chars += len(row[0].text) + sum(map(len, filter(None, row[1])))
            if len(batch) >= most or chars >= _BATCH_CHARS:
                self._add_batch(batch)
                batch, chars = [], 0
        if batch:
            self._add_batch(batch)

    def _add_batch(self, rows: list[tuple[exact.Record, list[str | None]]]) -> None:
        cells = [pa.array(column, pa.string()) for column in zip(*(values for _, values in rows), strict=True)]
        hidden = "; its text and some cells are left out, as they may hold a redacted column" if self.columns.is_private else ""
        telling = "; its text is left out, as it may hold a secret"
        hiding = [hidden or (telling if r.text and is_telling(r.text) else "") if r.defect else "" for r, _ in rows]
        defects = [r.defect + h if r.defect else None for (r, _), h in zip(rows, hiding, strict=True)]
        texts = [r.text if r.defect and not h else None for (r, _), h in zip(rows, hiding, strict=True)]
        self.n_defects += sum(d is not None for d in defects)
        self.add(cells, pa.array([r.line for r, _ in rows], pa.int64()), pa.array(defects, pa.string()), pa.array(texts, pa.string()))

    def _flush(self) -> None:
        """Hand a row group to the writing thread, once that has finished the one before: reading and writing overlap, two groups at most."""
        self._finish_group()
        if self._batches:
            table = pa.Table.from_batches(self._batches, self.schema)
            self._writing = self._thread.submit(self._writer.write_table, table, row_group_size=GROUP_ROWS)
        self._batches, self._waiting_rows, self._waiting_bytes = [], 0, 0

    def _finish_group(self) -> None:
        writing, self._writing = self._writing, None
        if writing is not None:
            writing.result()

    def close(self) -> None:
        try:
            self._flush()
            self._finish_group()
        finally:
            self._thread.shutdown()
            self._writer.close()


def _repeat(text: str, n: int) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(n, dtype=np.int32)), pa.array([text]))


@contextmanager
def _raw(target: Path, columns: Columns, delivery_id: str, name: str) -> Iterator[_Raw]:
    raw = _Raw(target, columns, delivery_id, name)
    try:
        yield raw
    finally:
        raw.close()


def write_raw(
    path: Path, target: Path, name: str, delivery_id: str, source: Source, examined: Examined, redacted: Iterable[str], shield: Shield | None = None
) -> Written:
    """Write the file at `path`, which `examine` found readable, to `target` (a temporary name; `settle` makes it lasting).

    `name` is what errors and `_file` call it. Columns in `redacted` are dropped; a `shield` says what else must not reach raw. Raises OSError.
    """
    secret = tuple(redacted)
    if source.file_type == "csv":
        return _write_csv(path, target, name, delivery_id, source, examined, secret, shield)
    writers = {"jsonl": _write_json, "json": _write_json, "fixed": _write_fixed, "excel": _write_excel}
    return writers[source.file_type](path, target, name, delivery_id, source, examined, secret)


def settle(temporary: Path, lasting: Path) -> None:
    """Give a finished file its lasting name, so that a kill leaves either the whole file there or none."""
    lasting.parent.mkdir(parents=True, exist_ok=True)
    with temporary.open("rb+") as f:
        os.fsync(f.fileno())
    temporary.replace(lasting)
    if os.name == "posix":
        folder = os.open(lasting.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _write_csv(
    path: Path, target: Path, name: str, delivery_id: str, source: Source, examined: Examined, redacted: tuple[str, ...], shield: Shield | None
) -> Written:
    with path.open(newline="", encoding=examined.encoding) as stream:
        lines = exact.Lines(stream, examined.limits)
        try:
            header = exact.read_header(lines, source.delimiter)
        except exact.RecordTooLong as e:
            return Written(why=_too_long(name, e, examined))
        if why := _unfit_header(header, name, lines.number, examined):
            return Written(why=why)
        one_line_header = lines.number == 1
        records = exact.records(lines, source.delimiter, len(header))
        columns = shield.columns(header, redacted, records) if shield else columns_of(header, redacted, source.keep)
    warnings = [*columns.warnings, *(shield.words() if shield else _redactions(columns)), *_other_delimiter(header, source)]
    one_line_header = one_line_header and not (shield and shield.is_by_row)
    read = False
    for ragged in (False, True):
        if one_line_header and not read:
            with _raw(target, columns, delivery_id, name) as raw:
                read = _by_blocks(path, raw, columns, examined, source.delimiter, ragged)
    if not read:
        with _raw(target, columns, delivery_id, name) as raw, path.open(newline="", encoding=examined.encoding) as stream:
            lines = exact.Lines(stream, examined.limits)
            exact.read_header(lines, source.delimiter)
            found = exact.records(lines, source.delimiter, len(columns.names))
            try:
                raw.add_rows(map(columns.place, shield.rows(found) if shield else found))
            except exact.RecordTooLong as e:
                return Written(why=_too_long(name, e, examined))
            raw.n_blank = lines.blank
    warnings += _defects(raw)
    why = ""
    if columns.duplicates:
        why = f"{name}, line 1: the header names a column twice: {'; '.join(columns.duplicates)}; name each column once and send the file again"
    return Written(raw.kept, raw.n_rows, why, tuple(warnings), tuple(header))


def _too_long(name: str, error: exact.RecordTooLong, examined: Examined) -> str:
    most = f"intake.max_line_chars = {examined.limits.max_line_chars:,}"
    return f"{name}, line {error.line}: a record begins here that is longer than {most}; see whether a quotation mark was never closed, and send it again"


def _unfit_header(header: Sequence[str], name: str, line: int, examined: Examined) -> str:
    most = examined.limits.max_columns
    if len(header) > most:
        return f"{name}, line {line}: the header has {len(header):,} columns, more than intake.max_columns = {most:,}; raise it if that is right"
    if long := next((i for i, cell in enumerate(header, start=1) if len(cell) > _MAX_NAME), 0):
        return f"{name}, line {line}: the name of column {long} is longer than {_MAX_NAME:,} characters; the first line must be the header"
    return ""


def _by_blocks(path: Path, raw: _Raw, columns: Columns, examined: Examined, delimiter: str, ragged: bool) -> bool:
    """Read with pyarrow; False, with nothing of use written, where a record is not a line throughout.

    With `ragged`, blank lines are passed over and lines with too few or too many cells set aside and added, as defects, after the block that they
    stand in; it is slower, as pyarrow then counts lines.
    """
    if examined.n_lines == 1:
        return True
    if not columns.kept or not examined.is_plain or not _ends_closed(path, examined, delimiter):
        return False
    blank = _blank_lines(path, examined) if ragged else np.empty(0, dtype=np.int64)
    if len(blank) > _MAX_BLANK:
        return False
    before = blank - np.arange(len(blank))  # pyarrow does not count blank lines: how many stand before its line n?
    aside: list[exact.Record] = []
    aside_chars = 0

    def set_aside(row: pacsv.InvalidRow) -> str:
        nonlocal aside_chars
        record = exact.one_line(row.number, row.text, delimiter, len(columns.names))
        aside_chars += len(row.text)
        if not record.defect or len(aside) >= _MAX_ASIDE or aside_chars > _MAX_ASIDE_CHARS:
            return "error"
        aside.append(record)
        return "skip"

    def add_aside(found: Sequence[exact.Record]) -> None:
        places = [int(r.line + np.searchsorted(before, r.line, "right")) for r in found]
        raw.add_rows((r._replace(line=place), columns.safe_cells(r.cells)) for r, place in zip(found, places, strict=True))

    next_line = 2
    try:
        with pa.OSFile(str(path)) as source:
            for batch in _reader(source, raw, columns, examined, delimiter, set_aside if ragged else None):
                lines = np.arange(next_line, next_line + batch.num_rows + len(aside), dtype=np.int64)
                if aside:
                    lines = lines[~np.isin(lines, [r.line for r in aside])][: batch.num_rows]
                if len(lines):
                    next_line = int(lines[-1]) + 1
                    raw.add(batch.columns, pa.array(lines + np.searchsorted(before, lines, "right") if len(blank) else lines))
                passed = [r for r in aside if r.line < next_line]
                add_aside(passed)
                del aside[: len(passed)]
                aside_chars -= sum(len(r.text) for r in passed)
    except pa.ArrowInvalid:
        return False
    add_aside(aside)
    raw.n_blank = len(blank)
    return raw.n_rows + len(blank) == examined.n_lines - 1


def _reader(
    source: pa.NativeFile, raw: _Raw, columns: Columns, examined: Examined, delimiter: str, set_aside: Callable[[pacsv.InvalidRow], str] | None
) -> pacsv.CSVStreamingReader:
    """All cells as text, blocks cut where records end: with quotation marks in the file that has to be looked for (`newlines_in_values`), else at a line's."""
    encoding = "utf8" if examined.encoding == "utf-8-sig" else examined.encoding
    return pacsv.open_csv(
        source,
        pacsv.ReadOptions(block_size=_BLOCK, skip_rows=1, column_names=list(columns.names), encoding=encoding, use_threads=set_aside is None),
        pacsv.ParseOptions(delimiter=delimiter, newlines_in_values=examined.has_quotes, invalid_row_handler=set_aside),
        pacsv.ConvertOptions(check_utf8=False, column_types={n: pa.string() for n in columns.names}, strings_can_be_null=False, include_columns=list(raw.kept)),
    )


def _ends_closed(path: Path, examined: Examined, delimiter: str) -> bool:
    """Whether the last line closes its quotation marks: one that is cut short does not, and pyarrow would not say so."""
    with path.open("rb") as f:
        f.seek(max(0, examined.n_bytes - _TAIL))
        lines = re.split("[\r\n]+", f.read().decode(examined.encoding.replace("-sig", ""), "ignore").rstrip("\r\n"))
    return len(lines) > 1 and exact.is_closed(lines[-1], delimiter)


def _blank_lines(path: Path, examined: Examined) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The numbers of the lines with nothing on them, no further than where they are more than `_MAX_BLANK`."""
    with path.open(newline="", encoding=examined.encoding) as stream:
        found = (n for n, line in enumerate(stream, start=1) if line in ("\n", "\r\n", "\r"))
        return np.fromiter(islice(found, _MAX_BLANK + 1), dtype=np.int64)


def _write_json(path: Path, target: Path, name: str, delivery_id: str, source: Source, examined: Examined, redacted: tuple[str, ...]) -> Written:
    hides, limits, most = hiding(redacted, source.keep), examined.limits, examined.limits.max_columns
    with path.open(newline="", encoding=examined.encoding) as stream:
        if source.file_type == "jsonl" and jsonlines.is_list(stream):
            return Written(why=f"{name}, line 1: is one JSON list; one JSON object a line is needed (or set file_type = 'json')")
        try:
            paths = jsonlines.all_paths(stream, hides, limits)
        except jsonlines.ListError as e:
            return Written(why=f"{name}, {e}; ask for it to be sent again")
    if len(paths) > most:
        return Written(why=f"{name}: holds more different names than intake.max_columns = {most:,}; if ids are used as names, send them as values")
    if any(len(p) > _MAX_NAME for p in paths):
        return Written(why=f"{name}: holds a name, or names within each other, of more than {_MAX_NAME:,} characters; send plain objects")
    columns = columns_of(paths, redacted, source.keep)
    columns = replace(columns, about_people=bool(redacted))  # what cannot be read may hold what is redacted, though no record that can be read has it
    kept = [paths[i] for i in columns.kept]
    with _raw(target, columns, delivery_id, name) as raw, path.open(newline="", encoding=examined.encoding) as stream:
        raw.add_rows(jsonlines.records(stream, kept, hides, limits))
    warnings = [*columns.warnings, *_redactions(columns), *_defects(raw)]
    warnings += [f"same_name: {d}, but for its case" for d in columns.duplicates]
    return Written(raw.kept, raw.n_rows, "", tuple(warnings), tuple(paths))


def _write_fixed(path: Path, target: Path, name: str, delivery_id: str, source: Source, examined: Examined, redacted: tuple[str, ...]) -> Written:
    header_row = source.header_row or 0
    layout = fixed.used_layout(path, examined.encoding, source.widths, header_row)
    columns = columns_of(layout.names, redacted, source.keep)
    with _raw(target, columns, delivery_id, name) as raw:
        for block in fixed.blocks(path, examined.encoding, layout, header_row):
            raw.n_blank += block.n_blank
            raw.n_defects += block.n_defects
            raw.add([block.cells[i] for i in columns.kept], block.lines, block.defects)
    return Written(raw.kept, raw.n_rows, "", (*_redactions(columns), *_defects(raw)), layout.names)


def _write_excel(path: Path, target: Path, name: str, delivery_id: str, source: Source, examined: Examined, redacted: tuple[str, ...]) -> Written:
    header_row = 1 if source.header_row is None else source.header_row
    place = f"sheet of source {source.id} in district.toml"
    try:
        with excel.open_workbook(path) as book:
            sheet, rows, warnings = excel.choose_sheet(book, source.sheet, place)
    except excel.WorkbookError as e:
        return Written(why=f"{name}: {e}")
    header = excel.header_of(rows, header_row)
    if not header or (not any(h.strip() for h in header) and header_row):
        remedy = f"set header_row or {place}"
        return Written(why=f"{name}, row {header_row} of sheet {sheet!r}: holds no column names; {remedy}")
    columns = columns_of(header, redacted, source.keep)
    with _raw(target, columns, delivery_id, name) as raw:

        def blank() -> None:
            raw.n_blank += 1

        found = excel.records(rows, header_row, len(columns.names), blank)
        raw.add_rows((exact.Record(number, cells), [cells[i] for i in columns.kept]) for number, cells in found)
    unnamed = [] if header_row == 0 else columns.warnings
    why = ""
    if columns.duplicates:
        why = f"{name}, row {header_row} of sheet {sheet!r}: names a column twice: {'; '.join(columns.duplicates)}; name each column once"
    return Written(raw.kept, raw.n_rows, why, (*warnings, *unnamed, *_redactions(columns), *_defects(raw)), tuple(header))


def _redactions(columns: Columns) -> list[str]:
    return [f"redacted: {', '.join(columns.dropped)} not kept"] if columns.dropped else []


def _defects(raw: _Raw) -> list[str]:
    blank = [f"blank_lines: {raw.n_blank:,} passed over"] if raw.n_blank else []
    return blank + ([f"defects: {raw.n_defects:,} of {raw.n_rows:,} lines are not well formed"] if raw.n_defects else [])


def _other_delimiter(header: Sequence[str], source: Source) -> list[str]:
    if len(header) != 1:
        return []
    likely = max(";\t|,", key=header[0].count)
    if likely == source.delimiter or likely not in header[0]:
        return []
    remedy = f"set delimiter of source {source.id} in district.toml if that divides the columns"
    return [f"delimiter: the header is one cell and holds {likely!r}; {remedy}"]
