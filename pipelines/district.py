"""One district's settings: `district.toml` and its code maps, as typed values.

The only reader of the settings file and of the environment. Everything a district decides (school years, terms, sources, column maps,
code maps, suppression, warehouse) is here; nothing about a district is in code. Dates are inclusive unless a name says otherwise.
"""

from __future__ import annotations

import csv
import hashlib
import os
import re
import tomllib
from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from pipelines.code_maps import CODE_MAPS, OPTIONAL_COLUMNS, code_columns
from pipelines.thresholds import Coverage

Day = date  # inside Source, whose field `date` would hide the type
Format = Literal["oneroster", "lms", "canvas", "classroom", "extract", "google_forms", "qualtrics", "panorama", "registry"]
SURVEY_FORMATS = ("google_forms", "qualtrics", "panorama")
PSEUDONYM_KEY = "THROUGHLINE_PSEUDONYM_KEY"


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


class Eligible(_Settings):
    """Who was asked: of a student wave the roster's students on the opening date, of these grades and schools (all where empty); of others a stated count."""

    grades: tuple[str, ...] = ()
    schools: tuple[str, ...] = ()
    count: int | None = Field(default=None, ge=1)


class Survey(_Settings):
    """What one wave of a survey is: which survey, who answered and by what right, and which columns say where.

    `respondent`: of an `anonymous` wave nothing that says who answered is kept; of a `pseudonymous` one a keyed hash of `respondent_column`; of a
    `linked` one the column itself. The last two name their `consent_basis` and the words of it. `keep` says what counts where one respondent answers
    several times: `all`, the `latest`, or that it must not happen (`one`: they are set aside). Dates are inclusive.
    """

    survey_id: str
    wave_id: str
    role: Literal["student", "family", "staff"] = "student"
    respondent: Literal["anonymous", "pseudonymous", "linked"] = "anonymous"
    consent_basis: Literal["consent", "opt_out"] | None = None
    consent_text: str = ""
    respondent_column: str | None = None
    keep: Literal["all", "latest", "one"] = "all"
    opens: date | None = None
    closes: date | None = None
    eligible: Eligible = Eligible()
    timestamp_column: str | None = None  # each format has its own where silent
    school_column: str | None = None
    grade_column: str | None = None
    items: dict[str, str] = {}  # their column -> item_title of survey_items, where they differ
    scores: dict[str, str] = {}  # panorama: their column of a topic's score -> our name of it
    statuses: tuple[str, ...] = ("0", "IP Address")  # qualtrics: kept; previews and spam are not among them
    min_progress: int = Field(default=100, ge=0, le=100)  # qualtrics: an unfinished response is kept from this percentage on

    @model_validator(mode="after")
    def _declared(self) -> Survey:
        wave = f"wave {self.wave_id!r} of survey {self.survey_id!r}"
        if self.respondent == "anonymous":
            if self.respondent_column:
                raise ValueError(f"{wave} is anonymous and names a respondent_column: take it out, or declare the wave pseudonymous or linked")
            if self.keep != "all":
                raise ValueError(f"{wave} is anonymous: keep = {self.keep!r} needs to know who answered")
        else:
            if not self.consent_basis or not self.consent_text.strip():
                raise ValueError(f"{wave} is {self.respondent}: say consent_basis ('consent' or 'opt_out') and consent_text (what people were told)")
            if not self.respondent_column:
                raise ValueError(f"{wave} is {self.respondent}: name the respondent_column")
        if self.opens and self.closes and self.closes < self.opens:
            raise ValueError(f"{wave} closes before it opens")
        if self.role != "student" and (self.eligible.grades or self.eligible.schools):
            raise ValueError(f"{wave} asks {self.role}: the roster does not say who that is; give eligible.count")
        return self


class SurveyText(_Settings):
    """Free text is kept only where somebody reads it for safety and it is deleted after a stated time (in days after the file's business date)."""

    safety_owner: str = Field(min_length=1)
    retention_days: int = Field(ge=1)


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
    table: str | None = None  # extract: a table of sources/extract_tables.toml, such as attendance
    mode: Literal["bulk", "delta"] = "bulk"
    file_type: Literal["csv", "jsonl", "fixed", "excel"] = "csv"
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    widths: dict[str, tuple[int, int]] = {}  # fixed: column -> first and last character, counted from 1
    sheet: str | int | None = None  # excel: its name, or its place counted from 1
    header_row: int | None = Field(default=None, ge=0)  # excel (1 where silent) and fixed (0: no header)
    encoding: str = "utf-8"
    columns: dict[str, str] = {}  # extract: our column -> theirs (a dotted path in jsonl)
    constants: dict[str, str] = {}  # extract: our column -> a fixed value
    date_formats: dict[str, str] = {}  # our column -> strptime format; ISO where silent
    redact: tuple[str, ...] = ()  # columns dropped before raw, besides those of the built-in list
    keep: tuple[str, ...] = ()  # columns of the built-in list (passwords, SSNs and the like) that stay all the same
    blank_is: Literal["unknown", "missing"] = "unknown"  # gradebook exports: what an empty cell says of the work
    survey: Survey | None = None

    @model_validator(mode="after")
    def _complete(self) -> Source:
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

    def _check_layout(self) -> None:
        if bool(self.widths) != (self.file_type == "fixed"):
            raise ValueError(f"source {self.id}: widths go with file_type = 'fixed', which needs them: widths = {{ student_id = [1, 10] }}")
        if self.sheet is not None and self.file_type != "excel":
            raise ValueError(f"source {self.id}: sheet goes with file_type = 'excel'")
        if self.header_row is not None and self.file_type not in ("excel", "fixed"):
            raise ValueError(f"source {self.id}: header_row goes with file_type = 'excel' or 'fixed'")
        if self.format == "oneroster" and self.file_type != "csv":
            raise ValueError(f"source {self.id}: a OneRoster package is CSV; leave file_type out")
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


class Attendance(_Settings):
    """How attendance is reported, and what makes a day absent where it is told by period or in minutes.

    `positive`: every student has a row each day. `exceptions`: only those who were not simply present.
    `half_of_periods`: the day is absent where the share of its scheduled periods missed is at or above `day_fraction` (1/2); `minutes`: the same of its
    scheduled minutes; `any_period`: where anything was missed; `proportional`: the share missed, in thousandths of a day.
    A tardy counts what its code says or, from `tardy_absent_from_minutes` on, as an absence of its period.
    """

    reporting: Literal["positive", "exceptions"] = "positive"
    day_rule: Literal["half_of_periods", "minutes", "any_period", "proportional"] = "half_of_periods"
    day_fraction: Fraction = Field(default=Fraction(1, 2), gt=0, le=1)  # exact: "1/2" of the periods, never 0.5
    tardy_absent_from_minutes: int | None = Field(default=None, ge=1)


class Enrollment(_Settings):
    """What an enrollment extract's dates mean, and what a day of a student in part, or at two schools at once, counts.

    `exit_is_inclusive`: the exit date is the last day enrolled; else the first day no longer enrolled.
    `by_share`: a day counts the enrollment's share at its school, and a student's shares of one day are never more than a whole; `once_at_primary`: the
    whole day counts at the primary school and not at others; `at_each_school`: a whole day counts at every school. A roster says no shares, so that by
    share its days are whole.
    """

    exit_is_inclusive: bool = False
    day_counts: Literal["by_share", "once_at_primary", "at_each_school"] = "by_share"


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
    max_workbook_bytes: int = 300_000_000  # of an Excel workbook, unpacked: its reader holds a sheet whole
    max_workbook_cells: int = 10_000_000  # rows times columns that a sheet's cells reach over
    max_line_chars: int = Field(default=4_000_000, ge=1_000)  # of a line, and of a record whose cells hold line breaks
    max_cell_chars: int = Field(default=131_072, ge=1_000)  # a longer cell is taken for a quotation mark that was never closed
    max_columns: int = Field(default=5_000, ge=1)  # of a header, or different names in a JSON file
    min_free_bytes: int = Field(default=1_000_000_000, ge=0)  # left on the data folder's disk after a file is taken


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


_OF_THE_WAVE = ("role", "respondent", "consent_basis", "keep", "opens", "closes", "eligible")  # what all sources of one wave must agree on


class District(_Settings):
    """A district's settings, whole. `folder` is where `district.toml` stands."""

    folder: Path
    district: Identity
    school_years: tuple[SchoolYear, ...]
    sources: tuple[Source, ...]
    attendance: Attendance = Attendance()
    coverage: Coverage = Coverage()
    enrollment: Enrollment = Enrollment()
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

    def source_rank(self, source_id: str) -> int:
        """Position in the settings file: of two files of one business date the later source wins."""
        return next(i for i, s in enumerate(self.sources) if s.id == source_id)

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
            defaults = OPTIONAL_COLUMNS.get(name, {})
            return [{c: (row.get(c) or "").strip() or defaults.get(c, "") for c in code_columns(name)} for row in reader]

    def fingerprint(self) -> str:
        """SHA-256 over every setting that can change a figure (not over where things are kept)."""
        digest = hashlib.sha256()
        kept = {"district", "school_years", "sources", "attendance", "enrollment"}
        digest.update(self.model_dump_json(include=kept).encode())
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
