"""One district's settings: `district.toml` and its code maps, as typed values.

The only reader of the settings file and of the environment. Everything a district decides (school years, terms, sources, column maps,
code maps, suppression, warehouse) is here; nothing about a district is in code. Dates are inclusive unless a name says otherwise.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import tomllib
from collections.abc import Iterator
from datetime import date, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator

from pipelines.api_settings import Api, Credentials
from pipelines.code_maps import CODE_MAPS
from pipelines.code_rows import read_code_map
from pipelines.index_rules import index_measures, least_n
from pipelines.priority_rules import SHIPPED
from pipelines.settings import Settings, SettingsError
from pipelines.survey_settings import PSEUDONYM_KEY, SURVEY_FORMATS, Survey, SurveyText
from pipelines.thresholds import Coverage, Gradebook, Learning, Marks, Publication, Share

Day = date  # inside Source, whose field `date` would hide the type
Format = Literal["oneroster", "lms", "canvas", "classroom", "extract", "google_forms", "qualtrics", "panorama", "registry", "edfi"]
_FETCHED_DATE = r"/rundate=(?P<date>\d{4}-\d{2}-\d{2})/(?P<sequence>\d{5})\."  # how fetched files are named; see intake/landed.py


class Term(Settings):
    """A marking term: both dates are inclusive."""

    id: str
    name: str
    start: date
    end: date


class SchoolYear(Settings):
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


class Source(Settings):
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
    table: str | None = None  # extract: a table of sources/extract_tables.toml, such as attendance
    mode: Literal["bulk", "delta"] = "bulk"
    file_type: Literal["csv", "jsonl", "json", "fixed", "excel"] = "csv"  # json: objects a line, or one list of them; Ed-Fi is always read so
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    widths: dict[str, tuple[int, int]] = Field(default_factory=dict)  # fixed: column -> first and last character, counted from 1
    sheet: str | int | None = None  # excel: its name, or its place counted from 1
    header_row: int | None = Field(default=None, ge=0)  # excel (1 where silent) and fixed (0: no header)
    encoding: str = "utf-8"
    columns: dict[str, str] = Field(default_factory=dict)  # extract: our column -> theirs (a dotted path in jsonl)
    constants: dict[str, str] = Field(default_factory=dict)  # extract: our column -> a fixed value
    date_formats: dict[str, str] = Field(default_factory=dict)  # our column -> strptime format; ISO where silent
    redact: tuple[str, ...] = ()  # columns dropped before raw, besides those of the built-in list
    keep: tuple[str, ...] = ()  # columns of the built-in list (passwords, SSNs and the like) that stay all the same
    blank_is: Literal["unknown", "missing"] = "unknown"  # gradebook exports: what an empty cell says of the work
    without: tuple[str, ...] = ()  # edfi: resources that are not read, such as those that an extract brings
    survey: Survey | None = None
    api: Api | None = None

    @model_validator(mode="before")
    @classmethod
    def _fetched(cls, values: Any) -> Any:
        """Files that we fetch ourselves say their date and order in our own way."""
        return {"date": _FETCHED_DATE, **values} if isinstance(values, dict) and values.get("api") else values

    @model_validator(mode="before")
    @classmethod
    def _as_the_format_is(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("format") == "edfi":
            return {"file_type": "json", **values}
        return values

    @model_validator(mode="after")
    def _complete(self) -> Source:
        if self.api and self.format != "edfi":
            raise ValueError(f"source {self.id}: a [sources.api] block belongs to format = 'edfi' alone")
        if self.api and not self.root:
            raise ValueError(f"source {self.id}: fetched files need a folder of their own; begin path with one, such as path = '{self.id}/**/*.jsonl'")
        if self.api and not self.fetched:
            raise ValueError(f"source {self.id}: without names every resource of [sources.api]; nothing is left to fetch")
        if self.format == "extract" and not self.table:
            raise ValueError(f"source {self.id}: an extract needs table = 'attendance', 'calendar', 'programs' or another that docs/sources.md lists")
        self._check_layout()
        if self.format in SURVEY_FORMATS:
            self._is_survey()
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

    @property
    def fetched(self) -> tuple[str, ...]:
        """The resources that are asked of its API."""
        return tuple(r for r in self.api.resources if r not in self.without) if self.api else ()

    def _check_layout(self) -> None:
        if bool(self.widths) != (self.file_type == "fixed"):
            raise ValueError(f"source {self.id}: widths go with file_type = 'fixed', which needs them: widths = {{ student_id = [1, 10] }}")
        if self.sheet is not None and self.file_type != "excel":
            raise ValueError(f"source {self.id}: sheet goes with file_type = 'excel'")
        if self.header_row is not None and self.file_type not in ("excel", "fixed"):
            raise ValueError(f"source {self.id}: header_row goes with file_type = 'excel' or 'fixed'")
        if self.format == "oneroster" and self.file_type != "csv":
            raise ValueError(f"source {self.id}: a OneRoster package is CSV; leave file_type out")
        if self.format == "edfi" and self.file_type != "json":
            raise ValueError(f"source {self.id}: Ed-Fi resources are JSON; leave file_type out, or set it to 'json'")
        if self.format == "classroom" and self.file_type != "csv":
            raise ValueError(f"source {self.id}: a grade export of Google Classroom is CSV; leave file_type out")
        place = 0
        for name, (first, last) in sorted(self.widths.items(), key=lambda item: item[1]):
            if not place < first <= last:
                raise ValueError(f"source {self.id}: widths.{name} = [{first}, {last}] must be first and last character, counted from 1, and overlap no other")
            place = last

    def _is_survey(self) -> None:
        if not self.survey:
            raise ValueError(f"source {self.id}: a survey export needs a [sources.survey] block")
        if self.file_type != "csv":
            raise ValueError(f"source {self.id}: a survey export is a CSV file")
        if self.format == "panorama" and not (self.survey.timestamp_column or self.survey.closes):
            raise ValueError(f"source {self.id}: its files say no time of answering; give timestamp_column or closes in its survey block")


class Attendance(Settings):
    """How attendance is reported, and what makes a day absent where it is told by period or in minutes.

    `positive`: every student has a row each day. `exceptions`: only those who were not simply present, but for the `positive_schools` (virtual ones).
    `half_of_periods`: the day is absent where the share of its scheduled periods missed is at or above `day_fraction`; `minutes`: the same of its scheduled
    minutes; `any_period`: where anything was missed; `proportional`: the share missed, in thousandths of a day.
    A tardy counts what its code says or, from `tardy_absent_from_minutes` on, as an absence of its period.
    """

    reporting: Literal["positive", "exceptions"] = "positive"
    positive_schools: tuple[str, ...] = ()
    day_rule: Literal["half_of_periods", "minutes", "any_period", "proportional"] = "half_of_periods"
    day_fraction: Share = Field(default=Fraction(1, 2), gt=0, le=1)  # of the periods or minutes, exact: "1/2" or 0.5
    tardy_absent_from_minutes: int | None = Field(default=None, ge=1)


class Enrollment(Settings):
    """What an enrollment extract's dates mean, and what a day of a student in part, or at two schools at once, counts.

    `exit_is_inclusive`: the exit date is the last day enrolled; else the first day no longer enrolled.
    `by_share`: a day counts the enrollment's share at its school, and a student's shares of one day are never more than a whole; `once_at_primary`: the
    whole day counts at the primary school and not at others; `at_each_school`: at every school. A roster says no shares, so that by share its days are whole.
    `gone_is`: a row that a later whole file of its school year lacks `ended` with it, or (where files list leavers) `never_was`: a no-show deleted later.
    """

    exit_is_inclusive: bool = False
    gone_is: Literal["ended", "never_was"] = "ended"
    day_counts: Literal["by_share", "once_at_primary", "at_each_school"] = "by_share"


class Suppression(Settings):
    min_n: int = Field(default=10, ge=1)


class Warehouse(Settings):
    url: str = "duckdb:///data/warehouse/throughline.duckdb"
    retain: int = Field(default=30, ge=2)


class Paths(Settings):
    landing: str = "landing"
    data: str = "data"
    codes: str = "codes"


class Intake(Settings):
    settle_seconds: float = Field(default=1.0, ge=0)  # a file must keep its size this long before it is taken
    max_unpacked_bytes: int = 20_000_000_000
    max_ratio: int = 200  # unpacked to packed, above which a zip is refused
    max_entries: int = 1_000
    max_workbook_bytes: int = 300_000_000  # of an Excel workbook, unpacked: its reader holds a sheet whole
    max_workbook_cells: int = 10_000_000  # rows times columns that a sheet's cells reach over
    max_line_chars: int = Field(default=4_000_000, ge=1_000)  # of a line, and of a record whose cells hold line breaks
    max_cell_chars: int = Field(default=131_072, ge=1_000)  # a longer cell is taken for a quotation mark that was never closed
    max_columns: int = Field(default=5_000, ge=1)  # of a header, or different names in a JSON file
    min_free_bytes: int = Field(default=1_000_000_000, ge=0)  # left on the data folder's disk after a file is taken


class Identity(Settings):
    id: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    name: str
    timezone: str = "America/New_York"
    agencies: tuple[str, ...] = ()  # agency ids whose schools are the district's (a OneRoster school's is its parent); all schools where silent

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as e:
            raise ValueError(f"timezone {value!r} is not known; use a name such as America/Chicago") from e
        return value


# Tables of an extract, and the Ed-Fi resources that say the same.
SAID_TWICE: dict[str, tuple[str, ...]] = {
    "assessments": ("studentAssessments",),
    "attendance": ("studentSchoolAttendanceEvents",),
    "attendance_periods": ("studentSchoolAttendanceEvents",),
    "calendar": ("calendarDates",),
    "discipline": ("disciplineActions", "studentDisciplineIncidentBehaviorAssociations"),
    "marks": ("grades",),
    "staff_assignments": ("staffSectionAssociations", "staffEducationOrganizationAssignmentAssociations"),
}
_OF_THE_WAVE = ("role", "respondent", "consent_basis", "keep", "opens", "closes", "eligible")  # what all sources of one wave must agree on


class District(Settings):
    """A district's settings, whole. `folder` is where `district.toml` stands."""

    folder: Path
    district: Identity
    school_years: tuple[SchoolYear, ...]
    sources: tuple[Source, ...]
    attendance: Attendance = Attendance()
    coverage: Coverage = Coverage()
    enrollment: Enrollment = Enrollment()
    gradebook: Gradebook = Gradebook()
    learning: Learning = Learning()
    marks: Marks = Marks()
    publication: Publication = Publication()
    suppression: Suppression = Suppression()
    warehouse: Warehouse = Warehouse()
    paths: Paths = Paths()
    intake: Intake = Intake()
    survey_text: SurveyText | None = None

    @model_validator(mode="after")
    def _unique(self) -> District:
        ids = [s.id for s in self.sources]
        if twice := sorted({i for i in ids if ids.count(i) > 1}):
            raise ValueError(f"source ids must be unique; used twice: {', '.join(twice)}")
        for before, after in zip(self.school_years, self.school_years[1:], strict=False):
            if after.start <= before.end:
                raise ValueError(f"school years {before.year} and {after.year} overlap or are out of order")
        declared: dict[tuple[str, str], Survey] = {}
        for survey in (s.survey for s in self.sources if s.survey):
            first = declared.setdefault((survey.survey_id, survey.wave_id), survey)
            if any(getattr(first, name) != getattr(survey, name) for name in _OF_THE_WAVE):
                raise ValueError(f"two sources declare wave {survey.wave_id!r} of survey {survey.survey_id!r} differently ({', '.join(_OF_THE_WAVE)})")
        spoken = {r for s in self.sources if s.format == "edfi" for r in set().union(*SAID_TWICE.values()) - set(s.without)}
        for s in self.sources:
            if both := sorted(set(SAID_TWICE.get(s.table or "", ())) & spoken) if s.format == "extract" else []:
                raise ValueError(f"source {s.id} brings {s.table}, and Ed-Fi too: it would count twice. Give the edfi source without = {both}")
        if self.gradebook.work_modality == "attendance" and self.attendance.reporting == "exceptions":
            raise ValueError(
                "gradebook.work_modality = 'attendance' needs attendance of every student and day, and attendance.reporting is 'exceptions': who was there has "
                "no row that says how. Take work_modality out"
            )
        return self

    @property
    def surveys(self) -> tuple[Survey, ...]:
        """One declaration for each wave, in the order of the settings."""
        waves = {(s.survey.survey_id, s.survey.wave_id): s.survey for s in reversed(self.sources) if s.survey}
        return tuple(reversed(waves.values()))

    @property
    def pseudonym_key(self) -> bytes | None:
        """The key that pseudonyms are made with: only from the environment, never in the settings. None where there is none of 16 characters or more."""
        key = os.environ.get(PSEUDONYM_KEY, "").encode()
        return key if len(key) >= 16 else None

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
        """The rows of one code map, text as written. An absent file is an empty map; of the rules for priority students it is the shipped ones."""
        path = self.folder / self.paths.codes / f"{name}.csv"
        if not path.exists() and name == "priority_rules":
            path = SHIPPED
        if not path.exists():
            return []
        if name == "index_measures":
            rows = read_code_map(path, name, index_measures(self.code_map("index_cut_points"), self.suppression.min_n))
            return [{**row, "least_n": least_n(row, self.suppression.min_n)} for row in rows]
        return read_code_map(path, name)

    def fingerprint(self) -> str:
        """SHA-256 over every setting that can change a figure (not over where things are kept)."""
        digest = hashlib.sha256()
        kept = {"district", "school_years", "sources", "attendance", "enrollment", "gradebook", "learning", "marks"}
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
