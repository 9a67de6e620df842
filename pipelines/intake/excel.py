"""Excel workbooks (.xlsx and .xls): one sheet as rows of text, as a person reads it. The reader is calamine.

A workbook is someone else's zip: its entries are counted while they unpack, and how far its cells reach is seen, before the reader is let near it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.district import Intake
from pipelines.intake.examine import Examined

if TYPE_CHECKING:
    from python_calamine import CalamineWorkbook

_CHUNK = 1 << 20
_SMALL = 10 * _CHUNK  # bytes; below it a high ratio harms nobody
_OLE, _ZIP = b"\xd0\xcf\x11\xe0", b"PK\x03\x04"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")  # how a workbook with a password is kept
_SEND = "ask for it to be sent again"
_CELL = re.compile(rb'<(?:\w+:)?c\b[^>]{0,200}?\br="([A-Z]{1,3})(\d{1,7})"')
_ROW = re.compile(rb'<(?:\w+:)?row\b[^>]{0,200}?\br="(\d{1,7})"')


class WorkbookError(Exception):
    """The workbook or the sheet cannot be read; the message says what is wrong and what to do."""


def examine_workbook(path: Path, name: str, limits: Intake, setting: str) -> Examined:
    """The file's hash, and why it cannot be read ("" where it can). `setting` names the place in district.toml where the file type stands."""
    digest, n_bytes, head = hashlib.sha256(), 0, b""
    with path.open("rb") as f:
        while chunk := f.read(_CHUNK):
            head = head or chunk[:8]
            digest.update(chunk)
            n_bytes += len(chunk)
    return Examined(digest.hexdigest(), n_bytes, "", why=_unfit(path, name, head, n_bytes, limits, setting))


def _unfit(path: Path, name: str, head: bytes, n_bytes: int, limits: Intake, setting: str) -> str:
    if not head:
        return f"{name}: is empty (0 bytes); {_SEND}"
    if head.startswith(_OLE):
        if n_bytes > limits.max_workbook_bytes:
            return f"{name}: is larger than intake.max_workbook_bytes = {limits.max_workbook_bytes:,}; send it as CSV, or raise the limit"
        with path.open("rb") as f:
            if _ENCRYPTED in f.read(limits.max_workbook_bytes):
                return f"{name}: is a workbook with a password; ask for it without one"
        return ""
    if not head.startswith(_ZIP):
        return f'{name}: is not an Excel workbook; set {setting} to what it is ("csv" for comma-separated text), or ask for an .xlsx'
    try:
        with zipfile.ZipFile(path) as archive:
            return _zip_unfit(archive, name, n_bytes, limits)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, RuntimeError) as e:
        return f"{name}: the workbook is cut short or damaged ({e or 'unexpected end'}); {_SEND}"


def _zip_unfit(archive: zipfile.ZipFile, name: str, packed: int, limits: Intake) -> str:
    """Unpack every entry without keeping it. What a zip says of its sizes is not believed; nor is a sheet, of how far its cells reach."""
    entries = archive.infolist()
    if len(entries) > limits.max_entries:
        return f"{name}: holds {len(entries):,} entries, more than intake.max_entries = {limits.max_entries:,}; {_SEND}"
    names = {e.filename for e in entries}
    if "xl/workbook.bin" in names:
        return f"{name}: is a binary workbook (.xlsb); ask for it saved as .xlsx"
    if "xl/workbook.xml" not in names:
        return f"{name}: is a zip and no Excel workbook; ask for an .xlsx"
    total = 0
    for e in entries:
        columns = rows = 1
        with archive.open(e) as stream:
            tail = b""
            while chunk := stream.read(_CHUNK):
                total += len(chunk)
                if total > limits.max_workbook_bytes:
                    return f"{name}: unpacks to more than intake.max_workbook_bytes = {limits.max_workbook_bytes:,}; send it as CSV, or raise the limit"
                if total > max(_SMALL, limits.max_ratio * packed):
                    return f"{name}: unpacks to over {limits.max_ratio} times its size (intake.max_ratio); {_SEND}"
                if e.filename.startswith("xl/worksheets/"):
                    text = tail + chunk
                    columns = max(columns, max((_number(c) for c, _ in _CELL.findall(text)), default=1))
                    rows = max(rows, max((int(r) for r in _ROW.findall(text)), default=1), max((int(r) for _, r in _CELL.findall(text)), default=1))
                    tail = text[-300:]
        if rows * columns > limits.max_workbook_cells:
            return (
                f"{name}: the cells of {e.filename} reach over {rows:,} rows and {columns:,} columns, more than intake.max_workbook_cells ="
                f" {limits.max_workbook_cells:,}; delete what stands far outside the data, or send it as CSV"
            )
    return ""


def _number(letters: bytes) -> int:
    """A column's number: A is 1, XFD is 16384."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


@contextmanager
def open_workbook(path: Path) -> Iterator[CalamineWorkbook]:
    """The workbook, which `examine_workbook` found fit. Raises WorkbookError without the file's name."""
    from python_calamine import PasswordError, load_workbook

    try:
        book = load_workbook(path)
    except PasswordError as e:
        raise WorkbookError("is a workbook with a password; ask for it without one") from e
    except BaseException as e:
        raise _damaged(e) from e
    try:
        yield book
    finally:
        book.close()


def _damaged(error: BaseException) -> BaseException:
    if isinstance(error, (KeyboardInterrupt, SystemExit, MemoryError)):
        return error
    return WorkbookError(f"the workbook is damaged ({type(error).__name__}); {_SEND}")


def sheet_names(book: CalamineWorkbook) -> list[str]:
    """Worksheets in the workbook's order, hidden ones left out."""
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    return [s.name for s in book.sheets_metadata if s.typ == SheetTypeEnum.WorkSheet and s.visible == SheetVisibleEnum.Visible]


def rows_of(book: CalamineWorkbook, sheet: str) -> list[list[Any]]:
    """All rows of a sheet from its row 1, values as the reader has them. Raises WorkbookError."""
    try:
        return list(book.get_sheet_by_name(sheet).to_python(skip_empty_area=False))
    except BaseException as e:
        raise _damaged(e) from e


def choose_sheet(book: CalamineWorkbook, wanted: str | int | None, setting: str) -> tuple[str, list[list[Any]], list[str]]:
    """Name, rows and warnings of the sheet that `wanted` names (1 is the first), or of the first with data. Raises WorkbookError."""
    names = sheet_names(book)
    if isinstance(wanted, int):
        if not 1 <= wanted <= len(names):
            raise WorkbookError(f"has {len(names)} sheets and no sheet {wanted}; set {setting}")
        return names[wanted - 1], rows_of(book, names[wanted - 1]), []
    if wanted is not None:
        found = next((n for n in names if n.strip().casefold() == wanted.strip().casefold()), None)
        if found is None:
            raise WorkbookError(f"has no sheet {wanted!r}, but {', '.join(repr(n) for n in names)}; set {setting}")
        return found, rows_of(book, found), []
    filled = [n for n in names if any(any(c != "" for c in row) for row in rows_of(book, n))]
    if not filled:
        raise WorkbookError(f"holds no data in any sheet; {_SEND}")
    others = [f"several_sheets: {filled[0]!r} is read and {', '.join(repr(n) for n in filled[1:])} not; set {setting} to say which"] if filled[1:] else []
    return filled[0], rows_of(book, filled[0]), others


def text_of(value: Any) -> str:
    """A cell as a person reads it: 66.0 is `66`, a date ISO, true `TRUE`. At most the 15 digits that a spreadsheet keeps."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        plain = format(Decimal(f"{value:.15g}"), "f")
        return plain.rstrip("0").rstrip(".") if "." in plain else plain
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(" ", "seconds")
    return value.isoformat() if isinstance(value, (dt.date, dt.time)) else str(value)


def records(rows: Sequence[Sequence[Any]], header_row: int, width: int, blank: Callable[[], None]) -> Iterator[tuple[int, list[str]]]:
    """The sheet's row number and the texts of every row after the header that is not blank; `blank` is called for each that is."""
    for number, row in enumerate(rows[header_row:], start=header_row + 1):
        cells = [text_of(v) for v in row[:width]]
        if any(c.strip() for c in cells):
            yield number, cells + [""] * (width - len(cells))
        else:
            blank()


def header_of(rows: Sequence[Sequence[Any]], header_row: int) -> list[str]:
    """The header's texts, as wide as the widest row that holds anything; a sheet without a header row numbers its columns."""
    width = max((i + 1 for row in rows for i, v in enumerate(row) if v != ""), default=0)
    head = [text_of(v) for v in rows[header_row - 1][:width]] if 0 < header_row <= len(rows) else []
    return head + [""] * (width - len(head))
