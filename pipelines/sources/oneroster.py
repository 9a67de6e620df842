"""OneRoster CSV 1.1 and 1.2: rostering and gradebook. Columns: 1EdTech OneRoster CSV binding 1.2.1 and 1.1.1 (in this order, this case)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.district import Source
from pipelines.sources.shape import Format, Projection, Reading, Table, file_columns, iso_date, quoted, select, snake, suggestion, trimmed

_BASE = "sourcedId,status,dateLastModified,"
HEADERS: dict[str, dict[str, str]] = {
    "academicSessions": {"*": "title,type,startDate,endDate,parentSourcedId,schoolYear"},
    "orgs": {"*": "name,type,identifier,parentSourcedId"},
    "courses": {"*": "schoolYearSourcedId,title,courseCode,grades,orgSourcedId,subjects,subjectCodes"},
    "classes": {"*": "title,grades,courseSourcedId,classCode,classType,location,schoolSourcedId,termSourcedIds,subjects,subjectCodes,periods"},
    "users": {
        "1.1": "enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName,middleName,identifier,email,sms,phone,agentSourcedIds,grades,password",
        "1.2": "enabledUser,username,userIds,givenName,familyName,middleName,identifier,email,sms,phone,agentSourcedIds,grades,password,"
        "userMasterIdentifier,preferredGivenName,preferredMiddleName,preferredFamilyName,primaryOrgSourcedId,pronouns",
    },
    "roles": {"1.2": "userSourcedId,roleType,role,beginDate,endDate,orgSourcedId,userProfileSourcedId"},
    "enrollments": {"*": "classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate"},
    "demographics": {
        "*": "birthDate,sex,americanIndianOrAlaskaNative,asian,blackOrAfricanAmerican,nativeHawaiianOrOtherPacificIslander,white,"
        "demographicRaceTwoOrMoreRaces,hispanicOrLatinoEthnicity,countryOfBirthCode,stateOfBirthAbbreviation,cityOfBirth,publicSchoolResidenceStatus"
    },
    "categories": {"1.1": "title", "1.2": "title,weight"},
    "lineItems": {
        "1.1": "title,description,assignDate,dueDate,classSourcedId,categorySourcedId,gradingPeriodSourcedId,resultValueMin,resultValueMax",
        "1.2": "title,description,assignDate,dueDate,classSourcedId,categorySourcedId,academicSessionSourcedId,resultValueMin,resultValueMax,schoolSourcedId",
    },
    "results": {
        "1.1": "lineItemSourcedId,studentSourcedId,scoreStatus,score,scoreDate,comment",
        "1.2": "lineItemSourcedId,studentSourcedId,scoreStatus,score,scoreDate,comment,textScore,classSourcedId,inProgress,incomplete,late,missing",
    },
}
# Never kept: nothing downstream may hold a password, and staff who read figures need no phone number. Dropped before raw.
REDACTED: tuple[str, ...] = ("password",)
_REQUIRED = {
    "academicSessions": "title type startDate endDate schoolYear",
    "orgs": "name type",
    "courses": "title orgSourcedId",
    "classes": "title courseSourcedId classType schoolSourcedId termSourcedIds",
    "users": "enabledUser username givenName familyName",
    "roles": "userSourcedId roleType role orgSourcedId",
    "enrollments": "classSourcedId schoolSourcedId userSourcedId role",
    "demographics": "",
    "categories": "title",
    "lineItems": "title assignDate dueDate classSourcedId",
    "results": "lineItemSourcedId studentSourcedId scoreStatus",
}
# Files of which a row that a later package lacks was true until then, and is not forgotten: what a leaver was, and what a closed year was made of, stays.
# (Work withdrawn within its school year is taken back by the models: see int_assignments_combined.)
_ERASED = ("categories",)
VERSIONS = ("1.1", "1.2")
# Data files of the standard that nothing here reads yet.
UNREAD: dict[str, tuple[str, ...]] = {
    "1.1": ("classResources", "courseResources", "resources"),
    "1.2": (
        "classResources", "courseResources", "lineItemLearningObjectiveIds", "lineItemScoreScales", "resources", "resultLearningObjectiveIds",
        "resultScoreScales", "scoreScales", "userProfiles", "userResources",
    ),
}  # fmt: skip
# Names of older exports that mean the same as today's: file ("*" any) -> theirs -> ours. Read, with a warning.
LEGACY: dict[str, dict[str, str]] = {
    "*": {"grade": "grades", "schoolYearId": "schoolYearSourcedId", "SubjectCodes": "subjectCodes", "termSourcedId": "termSourcedIds"},
    "demographics": {"userSourcedId": "sourcedId", "birthdate": "birthDate"},
}
_DROPPED_SINCE = ("resourceSourcedIds",)  # in users.csv of 1.2.0 only


def header(file: str, version: str) -> tuple[str, ...] | None:
    """The exact columns of one file in one version, or None where the version has no such file."""
    columns = HEADERS[file].get("*") or HEADERS[file].get(version)
    return tuple((_BASE + columns).split(",")) if columns else None


def _held_columns(file: str) -> tuple[str, ...]:
    """The union over versions, in the newest version's order, without what is redacted."""
    names: dict[str, None] = {}
    for version in reversed(VERSIONS):
        names.update(dict.fromkeys(header(file, version) or ()))
    return tuple(snake(n) for n in names if n not in (*REDACTED, "status", "dateLastModified"))


TABLES: dict[str, Table] = {
    file: Table(
        name=f"oneroster__{snake(file)}",
        columns=_held_columns(file),
        key=("sourced_id",),
        required=("sourced_id", *(snake(c) for c in _REQUIRED[file].split())),
        withdrawal="erases" if file in _ERASED else "ends",
        dates=tuple(c for c in _held_columns(file) if c.endswith("_date")),
    )
    for file in HEADERS
}


class ManifestError(Exception):
    """The package cannot be read at all; the message says which property of the manifest is at fault and what to do."""


@dataclass(frozen=True)
class Manifest:
    """`version` is one of VERSIONS; `modes` what the manifest says of each data file, as written (`absent`, `bulk`, `delta` or an error)."""

    version: str
    modes: dict[str, str]
    warnings: tuple[str, ...]


def read_manifest(rows: Sequence[Sequence[str]]) -> Manifest:
    """The manifest from its CSV rows. Raises ManifestError; what can be read all the same becomes a named warning."""
    warnings: list[str] = []
    values: dict[str, str] = {}
    first = [c.strip() for c in rows[0]] if rows else []
    if [c.lower() for c in first] != ["propertyname", "value"]:
        raise ManifestError(f"line 1: the header is {','.join(first)!r}, it must be 'propertyName,value'; ask for a OneRoster package")
    if first != ["propertyName", "value"]:
        warnings.append("manifest_header: the header should be 'propertyName,value' in exactly this case")
    for number, row in enumerate(rows[1:], start=2):
        if not row:
            continue
        name, value = row[0].strip(), row[1].strip() if len(row) > 1 else ""
        if values.get(name, value) != value:
            raise ManifestError(f"line {number}: {name} is given twice, as {values[name]!r} and {value!r}; ask for one of them to go")
        if name in values:
            warnings.append(f"manifest_duplicate: {name} is given twice")
        values[name] = value
    said = values.get("oneroster.version", "")
    version = ".".join(said.split(".")[:2])
    if version not in VERSIONS:
        raise ManifestError(f"oneroster.version is {said!r}; the versions read are {' and '.join(VERSIONS)}: ask for one of these")
    if version != said:
        warnings.append(f"oneroster_version: oneroster.version is {said!r}, should be {version!r}")
    if values.get("manifest.version") != "1.0":
        warnings.append(f"manifest_version_wrong: manifest.version is {values.get('manifest.version', '')!r}, should be '1.0'")
    known = [f for f in HEADERS if header(f, version)] + list(UNREAD[version])
    modes = {f: values.get(f"file.{f}", "") for f in known}
    if silent := [f for f, mode in modes.items() if not mode]:
        warnings.append(f"manifest_incomplete: nothing is said of {', '.join(sorted(silent))}; taken as absent")
    expected = {"manifest.version", "oneroster.version", "source.systemName", "source.systemCode", *(f"file.{f}" for f in known)}
    warnings += [f"manifest_unknown_property: {name!r} is no property of OneRoster {version}" for name in values if name not in expected]
    return Manifest(version, modes, tuple(warnings))


def header_warnings(file: str, version: str, columns: Sequence[str]) -> tuple[str, ...]:
    """What is wrong with a file's header that does not keep it from being read. (A missing required column is the projection's to report.)"""
    expected = list(header(file, version) or ())
    legacy = LEGACY["*"] | LEGACY.get(file, {})
    standard: list[str] = []  # the columns that could be recognised, by today's names
    warnings: list[str] = []
    for c in columns:
        ours = next((e for e in expected if e.lower() == c.strip().lower()), "")
        if c in expected:
            standard.append(c)
        elif c in legacy and legacy[c] in expected and legacy[c] not in columns:
            standard.append(legacy[c])
            warnings.append(f"legacy_column: {c!r} is read as {legacy[c]!r}")
        elif ours and ours not in columns:
            standard.append(ours)
            warnings.append(f"header_case: {c!r} should be written {ours!r}")
        elif not c.startswith("metadata.") and not (file == "users" and c in _DROPPED_SINCE):
            warnings.append(f"unknown_column: {c!r} is no column of {file}.csv in OneRoster {version}, and not metadata.*")
    if lacking := [e for e in expected if e not in standard]:
        warnings.append(f"missing_column: no column {', '.join(lacking)}")
    if standard != [e for e in expected if e in standard]:
        warnings.append(f"header_order: the columns of {file}.csv are not in the order of the standard")
    return tuple(warnings)


def projection(table: Table, source: Source, raw_columns: Sequence[str], reading: Reading) -> Projection:
    """Camel case to snake case, older names and other cases included; a column that the file's version lacks is blank.

    `_is_deleted` is true for status `tobedeleted` (or the `inactive` of 1.0). A bulk file should have no status; in mode bulk it is ignored.
    """
    file = next(f for f, t in TABLES.items() if t.name == table.name)
    present = file_columns(raw_columns)
    legacy = {theirs.lower(): ours for theirs, ours in (LEGACY["*"] | LEGACY.get(file, {})).items()}
    standard = {name.lower(): name for version in VERSIONS for name in header(file, version) or ()}
    cells: dict[str, str] = {}
    status, unknown = "", []
    exact_first = sorted(present, key=lambda c: (standard.get(c.strip().lower()) != c, c.strip().lower() not in standard))
    for c in exact_first:
        lower = c.strip().lower()
        column = snake(standard.get(lower) or legacy.get(lower, ""))
        if column == "status" and not status:
            status = trimmed(quoted(c))
        elif column in table.columns and column not in cells:
            cells[column] = iso_date(quoted(c), source.date_formats.get(column))
        elif column != "date_last_modified" and not lower.startswith("metadata.") and c not in _DROPPED_SINCE:
            unknown.append(c)
    names = {snake(n): n for n in standard.values()}
    missing = tuple(names[c] for c in table.required if c not in cells)
    notes = tuple(f"{file}.csv has no column {m!r}{suggestion(m, unknown)}" for m in missing)
    deleted = f"coalesce(lower({status}) in ('tobedeleted', 'inactive'), false)" if status and reading.mode == "delta" else "false"
    return Projection(select(table, cells, is_deleted=deleted), missing, tuple(unknown), notes)


def _tables_of(source: Source, name: str) -> tuple[Table, ...] | str:
    """Which files a package holds its manifest says; here only whether it can be one."""
    if name.lower().endswith(".zip") or name.rpartition("/")[2] == "manifest.csv":
        return tuple(TABLES.values())
    return f"source {source.id}: a OneRoster package is a .zip, or the manifest.csv of a folder"


FORMAT = Format("oneroster", TABLES, _tables_of, projection, REDACTED, is_package=True)
