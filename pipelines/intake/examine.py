"""One pass over a text file before anything is taken from it: its hash, its encoding, its lines, and whether it can be read at all."""

from __future__ import annotations

import codecs
import hashlib
import sys
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.district import Intake
from pipelines.intake.signs import Signs, first_long_line, run_at_end

_CHUNK = 1 << 20
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_MAGIC = (
    (b"PK\x03\x04", "an Excel workbook or a zip, not a text file", 'export it as CSV, or set file_type = "excel" for its source in district.toml'),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook, not a text file", 'export it as CSV, or set file_type = "excel" for its source in district.toml'),
    (b"%PDF", "a PDF, not a text file", "export the data as CSV"),
    (b"\x1f\x8b", "compressed with gzip", "deliver it uncompressed"),
    (b"BZh91AY&SY", "compressed with bzip2", "deliver it uncompressed"),
    (b"\xfd7zXZ", "compressed with xz", "deliver it uncompressed"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", "deliver it uncompressed"),
    (b"7z\xbc\xaf", "a 7z archive", "deliver the file itself"),
    (b"Rar!\x1a", "a rar archive", "deliver the file itself"),
    (b"PAR1", "a Parquet file, not a text file", "export the data as CSV"),
    (b"{\\rtf", "a word processor's document (RTF), not a text file", "export the data as CSV"),
)
_SEND = "ask for it to be sent again"
_DEFAULTS = Intake()


@dataclass(frozen=True)
class Examined:
    """What the pass found. `encoding` is a Python codec that skips a byte-order mark. `why` is "" where the file can be read."""

    sha256: str
    n_bytes: int
    encoding: str
    n_lines: int = 0
    why: str = ""
    warnings: tuple[str, ...] = ()
    is_plain: bool = True  # no line is longer than a cell may be, and no byte-order mark stands within the file
    has_quotes: bool = True  # a quotation mark stands somewhere in it
    limits: Intake = field(default_factory=Intake)


def line_breaks(text: str, after_cr: bool = False) -> int:
    """Physical line ends (LF, CRLF or CR) in `text`; `after_cr` says that the text before it ended with CR."""
    breaks = text.count("\n")
    if "\r" in text:
        breaks += text.count("\r") - text.count("\r\n")
    return breaks - (after_cr and text.startswith("\n"))


def examine(path: Path, name: str, encoding: str, setting: str, limits: Intake = _DEFAULTS, *, is_json: bool = False) -> Examined:
    """Read the whole file once, in pieces of 1 MiB. `setting` names the place in district.toml that `encoding` comes from.

    Whoever reads the file afterwards may take whole lines into memory: none is longer than `limits` allows where `why` is "".
    `is_json`: a file of nothing but a byte-order mark or blank lines says that there is nothing (a file of 0 bytes says nothing at all), and a list may
    stand on one line: its reader takes an item at a time.

    Never raises for what is in the file: `why` then says what is wrong, in which line, and what to do. Raises OSError.
    """
    digest, n_bytes, n_lines = hashlib.sha256(), 0, 0
    after_cr, at_line_start, blank, is_plain, has_quotes, run = False, True, True, True, False, 0
    with path.open("rb") as f:
        head = f.read(_CHUNK)
        codec = next((c for bom, c in _BOMS if head.startswith(bom)), _codec(encoding))
        why = _not_text(head, name)
        if not why and not codec:
            why = f"{name}: encoding {encoding!r} is not known; set {setting} to one such as 'utf-8' or 'cp1252'"
        most_chars = sys.maxsize if is_json and head.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"[") else limits.max_line_chars
        signs = Signs(codec, setting)
        decoder = codecs.getincrementaldecoder(codec or "utf-8")("strict")
        chunk, more = head, True
        while more:
            digest.update(chunk)
            n_bytes += len(chunk)
            following = f.read(_CHUNK)
            more = bool(following)
            if not why:
                try:
                    text = decoder.decode(chunk, final=not more)
                except UnicodeDecodeError as e:
                    good = e.object[: e.start].decode(codec, "ignore")
                    why = _undecodable(name, n_lines + line_breaks(good, after_cr) + 1, e, encoding if codec == "utf-8-sig" else codec, setting)
                    text = ""
                if "\0" in text:
                    line = n_lines + line_breaks(text[: text.index("\0")], after_cr) + 1
                    why = f"{name}, line {line}: holds a NUL character ({_utf16(head, setting)}); {_SEND}, as UTF-8"
                elif (long := first_long_line(text, run, most_chars)) >= 0:
                    line = n_lines + line_breaks(text[:long], after_cr) + 1
                    most = f"intake.max_line_chars = {limits.max_line_chars:,}"
                    why = f"{name}, line {line}: is longer than {most}; a file has a line a record: {_SEND}, or raise the limit if that is right"
                is_plain = is_plain and first_long_line(text, run, limits.max_cell_chars) < 0
                has_quotes = has_quotes or '"' in text
                run = run_at_end(text, run)
                signs.look(text, n_lines + 1)
                n_lines += line_breaks(text, after_cr)
                if text:
                    after_cr, at_line_start = text[-1] == "\r", text[-1] in "\r\n"
                    blank = blank and not text.strip()
            chunk = following
    n_lines += not at_line_start
    if not why and blank and not is_json:
        why = f"{name}, line 1: holds no header, only blank lines; {_SEND}"
    is_plain = is_plain and not signs.has_inner_bom
    return Examined(digest.hexdigest(), n_bytes, codec or "utf-8", n_lines, why, signs.warnings(), is_plain, has_quotes, limits)


def _codec(encoding: str) -> str:
    """The codec for a configured encoding, or "" where Python knows no such text encoding."""
    try:
        "".encode(encoding)
    except LookupError:
        return ""
    known = codecs.lookup(encoding).name
    return "utf-8-sig" if known == "utf-8" else known


def _not_text(head: bytes, name: str) -> str:
    if not head:
        return f"{name}: is empty (0 bytes); {_SEND}"
    for magic, what, remedy in _MAGIC:
        if head.startswith(magic):
            return f"{name}: is {what}; {remedy}"
    start = head.removeprefix(codecs.BOM_UTF8).lstrip()[:200].lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<head", b"<body", b"<table", b"<meta", b"<!--")):
        return f"{name}, line 1: is a web page (HTML or XML), not data, as when a download needed a login; {_SEND}"
    return ""


def _utf16(head: bytes, setting: str) -> str:
    """What NUL characters may come from: every other byte of plain text in UTF-16."""
    some = head[:2_000]
    for start, codec in ((1, "utf-16-le"), (0, "utf-16-be")):
        if some[start::2].count(0) > len(some) // 3:
            return f"it looks like UTF-16 without its mark; set {setting} to {codec!r} if it is"
    return "a damaged file, or UTF-16 without its mark"


def _undecodable(name: str, line: int, error: UnicodeDecodeError, encoding: str, setting: str) -> str:
    raw = error.object[error.start]
    other = "'cp1252'" if encoding.startswith("utf") else "'utf-8'"
    remedy = f"set {setting} to what the file is written in (often {other}), or {_SEND} as UTF-8"
    return f"{name}, line {line}: byte 0x{raw:02X} is not {encoding}; {remedy}"
