"""A changed definition is a new version: what each version of a profile judges by is written down, and does not change under the same number. How a measure is
counted (its model, and seeds that a model reads: letters of grades, days of an absence run, days between results) is named by a publication's code version.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.lineage.graph import measures_of_indicators, registry

WRITTEN = Path(__file__).with_name("definitions_of_versions.txt")
WORDS = {"version", "is_reference", "authority", "source", "description", "flag_words", "no_flag_words", "not_yet_words", "indicator_name", "numerator_words",
         "denominator_words", "model", "fact"}  # fmt: skip
Key = tuple[str, str]


def without_words(row: dict[str, str]) -> dict[str, str]:
    return {k: v for k, v in row.items() if k not in WORDS and v}


def definitions(changed: dict[str, Any] | None = None) -> dict[tuple[str, str, int], str]:
    """A digest of the rows by which each profile judges, by indicator, profile and version: its own, its indicator's, those of its measures and its leaver
    rule, and the definitions of the flags that it is made of. `changed` puts other rows in the place of a seed's.
    """
    seeds = {name: registry(name) for name in ("indicators", "indicator_profiles", "indicator_parts", "measures", "leaver_rules")} | (changed or {})
    indicators = {i["indicator_id"]: i for i in seeds["indicators"]}
    profiles = {(p["indicator_id"], p["profile_id"]): p for p in seeds["indicator_profiles"]}
    of_indicators, leavers = measures_of_indicators(), {r["leaver_rule"]: without_words(r) for r in seeds["leaver_rules"]}

    def digest(key: Key) -> str:
        parts = [r for r in seeds["indicator_parts"] if (r["indicator_id"], r["profile_id"]) == key]
        said = {
            "profile": without_words(profiles[key]),
            "indicator": without_words(indicators[key[0]]),
            "measures": [without_words(m) for m in seeds["measures"] if m["measure_id"] in of_indicators[key[0]]],
            "leavers": {k: v for k, v in leavers.get(profiles[key]["leaver_rule"], {}).items() if k != "words"},
            "parts": [[without_words(r), digest((r["part_indicator_id"], r["part_profile_id"]))] for r in parts],
        }
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]

    return {(*key, int(p["version"])): digest(key) for key, p in profiles.items()}


def written() -> dict[tuple[str, str, int], str]:
    lines = (line.split() for line in WRITTEN.read_text(encoding="utf-8").splitlines()) if WRITTEN.exists() else ()
    return {(indicator, profile, int(version)): said for indicator, profile, version, said in lines}


def changed_without_a_version(now: dict[tuple[str, str, int], str], then: dict[tuple[str, str, int], str]) -> list[tuple[str, str, int]]:
    return sorted(key for key, said in now.items() if then.get(key, said) != said)


def test_no_definition_changes_under_its_version() -> None:
    now, then = definitions(), written()
    assert changed_without_a_version(now, then) == [], "these judge otherwise than their version did: give them the next `version` in indicator_profiles.csv"
    if new := now.keys() - then.keys():
        lines = (f"{' '.join(map(str, key))} {said}\n" for key, said in sorted((then | now).items()))
        WRITTEN.write_text("".join(lines), encoding="utf-8")
        pytest.fail(f"{len(new)} versions have been added to {WRITTEN.name}: review it and commit it")


@pytest.mark.parametrize(
    ("seed", "row", "column", "value", "moves"),
    [
        ("indicator_profiles", {"indicator_id": "chronic_absence", "profile_id": "edfacts"}, "minimum_denominator", "11", {("chronic_absence", "edfacts")}),
        ("indicator_profiles", {"indicator_id": "early_warning_attendance"}, "threshold_denominator", "9",
         {("early_warning_attendance", "abc"), ("early_warning_flags", "one_or_more"), ("early_warning_flags", "two_or_more")}),
        ("measures", {"measure_id": "runs_of_3_days"}, "scale", "2", {("consecutive_absence", "three_days")}),
        ("indicators", {"indicator_id": "gpa"}, "description", "Other words for the same thing", set()),
    ],
)  # fmt: skip
def test_what_a_profile_judges_by_moves_its_definition_and_words_do_not(seed: str, row: dict[str, str], column: str, value: str, moves: set[Key]) -> None:
    rows = [r | {column: value} if row.items() <= r.items() else r for r in registry(seed)]
    assert rows != registry(seed)
    moved = {key[:2] for key in changed_without_a_version(definitions({seed: rows}), definitions())}
    assert moves <= moved
    assert moved <= moves or seed == "measures", "of a measure all profiles of its indicators move"
