"""Which indicators of the registry stand on what: for tests that ask what a stopped file holds back."""

from __future__ import annotations

from pipelines.lineage.graph import measures_of_indicators, registry


def measured_by(*models: str) -> frozenset[str]:
    """The indicators of which a measure is counted by one of these models."""
    measures = {m["measure_id"] for m in registry("measures") if m["model"] in models}
    return frozenset(indicator for indicator, some in measures_of_indicators().items() if some & measures)


ATTENDANCE = measured_by("msr_attendance")
WORK = measured_by("msr_assignments", "msr_marks")
SURVEY = measured_by("msr_survey_answers")
REACH = measured_by("msr_survey_reach")  # of waves that ask by name
ASKED = ("", "belonging", "known_by_adult", "connection")  # constructs that the synthetic district's survey asks, and all questions together
_NOT_ASKED = {m["measure_id"] for m in registry("measures") if m["model"] == "msr_survey_answers" and m["construct"] not in ASKED}
LEARNING = measured_by("msr_assessments", "msr_growth")
GROWTH = frozenset(
    i["indicator_id"] for i in registry("indicators") if i["denominator_measure"].startswith("growth_known")
)  # of 30 students of a grade or more
_LATE = ("growth_percentile", "growth_percentile_known", "pace_known", "levels_short", "levels_over")  # no source sends them; of two months no pace is known
_NOT_SAID = {m["measure_id"] for m in registry("learning_measures") if m["counted"] in _LATE or m["assessment_kind"] == "summative"}
# of what the synthetic district's files of the first two months do not say
UNSENT = frozenset(i for i, some in measures_of_indicators().items() if some & (_NOT_ASKED | _NOT_SAID)) | measured_by(
    "msr_discipline", "msr_incidents", "msr_minutes", "msr_final_marks", "msr_assignment_reviews", "msr_survey_reach"
)
