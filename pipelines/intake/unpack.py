"""Opening a zip that someone else made: every entry is checked and counted before anything of the package is used."""

from __future__ import annotations

import errno
import io
import stat
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from pipelines.district import Intake

_CHUNK = 1 << 20
_ENTRY = 1_024  # bytes that an entry may take in a zip's directory, on average
_SMALL = 10 * _CHUNK  # bytes; below it a high ratio harms nobody
_IGNORED = ("__MACOSX/", ".DS_Store")
_SEND = "ask for it to be sent again"


class Unreadable(Exception):
    """The package may not be used; the message names it, the entry and what to do."""


@dataclass(frozen=True)
class Unpacked:
    """`files` are the CSV entries by their name in the zip, where they lie now; `others` the names of entries that were left packed."""

    files: dict[str, Path]
    others: tuple[str, ...]


class _Bounded(io.FileIO):
    """The zip's bytes, never more than `limit` at once: `zipfile` reads a directory whole, however long the zip says that it is."""

    def __init__(self, path: Path, limit: int) -> None:
        super().__init__(path, "rb")
        self.limit = limit

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > self.limit:
            raise _TooLarge
        return super().read(self.limit if size is None or size < 0 else size) or b""


class _TooLarge(Exception):
    """More was asked for at once than may be read."""


def unpack(package: Path, name: str, into: Path, limits: Intake) -> Unpacked:
    """Unpack all CSV entries of the zip into the folder `into`, under names of our own. Raises Unreadable for the package as a whole.

    Sizes are counted while reading: what a zip says of itself is not believed.
    """
    try:
        with _Bounded(package, max(2 * _CHUNK, limits.max_entries * _ENTRY)) as f, zipfile.ZipFile(f) as archive:
            entries = [e for e in archive.infolist() if not e.filename.startswith(_IGNORED[0]) and not e.filename.endswith(_IGNORED[1])]
            if len(entries) > limits.max_entries:
                raise Unreadable(f"{name}: holds {len(entries):,} entries, more than intake.max_entries = {limits.max_entries:,}; {_SEND}")
            _check_names(entries, name)
            return _unpack(archive, [e for e in entries if not e.is_dir()], package.stat().st_size, name, into, limits)
    except _TooLarge as e:
        raise Unreadable(f"{name}: its directory is too long for intake.max_entries = {limits.max_entries:,} entries; {_SEND}") from e
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError, struct.error) as e:  # damage shows itself in all of these ways
        if isinstance(e, OSError) and (e.filename is not None or e.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)):
            raise  # the disk's fault, not the package's
        raise Unreadable(f"{name}: {_damage(package)} ({e}); {_SEND}") from e


def _check_names(entries: list[zipfile.ZipInfo], name: str) -> None:
    seen: set[str] = set()
    for e in entries:
        entry = e.orig_filename
        parts = entry.replace("\\", "/").split("/")
        shown = f"{name}, entry {entry!r}"
        if ".." in parts or entry.startswith(("/", "\\")) or "\\" in entry or entry[1:2] == ":" or not entry.isprintable():
            raise Unreadable(f"{shown}: its name points outside the package or is not a plain name; do not open this file, ask its sender about it")
        if stat.S_ISLNK(e.external_attr >> 16):
            raise Unreadable(f"{shown}: is a link; ask for a package that holds plain files only")
        if e.flag_bits & 1:
            raise Unreadable(f"{shown}: is encrypted; ask for a package without a password")
        if e.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Unreadable(f"{shown}: is packed by an unusual method; ask for an ordinary zip (deflate)")
        if entry in seen:
            raise Unreadable(f"{shown}: is there twice; {_SEND}")
        seen.add(entry)


def _unpack(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], packed: int, name: str, into: Path, limits: Intake) -> Unpacked:
    files: dict[str, Path] = {}
    others: list[str] = []
    total = 0
    for number, e in enumerate(entries):
        shown = f"{name}, entry {e.filename!r}"
        target = into / f"{number}.csv"
        is_data = e.filename.lower().endswith(".csv")
        try:
            with archive.open(e) as stream:
                chunk = stream.read(_CHUNK if is_data else 4)
                if chunk.startswith(b"PK\x03\x04") or e.filename.lower().endswith(".zip"):
                    raise Unreadable(f"{shown}: is a zip inside a zip; ask for the files at the root of one package")
                if not is_data:
                    others.append(e.filename)
                    continue
                with target.open("wb") as out:
                    while chunk:
                        total += len(chunk)
                        if total > limits.max_unpacked_bytes:
                            raise Unreadable(
                                f"{shown}: unpacks to more than intake.max_unpacked_bytes = {limits.max_unpacked_bytes:,}; raise it if that is right"
                            )
                        if total > max(_SMALL, limits.max_ratio * packed):
                            raise Unreadable(f"{shown}: unpacks to over {limits.max_ratio} times the zip's size (intake.max_ratio); {_SEND}")
                        out.write(chunk)
                        chunk = stream.read(_CHUNK)
        except (zlib.error, EOFError, zipfile.BadZipFile) as error:
            raise Unreadable(f"{shown}: is damaged or cut short ({error or 'unexpected end'}); {_SEND}") from error
        files[e.filename] = target
    return Unpacked(files, tuple(others))


def _damage(package: Path) -> str:
    with package.open("rb") as f:
        head = f.read(4)
    if not head:
        return "is empty (0 bytes)"
    return "is a zip that is cut short or damaged" if head.startswith(b"PK") else "is not a zip"
