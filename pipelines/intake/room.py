"""Whether the data folder's disk has room for what is about to be written, and what to say where it has not."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from pathlib import Path

_FULL = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}
_FULL_SQLITE = {"SQLITE_FULL", "SQLITE_IOERR_WRITE"}


class NoRoom(Exception):
    """The disk of the data folder is too full to go on; what was taken before stays, and of this file nothing is kept."""


def check_room(folder: Path, needed: int, min_free: int, name: str) -> None:
    """Raise NoRoom unless `needed` bytes leave `min_free` bytes free on the disk of `folder`."""
    free = shutil.disk_usage(folder).free
    if free < needed + min_free:
        raise NoRoom(
            f"{name}: not taken, for {folder} has {free:,} bytes free and {needed + min_free:,} are needed ({needed:,} for this file, and"
            f" intake.min_free_bytes = {min_free:,}); free some space and run again: the files taken before it stay taken"
        )


def ran_full(error: OSError | sqlite3.Error, folder: Path, name: str) -> NoRoom | None:
    """The error in our words where it says that something cannot grow; None where it is another error."""
    full = error.errno in _FULL if isinstance(error, OSError) else getattr(error, "sqlite_errorname", "") in _FULL_SQLITE
    if not full:
        return None
    free = shutil.disk_usage(folder).free
    return NoRoom(
        f"{name}: {folder} ran full, or met a limit on file size, while this file was taken ({error}; {free:,} bytes are free);"
        " nothing of it is kept: free some space and run again"
    )
