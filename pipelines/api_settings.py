"""What a district says of an Ed-Fi ODS/API whose records are fetched: where it is, how it is read, and where its key and secret are found."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from pipelines.settings import Settings

# What is asked of an Ed-Fi ODS/API where the settings name no resources: what the reader reads (of program associations the
# common ones) and nothing else, each after what it refers to.
# Data standards differ (studentDemographics came with 6.0): one that a server does not know is passed over and said.
EDFI_RESOURCES = (
    "localEducationAgencies", "schools", "calendarDates", "sessions", "gradingPeriods", "courses", "courseOfferings", "sections",
    "students", "studentSchoolAssociations", "studentEducationOrganizationAssociations", "studentDemographics", "studentSectionAssociations",
    "staffs", "staffEducationOrganizationAssignmentAssociations", "staffSectionAssociations",
    "studentSchoolAttendanceEvents", "studentSectionAttendanceEvents",
    "disciplineIncidents", "studentDisciplineIncidentBehaviorAssociations", "disciplineActions",
    "studentProgramAssociations", "studentSpecialEducationProgramAssociations", "studentLanguageInstructionProgramAssociations",
    "studentSchoolFoodServiceProgramAssociations", "studentTitleIPartAProgramAssociations", "studentHomelessProgramAssociations",
    "gradebookEntries", "studentGradebookEntries", "grades", "assessments", "studentAssessments",
    "surveys", "surveyQuestions", "surveyResponses", "surveyQuestionResponses",
)  # fmt: skip
_ENVIRONMENT_NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Api(Settings):
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


class Credentials(Settings):
    """The key and secret of an API client. Neither shows in `repr` or in an error."""

    key: SecretStr
    secret: SecretStr
