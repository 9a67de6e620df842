"""A OneRoster package, zip or folder: from its manifest to the data files in it, each with a table, a mode and what is wrong with it."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.district import Intake
from pipelines.intake.scan import Found
from pipelines.intake.unpack import Unpacked, Unreadable, unpack
from pipelines.sources import oneroster
from pipelines.sources.shape import Table

_MAX_MANIFEST = 1_000_000  # bytes; a manifest has some thirty lines
_SEND = "ask for the package to be sent again"


@dataclass(frozen=True)
class Part:
    """One data file to be taken. `path` is None where the manifest promises a file that is not there; `why` is set where it may not be used."""

    name: str
    path: Path | None
    table: Table
    mode: str
    file: str  # OneRoster's name of it, "" for other formats
    version: str
    warnings: tuple[str, ...] = ()
    why: str = ""
    sheet: str = ""  # of a workbook that has a sheet for each table


def parts_of(found: Found, scratch: Path, limits: Intake) -> list[Part]:
    """The data files of a package, unpacked into `scratch` where it is a zip. Raises Unreadable for the package as a whole."""
    if found.is_folder:
        folder = found.path.parent
        prefix = found.name.removesuffix("manifest.csv")
        csvs = {m: folder / m for m in found.members if m.lower().endswith(".csv")}
        return _parts(prefix, found.name, Unpacked(csvs, tuple(m for m in found.members if m not in csvs)))
    return _parts(f"{found.name}!", found.name, unpack(found.path, found.name, scratch, limits))


def _parts(prefix: str, package: str, unpacked: Unpacked) -> list[Part]:
    root, warnings = root_of(package, unpacked.files)
    files = {name.removeprefix(root): path for name, path in unpacked.files.items() if name.startswith(root)}
    manifest = manifest_of(f"{prefix}{root}manifest.csv", files["manifest.csv"])
    known = {f for f in oneroster.FILES if oneroster.header(f, manifest.version)}
    warnings += manifest.warnings
    for name in sorted([*files, *unpacked.others]):
        file = name.removesuffix(".csv")
        if name != "manifest.csv" and file not in known:
            warnings.append(f"unknown_file: {name} is no file of OneRoster {manifest.version}")
    parts = [_part(prefix + root, file, files, manifest, tuple(warnings)) for file in oneroster.FILES if file in known]
    return [p for p in parts if p is not None]


def root_of(package: str, files: Mapping[str, Path]) -> tuple[str, list[str]]:
    """The folder inside the package where the manifest is: it should be the root."""
    manifests = [n for n in files if n.rpartition("/")[2] == "manifest.csv"]
    if not manifests:
        near = next((n for n in files if n.rpartition("/")[2].lower() == "manifest.csv"), "")
        found = f" (it has {near!r}: names are case-sensitive)" if near else ""
        raise Unreadable(f"{package}: has no manifest.csv{found}; {_SEND}, with its manifest")
    if len(manifests) > 1:
        raise Unreadable(f"{package}: has {len(manifests)} manifests ({', '.join(sorted(manifests))}); ask for one package a zip")
    root = manifests[0].removesuffix("manifest.csv")
    return root, [f"not_at_root: the files are in {root!r}, they should be at the root of the package"] if root else []


def manifest_of(name: str, path: Path, version: str = "") -> oneroster.Manifest:
    """The manifest at `path`, called `name` in errors. Raises Unreadable."""
    if path.stat().st_size > _MAX_MANIFEST:
        raise Unreadable(f"{name}: is longer than {_MAX_MANIFEST:,} bytes, so it is no manifest; {_SEND}")
    try:
        with path.open(newline="", encoding="utf-8-sig") as f:
            rows = list(csv.reader(f))
        return oneroster.read_manifest(rows, version)
    except UnicodeDecodeError as e:
        raise Unreadable(f"{name}: is not UTF-8 text (byte {e.start}); {_SEND}") from e
    except csv.Error as e:
        raise Unreadable(f"{name}: cannot be read as CSV ({e}); {_SEND}") from e
    except oneroster.ManifestError as e:
        raise Unreadable(f"{name}, {e}") from e


def _part(prefix: str, file: str, files: Mapping[str, Path], manifest: oneroster.Manifest, warnings: tuple[str, ...]) -> Part | None:
    """A data file as the manifest and the package together have it; None where it is rightly absent."""
    said, path = manifest.modes[file], files.get(f"{file}.csv")
    name = f"{prefix}{file}.csv"
    mode, why = said, ""
    if said in ("bulk", "delta"):
        if path is None:
            near = next((n for n in files if n.lower() == f"{file}.csv".lower()), "")
            found = f" (it has {near!r}: names are case-sensitive)" if near else ""
            why = f"{name}: the manifest says file.{file} is {said}, but the package does not have it{found}; {_SEND}, complete"
    elif said in ("absent", ""):
        if path is None:
            return None
        mode = "bulk"
        if not _has_rows(path):
            return None
        why = f"{name}: the manifest says file.{file} is absent, but the package has rows of it; {_SEND}, with bulk or delta in the manifest"
    else:
        mode, why = "bulk", f"{name}: the manifest says file.{file} is {said!r}; it must be absent, bulk or delta: {_SEND}"
    return Part(name, path, oneroster.TABLES[file], mode, file, manifest.version, warnings, why)


def _has_rows(path: Path) -> bool:
    """Whether there is anything after the first line, however long that is."""
    after_first = False
    with path.open("rb") as f:
        while piece := f.read(1 << 20):
            if not after_first:
                parts = re.split(rb"[\r\n]", piece, maxsplit=1)
                after_first, piece = len(parts) > 1, parts[-1]
            if after_first and piece.strip():
                return True
    return False
