"""An indicator's definition in plain words, from the registry.

Belongs here: turning registry rows into sentences. A definition that cannot be told from the registry is in the wrong place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.lineage.graph import Manifest, measures_of_indicators, registry

ROLLUPS: Mapping[str, str] = {
    "sum": "Totals are added up over people and days, and divided once at the end: never an average of rates.",
    "flag_of_total": "Each person's total for the year so far is held against the threshold once; then the people are counted.",
    "distinct": "Each person counts once, however often it happened in the year so far.",
    "total_per_person": "Each person's total for the year so far is added up over people and divided by the people: those who have none count as none.",
    "ratio_per_person": "Each person's own ratio for the year so far, to a thousandth, is added up over people and divided by the people: each counts alike.",
    "flags_together": "The flags of other indicators are counted for each person, where all that it asks for are known; then the people are counted.",
    "per_school_day": "Totals are added up over people and divided by the days of school; the district's is the sum of its schools' own.",
    "latest_in_term": "The latest state of the term counts: newer marks take the place of older ones and are not added to them.",
}
# The same where the numerator is a state, of which the last one stands.
OF_STATES = {
    "flag_of_total": "Each person's last state of the year so far is held against the threshold once; then the people are counted.",
    "total_per_person": "Each person's last state of the year so far is added up over the people of whom one is known and divided by these.",
}
FORMULAS = {
    **dict.fromkeys(("share_of_people", "share"), "as a"),
    **dict.fromkeys(("mean", "mean_change"), "a mean over people, in"),
    "daily_average": "a number of",
}
DIRECTIONS = {"higher_is_better": "higher is better", "lower_is_better": "lower is better", "neither": "neither more nor less is better"}
MEMBERSHIP = {
    "on_the_day": "a person counts in a group on the days on which they were in it",
    "any_time": "a person who was in a group at any time this school year counts in it",
    "last_day": "a person counts in the groups of their last day so far",
}
TARDY = {"as_mapped": "A tardy day is absent by the share that the district's map of attendance codes gives it."}
GRAIN = {
    "school": "judged at each school; for the district a person's schools are pooled first",
    "district": "judged on all of a person's days in the district, and shown at each of their schools",
}


class UnknownIndicator(Exception):
    """The registry has no such indicator; the message lists those that it has."""


@dataclass(frozen=True)
class Explanation:
    """What an indicator is. `profiles` and `measures` are (name, sentences); `tables` are the accepted tables behind it."""

    indicator_id: str
    name: str
    description: str
    formula: str
    direction: str
    rollup: str
    measures: tuple[tuple[str, str], ...]
    profiles: tuple[tuple[str, str], ...]
    tables: tuple[str, ...]


def explain(indicator_id: str, manifest: Manifest) -> Explanation:
    """Raises UnknownIndicator."""
    indicators = {i["indicator_id"]: i for i in registry("indicators")}
    if indicator_id not in indicators:
        raise UnknownIndicator(f"there is no indicator {indicator_id}; the registry has {', '.join(indicators)}")
    i = indicators[indicator_id]
    measures = {m["measure_id"]: m for m in registry("measures")}
    profiles = [p for p in registry("indicator_profiles") if p["indicator_id"] == indicator_id]
    unit = measures[i["denominator_measure"]]["unit"] if i["denominator_measure"] else "flags known"
    is_state = i["rollup"] in OF_STATES and measures[i["numerator_measure"]]["accumulation"] == "latest"
    names = [n for n in measures if n in measures_of_indicators()[indicator_id]]
    return Explanation(
        indicator_id=indicator_id,
        name=i["indicator_name"],
        description=i["description"],
        formula=f"{i['numerator_words']} / {i['denominator_words']}, {FORMULAS[i['value_kind']]} {i['unit']}",
        direction=DIRECTIONS.get(i["direction"], i["direction"]),
        rollup=(OF_STATES if is_state else ROLLUPS).get(i["rollup"], i["rollup"]),
        measures=tuple((name, _measure(measures[name])) for name in names),
        profiles=tuple((p["profile_id"], _profile(p, i, unit)) for p in profiles),
        tables=tuple(sorted({t for name in names for t in manifest.source_tables(measures[name]["model"]) if "__" in t})),
    )


def _measure(m: Mapping[str, str]) -> str:
    """What a measure counts, in which unit, from which facts, and what a part of one counts."""
    words = [f"{m['description']} (in {m['unit']}; from {m['fact']} by {m['model']})."]
    if m["whole_from_numerator"]:
        words.append(f"A part counts as a whole from {m['whole_from_numerator']} in {m['whole_from_denominator']} on, and below that not at all.")
    elif int(m["scale"]) > 1 and not m["counted"]:
        words.append("A part counts as the part that it is.")
    if m["respondent_role"]:
        words.append(f"Waves that ask others than the {m['respondent_role']} role are left out.")
    if m["construct"]:
        words.append(f"The questions are those that codes/survey_items.csv names as {m['construct']}, as construct or in also_in.")
    if m["scale_from"]:
        words.append(f"Answers on another scale than {m['scale_from']} to {m['scale_to']} are left out.")
    if m["least_numerator"]:
        words.append(f"A response counts where {m['least_numerator']} in {m['least_denominator']} of the questions or more are answered.")
    if m["row_maximum"]:
        words.append(f"Of one row no more than {m['row_maximum']} count.")
    if m["tardy_rule"]:
        words.append(TARDY[m["tardy_rule"]])
    return " ".join(words)


def _profile(p: Mapping[str, str], i: Mapping[str, str], unit: str) -> str:
    """Authority, parts, threshold, minimum, doubt, grain, groups, validity and source of one profile."""
    words = [f"By {p['authority']}, version {p['version']}."]
    if p["numerator_measure"]:
        words.append(f"What counts against a person is {p['numerator_measure']}.")
    parts = [x for x in registry("indicator_parts") if (x["indicator_id"], x["profile_id"]) == (p["indicator_id"], p["profile_id"])]
    if parts:
        named = (f"{x['part_indicator_id']} by {x['part_profile_id']} {x['counts_when'].replace('_', ' ')}" for x in parts)
        words.append(f"What counts: {'; '.join(named)}.")
    if p["operator"]:
        share = f" in {p['threshold_denominator']}" if p["threshold_denominator"] else " in all"
        line = f"{p['operator'].replace('_', ' ')} {p['threshold_numerator']}{share}"
        under = f" and under {p['below_numerator']} in {p['below_denominator']}" if p["below_numerator"] else ""
        words.append(f"The line is {line}{under}; {GRAIN[p['grain']]}.")
    if int(p["minimum_denominator"] or 0):
        words.append(f"Nobody with fewer than {p['minimum_denominator']} {unit} is judged: they are in no figure, and their own row says so.")
    if i["doubt_measure"]:
        words.append(f"Nor is anybody whom {i['doubt_measure']} could bring over the line.")
    if p["must_have_attended"] == "true":
        words.append(f"Nor is anybody whose {unit} all count against them.")
    if p["grades"]:
        words.append(f"Grades: {p['grades'].replace(' ', ', ')}.")
    words.append(f"Groups: {MEMBERSHIP[p['membership_rule']]}.")
    if p["leaver_rule"]:
        leavers = {rule["leaver_rule"]: rule["words"] for rule in registry("leaver_rules")}
        words.append(f"Leavers: {leavers[p['leaver_rule']]}.")
    if p["first_school_year"] or p["last_school_year"]:
        words.append(f"Valid for school years {p['first_school_year'] or 'before'} to {p['last_school_year'] or 'now'}.")
    words.append(f"{p['description'].rstrip('.')}.")
    words.append(f"Source: {p['source']}.")
    return " ".join(words)
