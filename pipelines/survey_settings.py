"""What a district says of a survey's wave before its first file is taken, and of free text."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field, model_validator

from pipelines.settings import Settings

SURVEY_FORMATS = ("google_forms", "qualtrics", "panorama")
PSEUDONYM_KEY = "THROUGHLINE_PSEUDONYM_KEY"


class Eligible(Settings):
    """Who was asked: of a student wave the roster's students on the opening date, of these grades and schools (all where empty); of others a stated count."""

    grades: tuple[str, ...] = ()
    schools: tuple[str, ...] = ()
    count: int | None = Field(default=None, ge=1)


class Survey(Settings):
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
    items: dict[str, str] = Field(default_factory=dict)  # their column -> item_title of survey_items, where they differ
    scores: dict[str, str] = Field(default_factory=dict)  # panorama: their column of a topic's score -> our name of it
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


class SurveyText(Settings):
    """Free text is kept only where somebody reads it for safety and it is deleted after a stated time (in days after the file's business date)."""

    safety_owner: str = Field(min_length=1)
    retention_days: int = Field(ge=1)
