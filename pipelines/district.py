"""One district's settings: `district.toml` and its code maps, as typed values.

The only reader of the settings file and of the environment. Everything a district decides (school years, terms, sources, column maps,
code maps, suppression, warehouse) is here; nothing about a district is in code. Dates are inclusive unless a name says otherwise.
"""

from __future__ import annotations

import csv
import hashlib
import itertools
import os
import re
import tomllib
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

Day = date  # inside Source, whose field `date` would hide the type
Format = Literal["oneroster", "lms", "extract", "google_forms", "edfi"]

# What is asked of an Ed-Fi ODS/API where the settings name no resources: those that measures stand on, each after what it refers to.
# Data standards differ (studentDemographics came with 6.0): one that a server does not know is passed over and said.
EDFI_RESOURCES = (
    "localEducationAgencies", "schools", "calendars", "calendarDates", "sessions", "gradingPeriods", "courses", "courseOfferings", "sections",
    "students", "studentSchoolAssociations", "studentEducationOrganizationAssociations", "studentDemographics", "studentSectionAssociations",
    "staffs", "staffEducationOrganizationAssignmentAssociations", "staffSectionAssociations",
    "studentSchoolAttendanceEvents", "studentSectionAttendanceEvents",
    "disciplineIncidents", "studentDisciplineIncidentBehaviorAssociations", "disciplineActions",
    "programs", "studentProgramAssociations", "studentSpecialEducationProgramAssociations", "studentLanguageInstructionProgramAssociations",
    "studentSchoolFoodServiceProgramAssociations", "studentTitleIPartAProgramAssociations", "studentHomelessProgramAssociations",
    "gradebookEntries", "studentGradebookEntries", "grades", "studentAcademicRecords", "courseTranscripts",
    "surveys", "surveyQuestions", "surveyResponses", "surveyQuestionResponses",
)  # fmt: skip
_FETCHED_DATE = r"/rundate=(?P<date>\d{4}-\d{2}-\d{2})/(?P<sequence>\d{5})\."  # how fetched files are named; see intake/landed.py
_ENVIRONMENT_NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class SettingsError(Exception):
    """The district's settings cannot be used; the message names the file, the place and the remedy."""


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Term(_Settings):
    """A marking term: both dates are inclusive."""

    id: str
    name: str
    start: date
    end: date


class SchoolYear(_Settings):
    """A school year, named by the calendar year in which it ends; both dates are inclusive."""

    year: int
    start: date
    end: date
    terms: tuple[Term, ...] = ()

    @model_validator(mode="after")
    def _ordered(self) -> SchoolYear:
        if self.end <= self.start:
            raise ValueError(f"school year {self.year} ends on or before it starts")
        for term in self.terms:
            if not (self.start <= term.start <= term.end <= self.end):
                raise ValueError(f"term {term.id} does not lie inside school year {self.year}")
        for before, after in zip(self.terms, self.terms[1:], strict=False):
            if after.start <= before.end:
                raise ValueError(f"terms {before.id} and {after.id} overlap or are out of order")
        return self


class Survey(_Settings):
    """What one wave of a survey is: which survey, who answered, and which columns say where."""

    survey_id: str
    wave_id: str
    role: Literal["student", "family", "staff"] = "student"
    anonymous: Literal[True] = True
    timestamp_column: str = "Timestamp"
    school_column: str | None = None
    grade_column: str | None = None


class Api(_Settings):
    """An Ed-Fi ODS/API whose records are fetched into the landing folder before intake.

    `url` is the address below which `token_path`, `data_path` and `changes_path` lie. `key_env` and `secret_env` name environment variables: the
    key and the secret themselves stand in no file. `timeout_seconds` holds for connecting and for each silence; a whole reply may take ten times that.
    """

    url: str
    key_env: str = Field(pattern=_ENVIRONMENT_NAME)
    secret_env: str = Field(pattern=_ENVIRONMENT_NAME)
    resources: tuple[Annotated[str, Field(pattern=r"^[a-z][A-Za-z0-9]*$")], ...] = Field(default=EDFI_RESOURCES, min_length=1)
    page_size: int = Field(default=500, ge=1)
    paging: Literal["auto", "cursor", "offset"] = "auto"
    timeout_seconds: float = Field(default=60, gt=0)
    attempts: int = Field(default=6, ge=1)  # of one request, and of reading a resource that changes while it is read
    backoff_seconds: float = Field(default=1.0, ge=0)  # before the second attempt; doubled before each further one
    token_path: str = "/oauth/token"  # noqa: S105 (an address)
    data_path: str = "/data/v3"  # with a year, where the server is year-specific: /data/v3/2026
    changes_path: str = "/changeQueries/v1"

    @field_validator("url")
    @classmethod
    def _safe(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("url must hold no user name, password or query: name environment variables with key_env and secret_env")
        if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)):
            raise ValueError("url must be an https:// address: the token and students' records travel over it")
        return value.rstrip("/")

    @field_validator("resources")
    @classmethod
    def _once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if twice := sorted({r for r in value if value.count(r) > 1}):
            raise ValueError(f"resources are named twice: {', '.join(twice)}")
        return value

    @property
    def asks_for_defaults(self) -> bool:
        return "resources" not in self.model_fields_set


class Credentials(_Settings):
    """The key and secret of an API client. Neither shows in `repr` or in an error."""

    key: SecretStr
    secret: SecretStr


class Source(_Settings):
    """One stream of files under the landing folder.

    `path` is a glob below the landing folder. `date` is a regular expression over the path (with `/` as separator) whose named group
    `date` is the business date (and `sequence`, where present, the order among files of one date: a number to 99999, or a time HH-MM-SS).
    A stream whose path says no date has a fixed `business_date` instead.
    `mode` is `bulk` (the file holds everything in its scope) or `delta` (changes only); OneRoster packages say it themselves.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    format: Format
    path: str
    date: str = r"(?P<date>\d{4}-\d{2}-\d{2})"
    date_format: str = "%Y-%m-%d"  # how the date is written in the path
    business_date: Day | None = None  # where the path does not say it
    table: str | None = None  # extract: attendance, calendar or programs
    mode: Literal["bulk", "delta"] = "bulk"
    file_type: Literal["csv", "jsonl"] = "csv"
    delimiter: str = ","
    encoding: str = "utf-8"
    columns: dict[str, str] = {}  # extract: our column -> theirs (a dotted path in jsonl)
    constants: dict[str, str] = {}  # extract: our column -> a fixed value
    date_formats: dict[str, str] = {}  # our column -> strptime format; ISO where silent
    redact: tuple[str, ...] = ()  # columns dropped before raw
    survey: Survey | None = None
    api: Api | None = None

    @model_validator(mode="before")
    @classmethod
    def _fetched(cls, values: Any) -> Any:
        """Files that we fetch ourselves say their date and order in our own way."""
        return {"date": _FETCHED_DATE, **values} if isinstance(values, dict) and values.get("api") else values

    @model_validator(mode="after")
    def _complete(self) -> Source:
        if self.api and self.format != "edfi":
            raise ValueError(f"source {self.id}: a [sources.api] block belongs to format = 'edfi' alone")
        if self.api and not self.root:
            raise ValueError(f"source {self.id}: fetched files need a folder of their own; begin path with one, such as path = '{self.id}/**/*.jsonl'")
        if self.format == "extract" and not self.table:
            raise ValueError(f"source {self.id}: an extract needs table = 'attendance', 'calendar' or 'programs'")
        if self.format == "google_forms" and not self.survey:
            raise ValueError(f"source {self.id}: a survey export needs a [sources.survey] block")
        try:
            if "date" not in re.compile(self.date).groupindex and self.business_date is None:
                raise ValueError(f"source {self.id}: the 'date' expression needs a group (?P<date>...), or set business_date")
        except re.error as e:
            raise ValueError(f"source {self.id}: 'date' is not a regular expression: {e}") from e
        return self

    @property
    def root(self) -> str:
        """The folders of `path` before its first wildcard; "" where there are none."""
        folders = self.path.removeprefix("./").split("/")[:-1]
        return "/".join(itertools.takewhile(lambda part: part not in ("", "..") and not set(part) & set("*?["), folders))


class Attendance(_Settings):
    """`positive`: every student has a row each day. `exceptions`: only those who were not simply present."""

    reporting: Literal["positive", "exceptions"] = "positive"


class Suppression(_Settings):
    min_n: int = Field(default=10, ge=1)


class Warehouse(_Settings):
    url: str = "duckdb:///data/warehouse/throughline.duckdb"
    retain: int = Field(default=30, ge=2)


class Paths(_Settings):
    landing: str = "landing"
    data: str = "data"
    codes: str = "codes"


class Intake(_Settings):
    settle_seconds: float = Field(default=1.0, ge=0)  # a file must keep its size this long before it is taken
    max_unpacked_bytes: int = 20_000_000_000
    max_ratio: int = 200  # unpacked to packed, above which a zip is refused
    max_entries: int = 1_000


class Identity(_Settings):
    id: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    name: str
    timezone: str = "America/New_York"

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as e:
            raise ValueError(f"timezone {value!r} is not known; use a name such as America/Chicago") from e
        return value


# The code maps a district keeps as CSV under its codes folder: file stem -> columns.
CODE_MAPS: dict[str, tuple[str, ...]] = {
    "attendance_codes": ("code", "absent_share", "is_excused", "is_tardy"),
    "calendar_codes": ("code", "is_instructional"),
    "program_codes": ("code", "group_family", "group_value"),
    "survey_items": ("survey_id", "item_title", "item_id", "construct", "scale_id", "is_reversed"),
    "survey_scales": ("scale_id", "answer", "value", "minimum", "maximum", "favorable_from"),
}


class District(_Settings):
    """A district's settings, whole. `folder` is where `district.toml` stands."""

    folder: Path
    district: Identity
    school_years: tuple[SchoolYear, ...]
    sources: tuple[Source, ...]
    attendance: Attendance = Attendance()
    suppression: Suppression = Suppression()
    warehouse: Warehouse = Warehouse()
    paths: Paths = Paths()
    intake: Intake = Intake()

    @model_validator(mode="after")
    def _unique(self) -> District:
        ids = [s.id for s in self.sources]
        if twice := sorted({i for i in ids if ids.count(i) > 1}):
            raise ValueError(f"source ids must be unique; used twice: {', '.join(twice)}")
        for before, after in zip(self.school_years, self.school_years[1:], strict=False):
            if after.start <= before.end:
                raise ValueError(f"school years {before.year} and {after.year} overlap or are out of order")
        return self

    @property
    def landing(self) -> Path:
        return self.folder / self.paths.landing

    @property
    def data(self) -> Path:
        return self.folder / self.paths.data

    @property
    def warehouse_url(self) -> str:
        """The warehouse's address; `THROUGHLINE_WAREHOUSE_URL` (where secrets belong) wins over the file."""
        url = os.environ.get("THROUGHLINE_WAREHOUSE_URL", self.warehouse.url)
        if url.startswith("duckdb:///") and not url.startswith("duckdb:////"):
            # not resolved: the path is a link that every publication swaps
            return f"duckdb:///{self.folder / url.removeprefix('duckdb:///')}"
        return url

    def source(self, source_id: str) -> Source:
        return next(s for s in self.sources if s.id == source_id)

    def credentials(self, source: Source) -> Credentials:
        """What a source's API is entered with, from the environment. Raises SettingsError naming the variable that is missing."""
        api = source.api
        if api is None:
            raise SettingsError(f"source {source.id}: has no [sources.api] block")
        values = {name: os.environ.get(name, "") for name in (api.key_env, api.secret_env)}
        if missing := [name for name, value in values.items() if not value.strip()]:
            raise SettingsError(f"source {source.id}: {' and '.join(missing)} not set in the environment; set what key_env and secret_env name")
        return Credentials(key=SecretStr(values[api.key_env]), secret=SecretStr(values[api.secret_env]))

    def source_rank(self, source_id: str) -> int:
        """Position in the settings file: of two files of one business date the later source wins."""
        return next(i for i, s in enumerate(self.sources) if s.id == source_id)

    def today(self) -> date:
        """The date by the district's own clock."""
        return datetime.now(ZoneInfo(self.district.timezone)).date()

    def school_year_of(self, day: date) -> SchoolYear | None:
        return next((y for y in self.school_years if y.start <= day <= y.end), None)

    def code_map(self, name: str) -> list[dict[str, str]]:
        """The rows of one code map, text as written; an absent file is an empty map."""
        path = self.folder / self.paths.codes / f"{name}.csv"
        if not path.exists():
            return []
        with path.open(newline="", encoding="utf-8-sig") as f:
            reader = csv.DictReader(f)
            if missing := [c for c in CODE_MAPS[name] if c not in (reader.fieldnames or ())]:
                raise SettingsError(f"{path}, line 1: no column {', '.join(missing)}; the header must be {','.join(CODE_MAPS[name])}")
            return [{c: (row[c] or "").strip() for c in CODE_MAPS[name]} for row in reader]

    def fingerprint(self) -> str:
        """SHA-256 over every setting that can change a figure (not over where things are kept)."""
        digest = hashlib.sha256()
        kept = {"district", "school_years", "sources", "attendance"}
        digest.update(self.model_dump_json(include=kept, exclude={"sources": {"__all__": {"api"}}}).encode())
        for name in CODE_MAPS:
            digest.update(repr(self.code_map(name)).encode())
        return digest.hexdigest()


def load_district(folder: Path | str) -> District:
    """Read `folder/district.toml`. Raises SettingsError naming the file, the place and what to do."""
    path = Path(folder) / "district.toml"
    try:
        raw: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as e:
        raise SettingsError(f"{path}: not found; name the district's folder with --district DIR") from e
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        raise SettingsError(f"{path}: not readable as TOML: {e}") from e
    try:
        return District(folder=path.parent.resolve(), **raw)
    except (ValidationError, TypeError) as e:
        raise SettingsError(f"{path}: {_plain(e)}") from e


def _plain(error: ValidationError | TypeError) -> str:
    def lines(e: ValidationError) -> Iterator[str]:
        for item in e.errors():
            where = ".".join(str(part) for part in item["loc"]) or "settings"
            yield f"{where}: {item['msg']}"

    return "; ".join(lines(error)) if isinstance(error, ValidationError) else str(error)
