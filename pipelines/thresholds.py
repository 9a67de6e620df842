"""How much of what is expected must be there, what a credit is, and when there is no new
evidence of learning: the `[coverage]`, `[gradebook]`, `[learning]`, `[marks]` and `[publication]` blocks of `district.toml`.

Belongs here: thresholds alone. What is expected and found is counted in `publication/coverage.py` and, of gradebooks, in `fct_section_gradebooks`; what
follows from it is decided in `publication/verdicts.py`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator

from pipelines.settings import Settings

Share = Annotated[Fraction, BeforeValidator(lambda value: str(value) if isinstance(value, float) else value)]  # 0.8 as it is written: four fifths, exactly

CREDIT_UNITS = 25_200  # of a thousandth of a full-year credit: the scale of `year_courses_earned` over a thousand


class Coverage(Settings):
    """When a hole in the data is named. Shares are exact, written "4/5" or 0.8."""

    attendance: Share = Fraction(4, 5)  # of a school's enrolled students whose attendance must be known on a school day (positive reporting)
    min_enrolled: int = Field(default=20, ge=1)  # smaller schools, and smaller days, are not judged
    silence: int = Field(default=5, ge=1)  # exceptions only: a day without any is a hole where the school's own habit expects this many
    unmapped_warning: Share = Fraction(1, 100)  # of a school's attendance rows with a code that is not in the code map
    unmapped_held: Share = Fraction(1, 20)
    gradebook_students: int = Field(default=5, ge=1)  # smaller classes are not judged
    gradebook_share: Share = Field(default=Fraction(1, 4), gt=0, le=1)  # of a term that may pass before a class without any assignment is named
    gradebook_silence: int = Field(default=28, ge=1)  # days without any work handed in before a class with assignments is named
    survey_response: Share = Field(default=Fraction(1, 2), ge=0, le=1)  # of a school's students asked who must have answered
    survey_days: int = Field(default=5, ge=1)  # that a wave has been open before it is judged


class Gradebook(Settings):
    """When a class's gradebook is in use: so many assignments with graded work, due in the last so many days of the calendar. And the schools at which a
    score of zero is how a teacher says that nothing was handed in; elsewhere a zero is a score. And whether work is shown by the modality in which the
    student was on the due date, and what tells it.
    """

    used_days: int = Field(default=14, ge=1)
    used_items: int = Field(default=1, ge=1)
    zero_is_missing: tuple[str, ...] = ()
    work_modality: Literal["", "attendance"] = ""


class Marks(Settings):
    """How many credits the district gives for a course of a whole school year: 1 in most, 10 or 5 in others. Exact, written 10, "15/2" or 7.5."""

    credits_of_year_course: Share = Field(default=Fraction(1), ge=Fraction(1, 10), le=100)

    @field_validator("credits_of_year_course")
    @classmethod
    def _is_exact(cls, value: Fraction) -> Fraction:
        if CREDIT_UNITS * value.denominator % value.numerator:
            raise ValueError(f"credits cannot be counted exactly in courses of {value} credits; use a number such as 0.5, 1, 5, 7.5 or 10")
        return value


class Learning(Settings):
    """After how many days of the calendar without a result of an assessment there is no new evidence of a student's learning."""

    evidence_days: int = Field(default=100, ge=1)


class Publication(Settings):
    """When a district's figure goes out although schools are held back."""

    least_coverage: Share = Field(default=Fraction(1, 2), ge=0, le=1)  # of the people, at schools that are not held; 0 holds nothing, 1 with any school all
