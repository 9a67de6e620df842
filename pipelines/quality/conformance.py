"""Does a OneRoster package keep to the standard? A report on a zip or a folder alone: no district, no ledger, nothing held.

Belongs here: reading the package and putting findings together. The rules are data: `expectations/conformance/oneroster.yml` (what, how badly, where in the
standard, remedy) and the columns and vocabularies of `pipelines/sources/standards`; turning both into SQL is `conformance_sql.py`. Findings say file, line
and column, never what a cell holds. Every file is streamed to Parquet in a folder that is removed again, and judged there by DuckDB, which spills to it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from pipelines.district import Intake, Source
from pipelines.intake import exact
from pipelines.intake.examine import examine
from pipelines.intake.package import manifest_of, root_of
from pipelines.intake.scan import is_partial
from pipelines.intake.unpack import Unpacked, Unreadable, unpack
from pipelines.intake.write import write_raw
from pipelines.lineage.ledger import Severity
from pipelines.quality.conformance_sql import Rule, breaches, count, define_files, load_rules
from pipelines.sources import oneroster
from pipelines.sources.shape import quoted

EXAMPLES = 5  # lines named for each finding
MEMORY_LIMIT = "512MB"
_NO_LIMITS = Intake(max_unpacked_bytes=200_000_000_000)
_SOURCE = Source(id="package", format="oneroster", path="*")
_ORDER: Mapping[str, int] = {"critical": 0, "warning": 1, "info": 2}


@dataclass(frozen=True)
class Finding:
    """One rule broken in one column of one file: how many times, and the first lines. `detail` says what is not about a person's row."""

    rule: str
    severity: Severity
    file: str
    column: str
    count: int
    lines: tuple[int, ...]
    message: str
    remedy: str
    place: str
    detail: str = ""


@dataclass(frozen=True)
class FileSeen:
    """A data file of the package: its mode as declared, and its rows (malformed lines included)."""

    file: str
    mode: str
    n_rows: int


@dataclass(frozen=True)
class Report:
    package: str
    version: str
    files: tuple[FileSeen, ...]
    findings: tuple[Finding, ...]

    @property
    def is_conformant(self) -> bool:
        """Whether nothing but remarks on style was found."""
        return all(f.severity == "info" for f in self.findings)

    def as_json(self) -> dict[str, object]:
        return {
            "package": self.package,
            "version": self.version,
            "is_conformant": self.is_conformant,
            "files": [vars(f) for f in self.files],
            "findings": [vars(f) for f in self.findings],
        }


@dataclass
class _Check:
    """A report being written."""

    rules: dict[str, Rule]
    version: str = ""
    files: list[FileSeen] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def add(
        self, rule: str, file: str, column: str = "", lines: Sequence[int] = (), count: int = 1, detail: str = "", severity: Severity | None = None
    ) -> None:
        r = self.rules[rule]
        self.findings.append(Finding(rule, severity or r.severity, file, column, count, tuple(lines), r.message, r.remedy, r.place, detail))


def check(path: Path, version: str = "") -> Report:
    """The report on the package at `path`: a zip, a folder, or the manifest.csv in one. `version` overrules the manifest's.

    Raises Unreadable where there is no package to report on; OSError where a disk fails.
    """
    path = path.parent if path.name == "manifest.csv" else path
    with tempfile.TemporaryDirectory(prefix="throughline-check-") as scratch:
        into = Path(scratch)
        unpacked = _open(path, into)
        report = _Check(load_rules())
        root, outside = root_of(path.name, unpacked.files)
        if outside:
            report.add("not_at_root", path.name, detail=f"they are in {root}")
        files = {name.removeprefix(root): found for name, found in unpacked.files.items() if name.startswith(root)}
        manifest = manifest_of(f"{path.name}/{root}manifest.csv", files["manifest.csv"], version)
        report.version = manifest.version
        for said in manifest.findings:
            report.add(said.rule, "manifest.csv", said.what, [said.line], detail=said.sentence)
        _strangers(report, [n.removeprefix(root) for n in (*unpacked.files, *unpacked.others)])
        modes = _declared(report, manifest, files)
        headers = {file: _read(report, file, files[f"{file}.csv"], into, mode) for file, mode in modes.items()}
        unknown = {f for f, said in manifest.modes.items() if said in ("bulk", "delta") and not headers.get(f)}
        _judge(report, {f: (modes[f], h) for f, h in headers.items() if h}, unknown, into)
    findings = sorted(report.findings, key=lambda f: (_ORDER[f.severity], f.file, f.lines, f.column, f.rule))
    return Report(path.name, report.version, tuple(report.files), tuple(findings))


def _open(path: Path, into: Path) -> Unpacked:
    if path.is_dir():
        names = sorted(p.name for p in path.iterdir() if p.is_file() and not is_partial(p.name))
        return Unpacked({n: path / n for n in names if n.lower().endswith(".csv")}, tuple(n for n in names if not n.lower().endswith(".csv")))
    if not path.is_file():
        raise Unreadable(f"{path}: there is no such file or folder; name a OneRoster zip, or the folder of its files")
    (into / "package").mkdir()
    return unpack(path, path.name, into / "package", _NO_LIMITS)


def _strangers(report: _Check, names: Sequence[str]) -> None:
    known = {"manifest.csv", *(f"{f}.csv" for f in oneroster.FILES if oneroster.header(f, report.version))}
    for name in sorted(names):
        if name not in known:
            report.add("unknown_file", name)


def _declared(report: _Check, manifest: oneroster.Manifest, files: Mapping[str, Path]) -> dict[str, str]:
    """The files to check, each with its mode; what manifest and package do not agree on is a finding."""
    modes: dict[str, str] = {}
    for file, said in manifest.modes.items():
        there, prop = f"{file}.csv" in files, f"file.{file}"
        line = [manifest.lines.get(prop, 1)]
        if said not in ("absent", "bulk", "delta", ""):
            report.add("manifest_mode", "manifest.csv", prop, line)
        elif said in ("bulk", "delta") and not there:
            report.add("file_missing", "manifest.csv", prop, line)
        elif said == "absent" and there:
            report.add("file_not_declared", "manifest.csv", prop, line)
        if there:
            modes[file] = said if said in ("bulk", "delta") else "bulk"
    return modes


def _read(report: _Check, file: str, path: Path, into: Path, mode: str) -> tuple[str, ...]:
    """Write one file to Parquet and report on its header; its columns, or none where it cannot be read."""
    name = f"{file}.csv"
    examined = examine(path, name, "utf-8", "the encoding")
    if examined.why:
        report.add("file_is_readable", name, lines=[1], detail=examined.why)
        return ()
    with path.open(newline="", encoding=examined.encoding) as stream:
        header = exact.read_header(exact.Lines(stream), ",")
    first = oneroster.header_findings(file, report.version, header)[:1]
    if first and first[0].rule == "no_header":  # said before anything else, as what is said of a header would be said of people
        report.add("no_header", name, lines=[1], detail=first[0].sentence)
        return ()
    written = write_raw(path, into / f"{file}.parquet", name, "", _SOURCE, examined, oneroster.REDACTED)
    if written.why:
        report.add("file_is_readable", name, lines=[1], detail=written.why)
        return ()
    report.files.append(FileSeen(file, mode, written.n_rows))
    for said in oneroster.header_findings(file, report.version, written.header):
        report.add(said.rule, name, said.what, [said.line], detail=said.sentence)
    return written.header


def _judge(report: _Check, read: Mapping[str, tuple[str, tuple[str, ...]]], unknown: Set[str], into: Path) -> None:
    """Every rule about lines and cells, in SQL over the files that were `read` (mode and header); of `unknown` files nobody can say what they hold."""
    config = {"memory_limit": MEMORY_LIMIT, "threads": 2, "temp_directory": str(into / "spill"), "preserve_insertion_order": "false"}
    with duckdb.connect(config=config) as db:  # type: ignore[arg-type]  # the stub knows text settings only
        columns: dict[str, dict[str, str]] = {}
        for file, (_, header) in read.items():
            kept = pq.read_schema(into / f"{file}.parquet").names
            named = {oneroster.standard_name(file, report.version, c, header): quoted(c) for c in header if c in kept}
            columns[file] = {n: c for n, c in named.items() if n}
        define_files(db, report.version, columns, {f: into / f"{f}.parquet" for f in read})
        modes = {f: mode for f, (mode, _) in read.items()} | dict.fromkeys(unknown, "unknown")
        for breach, n, lines in count(db, list(breaches(report.rules, report.version, modes, columns)), EXAMPLES):
            report.add(breach.rule, f"{breach.file}.csv", breach.column, lines, n, severity=breach.severity)
