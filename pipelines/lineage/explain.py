"""An indicator's definition in plain words, from the registry.

Belongs here: turning registry rows into sentences. A definition that cannot be told from the registry is in the wrong place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.lineage.graph import Manifest, registry

ROLLUPS: Mapping[str, str] = {
    "sum": "Totals are added up over people and days, and divided once at the end: never an average of rates.",
    "flag_of_total": "Each person's total for the year so far is held against the threshold once; then the people are counted.",
    "distinct": "Each person counts once, however often it happened in the year so far.",
    "latest_in_term": "The latest state of the term counts: newer marks take the place of older ones and are not added to them.",
}
DIRECTIONS = {"higher_is_better": "higher is better", "lower_is_better": "lower is better"}
MEMBERSHIP = {
    "on_the_day": "a person counts in a group on the days on which they were in it",
    "any_time": "a person who was in a group at any time this school year counts in it",
    "last_day": "a person counts in the groups of their last day so far",
}
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
    over, under = measures[i["numerator_measure"]], measures[i["denominator_measure"]]
    return Explanation(
        indicator_id=indicator_id,
        name=i["indicator_name"],
        description=i["description"],
        formula=f"{i['numerator_words']} / {i['denominator_words']}, as a {i['unit']}",
        direction=DIRECTIONS.get(i["direction"], i["direction"]),
        rollup=ROLLUPS.get(i["rollup"], i["rollup"]),
        measures=tuple((m["measure_id"], f"{m['description']} (in {m['unit']}; from {m['fact']} by {m['model']}).") for m in (over, under)),
        profiles=tuple((p["profile_id"], _profile(p, under["unit"])) for p in registry("indicator_profiles") if p["indicator_id"] == indicator_id),
        tables=tuple(sorted({t for m in (over, under) for t in manifest.source_tables(m["model"]) if "__" in t})),
    )


def _profile(p: Mapping[str, str], unit: str) -> str:
    """Authority, threshold, minimum, grain, groups, validity and source of one profile."""
    words = [f"By {p['authority']}, version {p['version']}."]
    if p["operator"]:
        line = f"{p['operator'].replace('_', ' ')} {p['threshold_numerator']} in {p['threshold_denominator']}"
        under = f" and under {p['below_numerator']} in {p['below_denominator']}" if p["below_numerator"] else ""
        words.append(f"The line is {line}{under}; {GRAIN[p['grain']]}.")
    if int(p["minimum_denominator"] or 0):
        words.append(f"Nobody with fewer than {p['minimum_denominator']} {unit} is judged: they are in no figure, and their own row says so.")
    if p["must_have_attended"] == "true":
        words.append(f"Nor is anybody whose {unit} all count against them.")
    if p["grades"]:
        words.append(f"Grades: {p['grades'].replace(' ', ', ')}.")
    words.append(f"Groups: {MEMBERSHIP[p['membership_rule']]}.")
    if p["first_school_year"] or p["last_school_year"]:
        words.append(f"Valid for school years {p['first_school_year'] or 'before'} to {p['last_school_year'] or 'now'}.")
    words.append(f"{p['description'].rstrip('.')}.")
    words.append(f"Source: {p['source']}.")
    return " ".join(words)
