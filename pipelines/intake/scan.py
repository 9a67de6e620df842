"""Finding the landing files that a night has to look at. Nothing here opens a file, and nothing in the landing folder is ever changed."""

from __future__ import annotations

import errno
import os
import re
import stat
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

from pipelines.district import District, Source
from pipelines.settings import SettingsError
from pipelines.sources import format_of
from pipelines.sources.shape import Kind, Table

MAX_SEQUENCE = 99_999  # precedence keeps five digits for it
# Of a format whose kinds of file have an order within a date, those digits hold the declared sequence, the kind's order, and how often it was sent again.
MAX_ORDERED = 998
ORDER_STEP, SENT_AGAIN = 100, 25
_PARTIAL = (".part", ".partial", ".tmp", ".filepart", ".crdownload", ".download")
_UNSAFE = {"Cc", "Cs", "Zl", "Zp"}  # control characters, bytes that are no UTF-8, line separators: categories of Unicode
_TURNING = set(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A))))  # turn the direction of writing, so that a name shows as another
_TRUSTED_SECONDS = 1.0  # a file changed less long ago can change again within the clock's grain without its stamp showing it


@dataclass(frozen=True)
class Found:
    """A file (or package) that a source reads. `tables` are those that it feeds, none for a package. `declared` is the sequence in the path, if any."""

    source: Source = field(hash=False)
    name: str
    path: Path
    business_date: date
    declared: int | None
    tables: tuple[Table, ...]
    members: tuple[str, ...] = ()  # file names of a package that is a folder
    kind: Kind = field(default_factory=Kind)

    @property
    def is_folder(self) -> bool:
        return bool(self.members)


@dataclass(frozen=True)
class Waiting:
    """A file left for the next run, and why."""

    name: str
    why: str


@dataclass(frozen=True)
class Look:
    """Size and time of change of a file, or of all files of a folder package."""

    stamp: str
    changed_at: float  # seconds since 1970
    n_bytes: int = 0

    def remembered(self, now: float) -> str:
        """The stamp to remember: "" (look again) where the file is too fresh, or from the future."""
        return self.stamp if now - self.changed_at > _TRUSTED_SECONDS else ""


@cache
def glob_pattern(glob: str) -> re.Pattern[str]:
    """A glob over a path with `/`: `*` and `?` stay inside one folder, `**/` is any folders or none."""
    out, rest = "", glob.removeprefix("./")
    tokens = re.compile(r"\*\*/|\*\*|\*|\?|\[!?\]?[^\]]*\]|.", re.DOTALL)
    plain = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    for token in tokens.findall(rest):
        if token in plain:
            out += plain[token]
        elif token.startswith("[") and len(token) > 2:
            out += "[^" + token[2:] if token[1] == "!" else token
        else:
            out += re.escape(token)
    return re.compile(out + r"\Z")


def is_partial(file: str) -> bool:
    """Whether a file's name says that it is still being written, or is no delivery at all."""
    return file.startswith((".", "~$")) or file.lower().endswith(_PARTIAL)


def landing_files(landing: Path) -> list[str]:
    """Every finished file below the landing folder as a path with `/`, sorted. Hidden folders, and what `odd_files` names, are left out."""
    return sorted(name for name, why in _walk(landing) if not why)


def odd_files(district: District) -> list[Waiting]:
    """What lies in the landing folder and is never opened: links, what is no plain file, names that cannot be shown as they are."""
    return sorted((Waiting(n.encode("unicode_escape").decode() if _unsafe(n) else n, why) for n, why in _walk(district.landing) if why), key=lambda w: w.name)


def _walk(landing: Path) -> Iterator[tuple[str, str]]:
    """Each finished file and linked folder, with why it may not be opened ("" where it may)."""
    for folder, folders, files in os.walk(landing):
        folders[:] = [f for f in folders if not f.startswith(".") and f != "__MACOSX"]
        inside = Path(folder).relative_to(landing).as_posix()
        prefix = "" if inside == "." else inside + "/"
        links = [f for f in folders if (Path(folder) / f).is_symlink()]
        yield from ((prefix + f, _why_odd(Path(folder) / f, prefix + f)) for f in (*links, *files) if not is_partial(f))


def _why_odd(path: Path, name: str) -> str:
    if _unsafe(name):
        return "its name holds characters that are not shown (a line break, a change of direction, bytes that are no UTF-8); rename it"
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return ""  # gone since: looking at it will say so
    if stat.S_ISLNK(mode):
        return "it is a link, and links are never followed; put the file itself there"
    return "" if stat.S_ISREG(mode) else "it is no plain file (a pipe, a socket or a device), and is never opened; take it away"


def _unsafe(name: str) -> bool:
    return any(unicodedata.category(c) in _UNSAFE or c in _TURNING for c in name)


def find(district: District, until: date) -> tuple[list[Found], list[str]]:
    """Files of all sources up to the business date `until`, in order of business date and name; and, in words, the files that nothing reads.

    Raises SettingsError where the landing folder is missing or an extract names a table that does not exist.
    """
    if not district.landing.is_dir():
        raise SettingsError(f"{district.landing}: no such folder; set paths.landing in {district.folder / 'district.toml'}")
    listed = landing_files(district.landing)
    names = [n for n in listed if _is_plain(n)]
    _check_tables(district)
    claimed: set[str] = set()
    found: list[Found] = []
    unmatched = [f"{n!a}: its name is not UTF-8; ask for a plain name" for n in listed if not _is_plain(n)]
    for source in district.sources:
        pattern = glob_pattern(source.path)
        for name in names:
            if not pattern.match(name):
                continue
            claimed.add(name)
            one = _found(district, source, name, names)
            if isinstance(one, str):
                unmatched.append(f"{name}: {one}")
                continue
            folder = name.rpartition("/")[0]
            claimed.update(f"{folder}/{m}".lstrip("/") for m in one.members)
            if one.business_date <= until:
                found.append(one)
    unmatched += [f"{name}: no source in district.toml reads it" for name in names if name not in claimed]
    return sorted(found, key=lambda f: (f.business_date, f.name, district.source_rank(f.source.id))), sorted(unmatched)


def _is_plain(name: str) -> bool:
    """Whether a file's name can be written down: bytes that are no UTF-8 come as lone surrogates."""
    return not any("\ud800" <= c <= "\udfff" for c in name)


def _check_tables(district: District) -> None:
    for source in district.sources:
        if source.table is not None and source.table not in format_of(source).tables:
            raise SettingsError(f"source {source.id}: table = {source.table!r} is none of {', '.join(format_of(source).tables)}")


def _found(district: District, source: Source, name: str, names: Iterable[str]) -> Found | str:
    """What a matching path is, or why it cannot be used."""
    when = business_date(source, name)
    if isinstance(when, str):
        return when
    format_ = format_of(source)
    tables = format_.tables_of(source, name)
    if isinstance(tables, str):
        return tables
    kind = format_.kind_of(source, name)
    day, declared = when
    if kind.order is not None:
        if (declared or 0) > MAX_ORDERED:
            return f"source {source.id}: sequence {declared} is more than {MAX_ORDERED}, which is as many as a date of {source.format} can have"
        declared = (declared or 0) * ORDER_STEP + kind.order * SENT_AGAIN + 1
    members: tuple[str, ...] = ()
    if format_.is_package and not name.lower().endswith(".zip"):
        prefix = name.removesuffix("manifest.csv")
        members = tuple(n.removeprefix(prefix) for n in names if n.startswith(prefix) and "/" not in n.removeprefix(prefix))
    return Found(source, name, district.landing / name, day, declared, () if format_.is_package else tables, members, kind)


def business_date(source: Source, name: str) -> tuple[date, int | None] | str:
    """Business date and declared sequence of a path, or why it has none."""
    match = re.search(source.date, name)
    groups: Mapping[str, str | None] = match.groupdict() if match else {}
    day = source.business_date
    if day is None:
        text = groups.get("date")
        if not text:
            return f"source {source.id}: its date expression {source.date!r} finds no date in the path"
        try:
            day = datetime.strptime(text, source.date_format).replace(tzinfo=UTC).date()
        except ValueError:
            return f"source {source.id}: {text!r} is not a date written as {source.date_format!r}"
    declared = _sequence(groups.get("sequence"))
    if declared is None and "sequence" in groups and not groups["sequence"]:
        declared = 1  # a pattern that can say a number and says none means the first: `marks.csv` comes before `marks_2.csv`, whichever arrives first
    if declared is None and groups.get("sequence"):
        return f"source {source.id}: sequence {groups['sequence']!r} is neither a number from 1 to {MAX_SEQUENCE} nor a time of day HH-MM-SS"
    return day, declared


def _sequence(text: str | None) -> int | None:
    """A whole number, or a time of day as seconds after midnight, counted from 1."""
    if not text:
        return None
    if time_of_day := re.fullmatch(r"([01]\d|2[0-3])[-:_.]([0-5]\d)[-:_.]([0-5]\d)", text):
        hours, minutes, seconds = (int(part) for part in time_of_day.groups())
        return hours * 3600 + minutes * 60 + seconds + 1
    number = int(text) if re.fullmatch(r"[0-9]+", text) else 0
    return number if 1 <= number <= MAX_SEQUENCE else None


def look(found: Found) -> Look:
    """Size and time of change now. Raises OSError where the file has gone, may not be read or is no plain file."""
    paths = [found.path.parent / m for m in found.members] or [found.path]
    stats = [(p.name, p.lstat()) for p in paths]
    if not all(stat.S_ISREG(s.st_mode) for _, s in stats):
        raise OSError(errno.EINVAL, "it is a link or no plain file", str(found.path))
    stamp = ";".join(f"{name if found.is_folder else ''}{s.st_size}:{s.st_mtime_ns}" for name, s in stats)
    return Look(stamp, max(s.st_mtime for _, s in stats), sum(s.st_size for _, s in stats))


def settled(found: Iterable[Found], looks: Mapping[Found, Look], seconds: float, sleep: Callable[[float], None] = time.sleep) -> set[Found]:
    """Those of `found` that did not change. Only files changed within `seconds` are looked at again, after one wait for all of them."""
    now = time.time()
    steady = set(found)
    recent = [f for f in steady if now - looks[f].changed_at < seconds]
    if recent:
        sleep(seconds)
    for f in recent:
        try:
            if look(f) != looks[f]:
                steady.discard(f)
        except OSError:
            steady.discard(f)
    return steady
