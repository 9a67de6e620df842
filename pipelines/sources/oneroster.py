"""OneRoster CSV 1.1 and 1.2: rostering, gradebook and resources, every file of both versions.

The columns (order, case, type, whether required, what they refer to) and the vocabularies are data, in `standards/oneroster_columns.csv` and
`standards/oneroster_vocabularies.csv`, from the 1EdTech OneRoster CSV bindings 1.2.1 and 1.1.1. The gate and `check-oneroster` read the same two files.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.district import Source
from pipelines.sources.shape import Format, Projection, Reading, Table, file_columns, iso_date, literal, quoted, select, snake, suggestion, trimmed

STANDARDS = Path(__file__).parent / "standards"
VERSIONS = ("1.1", "1.2")
# Never kept: nothing downstream may hold a password, and staff who read figures need no phone number. Dropped before raw.
REDACTED: tuple[str, ...] = ("password",)
# What a later package lacks was true until then and is not forgotten: what a leaver was, and what a closed year was made of (its work and the categories
# of it), stays. Work withdrawn within its school year is taken back by the models: see int_assignments_combined.
# Names of older exports that mean the same as today's: file ("*" any) -> theirs -> ours. Read, with a warning.
LEGACY: dict[str, dict[str, str]] = {
    "*": {"grade": "grades", "schoolYearId": "schoolYearSourcedId", "SubjectCodes": "subjectCodes", "termSourcedId": "termSourcedIds"},
    "demographics": {"userSourcedId": "sourcedId", "birthdate": "birthDate"},
}
_DROPPED_SINCE = ("resourceSourcedIds",)  # in users.csv of 1.2.0 only
EXTENSION = "metadata."  # a column that the standard lets anyone add, after its own


@dataclass(frozen=True)
class Column:
    """One column of one file. `version` is one of VERSIONS, or `*` for all; `required` is the standard's word, `needed` ours: without it no row can be
    used. `kind` is guid, guids, date, datetime, year, boolean, float, integer, list, ids, pairs or string; `target` the file that a GUID refers to.
    """

    file: str
    version: str
    name: str
    kind: str
    required: bool
    needed: bool
    target: str
    vocabulary: str


def _rows(name: str) -> list[dict[str, str]]:
    with (STANDARDS / name).open(newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


COLUMNS: tuple[Column, ...] = tuple(
    Column(r["file"], r["version"], r["column"], r["type"], r["required"] == "yes", r["needed"] == "yes", r["target"], r["vocabulary"])
    for r in _rows("oneroster_columns.csv")
)
FILES: tuple[str, ...] = tuple(dict.fromkeys(c.file for c in COLUMNS))


def columns_of(file: str, version: str) -> tuple[Column, ...]:
    """The columns of one file in one version, in order; none where the version has no such file."""
    return tuple(c for c in COLUMNS if c.file == file and c.version in ("*", version))


def header(file: str, version: str) -> tuple[str, ...] | None:
    """The exact columns of one file in one version, or None where the version has no such file."""
    return tuple(c.name for c in columns_of(file, version)) or None


def vocabulary(name: str, version: str) -> tuple[frozenset[str], bool]:
    """The words of a vocabulary in one version, and whether `ext:` words may be added to it."""
    rows = [r for r in _rows("oneroster_vocabularies.csv") if r["vocabulary"] == name and r["version"] in ("*", version)]
    return frozenset(r["token"] for r in rows), any(r["is_extensible"] == "yes" for r in rows)


def _held_columns(file: str) -> tuple[str, ...]:
    """The union over versions, in the newest version's order, without what is redacted; then the extension columns as one JSON object."""
    names: dict[str, None] = {}
    for version in reversed(VERSIONS):
        names.update(dict.fromkeys(header(file, version) or ()))
    return (*(snake(n) for n in names if n not in (*REDACTED, "status", "dateLastModified")), "metadata")


TABLES: dict[str, Table] = {
    file: Table(
        name=f"oneroster__{snake(file)}",
        columns=_held_columns(file),
        key=("sourced_id",),
        required=tuple(dict.fromkeys(snake(c.name) for c in COLUMNS if c.file == file and c.needed)),
        withdrawal="ends",
        dates=tuple(c for c in _held_columns(file) if c.endswith("_date")),
    )
    for file in FILES
}


class ManifestError(Exception):
    """The package cannot be read at all; the message says which property of the manifest is at fault and what to do."""


@dataclass(frozen=True)
class Said:
    """One departure from the standard that does not keep a file from being read. `what` is the property or column it is about."""

    rule: str
    line: int
    what: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.sentence}"


@dataclass(frozen=True)
class Manifest:
    """`version` is one of VERSIONS; `modes` what the manifest says of each data file, as written (`absent`, `bulk`, `delta` or an error)."""

    version: str
    modes: dict[str, str]
    findings: tuple[Said, ...]
    lines: dict[str, int]  # of each property

    @property
    def warnings(self) -> tuple[str, ...]:
        return tuple(str(f) for f in self.findings)


def _properties(rows: Sequence[Sequence[str]]) -> tuple[dict[str, str], dict[str, int], list[Said]]:
    """The manifest's properties with their values and lines, and what is odd about them. Raises ManifestError."""
    found: list[Said] = []
    values: dict[str, str] = {}
    lines: dict[str, int] = {}
    first = [c.strip() for c in rows[0]] if rows else []
    if [c.lower() for c in first] != ["propertyname", "value"]:
        raise ManifestError(f"line 1: the header is {','.join(first)!r}, it must be 'propertyName,value'; ask for a OneRoster package")
    if first != ["propertyName", "value"]:
        found.append(Said("manifest_header", 1, "", "the header should be 'propertyName,value' in exactly this case"))
    for number, row in enumerate(rows[1:], start=2):
        if not row:
            continue
        name, value = row[0].strip(), row[1].strip() if len(row) > 1 else ""
        if values.get(name, value) != value:
            raise ManifestError(f"line {number}: {name} is given twice, as {values[name]!r} and {value!r}; ask for one of them to go")
        if name in values:
            found.append(Said("manifest_duplicate", number, name, f"{name} is given twice"))
        values[name] = value
        lines.setdefault(name, number)
    return values, lines, found


def read_manifest(rows: Sequence[Sequence[str]], version: str = "") -> Manifest:
    """The manifest from its CSV rows; `version`, where given, is taken for the package's whatever the manifest says.

    Raises ManifestError; what can be read all the same becomes a finding.
    """
    values, lines, found = _properties(rows)
    said = values.get("oneroster.version", "")
    version = version or ".".join(said.split(".")[:2])
    if version not in VERSIONS:
        raise ManifestError(f"oneroster.version is {said!r}; the versions read are {' and '.join(VERSIONS)}: ask for one of these")
    if version != said:
        found.append(Said("oneroster_version", lines.get("oneroster.version", 1), "oneroster.version", f"oneroster.version is {said!r}, should be {version!r}"))
    if values.get("manifest.version") != "1.0":
        sentence = f"manifest.version is {values.get('manifest.version', '')!r}, should be '1.0'"
        found.append(Said("manifest_version_wrong", lines.get("manifest.version", 1), "manifest.version", sentence))
    known = [f for f in FILES if header(f, version)]
    modes = {f: values.get(f"file.{f}", "") for f in known}
    if silent := [f for f, mode in modes.items() if not mode]:
        sentence = f"nothing is said of {', '.join(sorted(silent))}; taken as absent"
        found.append(Said("manifest_incomplete", 1, ", ".join(f"file.{f}" for f in sorted(silent)), sentence))
    expected = {"manifest.version", "oneroster.version", "source.systemName", "source.systemCode", *(f"file.{f}" for f in known)}
    unknown = [n for n in values if n not in expected]
    found += [Said("manifest_unknown_property", lines[n], n, f"{n!r} is no property of OneRoster {version}") for n in unknown]
    return Manifest(version, modes, tuple(found), lines)


def standard_name(file: str, version: str, column: str, columns: Sequence[str]) -> str:
    """The standard's name for a column of a file: its own, that of an older name or of another case; "" for a stranger."""
    expected = header(file, version) or ()
    legacy = LEGACY["*"] | LEGACY.get(file, {})
    if column in expected:
        return column
    if legacy.get(column) in expected and legacy[column] not in columns:
        return legacy[column]
    ours = next((e for e in expected if e.lower() == column.strip().lower()), "")
    return "" if ours in columns else ours


def header_findings(file: str, version: str, columns: Sequence[str]) -> list[Said]:
    """What is wrong with a file's header that does not keep it from being read. (A missing needed column is the projection's to report.)"""
    expected = list(header(file, version) or ())
    legacy = LEGACY["*"] | LEGACY.get(file, {})
    standard: list[str] = []  # the columns that could be recognised, by today's names
    found: list[Said] = []
    if not any(standard_name(file, version, c, columns) == "sourcedId" for c in columns):  # a line of data would be told as names of columns
        return [Said("no_header", 1, "", f"line 1 has no column sourcedId, so that it is not the header of {file}.csv")]
    last = max((i for i, c in enumerate(columns) if standard_name(file, version, c, columns)), default=0)
    for i, c in enumerate(columns):
        ours = standard_name(file, version, c, columns)
        if ours:
            standard.append(ours)
        if ours and ours != c and c in legacy:
            found.append(Said("legacy_column", 1, c, f"{c!r} is read as {ours!r}"))
        elif ours and ours != c:
            found.append(Said("header_case", 1, c, f"{c!r} should be written {ours!r}"))
        elif not ours and file == "users" and c in _DROPPED_SINCE:
            found.append(Said("legacy_column", 1, c, f"{c!r} is of OneRoster 1.2.0 and is not read"))
        elif not ours and not c.startswith(EXTENSION):
            found.append(Said("unknown_column", 1, c, f"{c!r} is no column of {file}.csv in OneRoster {version}, and not {EXTENSION}*"))
        elif not ours and i < last:
            found.append(Said("extension_order", 1, c, f"{c!r} stands before columns of the standard; extensions come after them"))
    if lacking := [e for e in expected if e not in standard]:
        found.append(Said("missing_column", 1, ", ".join(lacking), f"no column {', '.join(lacking)}"))
    if standard != [e for e in expected if e in standard]:
        found.append(Said("header_order", 1, "", f"the columns of {file}.csv are not in the order of the standard"))
    return found


def header_warnings(file: str, version: str, columns: Sequence[str]) -> tuple[str, ...]:
    """The findings on a header as named warnings."""
    return tuple(str(f) for f in header_findings(file, version, columns))


def projection(table: Table, source: Source, raw_columns: Sequence[str], reading: Reading) -> Projection:
    """Camel case to snake case, older names and other cases included; a column that the file's version lacks is blank.

    `_is_deleted` is true for status `tobedeleted` (or the `inactive` of 1.0). A bulk file should have no status; in mode bulk it is ignored.
    """
    file = next(f for f, t in TABLES.items() if t.name == table.name)
    present = file_columns(raw_columns)
    legacy = {theirs.lower(): ours for theirs, ours in (LEGACY["*"] | LEGACY.get(file, {})).items()}
    standard = {name.lower(): name for version in VERSIONS for name in header(file, version) or ()}
    cells: dict[str, str] = {}
    extensions: dict[str, str] = {}
    status, unknown = "", []
    exact_first = sorted(present, key=lambda c: (standard.get(c.strip().lower()) != c, c.strip().lower() not in standard))
    for c in exact_first:
        lower = c.strip().lower()
        column = snake(standard.get(lower) or legacy.get(lower, ""))
        if column == "status" and not status:
            status = trimmed(quoted(c))
        elif lower.startswith(EXTENSION):
            extensions[c.strip()[len(EXTENSION) :]] = trimmed(quoted(c))
        elif column in table.columns and column not in cells:
            cells[column] = iso_date(quoted(c), source.date_formats.get(column))
        elif column != "date_last_modified" and c not in _DROPPED_SINCE:
            unknown.append(c)
    names = {snake(n): n for n in standard.values()}
    missing = tuple(names[c] for c in table.required if c not in cells)
    notes = tuple(f"{file}.csv has no column {m!r}{suggestion(m, unknown)}" for m in missing)
    deleted = f"coalesce(lower({status}) in ('tobedeleted', 'inactive'), false)" if status and reading.mode == "delta" else "false"
    if extensions:
        cells["metadata"] = _json(extensions)
    remarks = _remarks(status, cells.get("score_status"), reading.mode)
    return Projection(select(table, cells, is_deleted=deleted), missing, tuple(unknown), notes, remarks=remarks)


def _json(extensions: Mapping[str, str]) -> str:
    """The extension columns that say something, as the text of a JSON object with its names in order; null where none does."""
    pairs = ", ".join(f"{{'k': {literal(name)}, 'v': nullif({cell}, '')}}" for name, cell in sorted(extensions.items()))
    return f"cast(to_json(map_from_entries(nullif(list_filter([{pairs}], lambda x: x.v is not null), []))) as varchar)"


def _remarks(status: str, score_status: str | None, mode: str) -> tuple[tuple[str, str], ...]:
    """What older exports write in a cell and is read all the same."""
    remarks = []
    if status and mode == "bulk":
        remarks.append((f"{status} <> ''", "status_in_bulk: lines of a bulk file say a status, which is not read"))
    elif status:
        remarks.append((f"lower({status}) = 'inactive'", "legacy_status: lines say 'inactive', read as 'tobedeleted'"))
    if score_status:
        remarks.append((f"{trimmed(score_status)} = 'late'", "legacy_score_status: lines say 'late', read as submitted and late"))
    return tuple(remarks)


def _tables_of(source: Source, name: str) -> tuple[Table, ...] | str:
    """Which files a package holds its manifest says; here only whether it can be one."""
    if name.lower().endswith(".zip") or name.rpartition("/")[2] == "manifest.csv":
        return tuple(TABLES.values())
    return f"source {source.id}: a OneRoster package is a .zip, or the manifest.csv of a folder"


FORMAT = Format("oneroster", TABLES, _tables_of, projection, REDACTED, is_package=True)
