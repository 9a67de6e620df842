"""The dbt manifest as a graph: which source tables stand behind a model, and what the marts are.

Belongs here: reading `manifest.json`. Models that only say what to build again (`meta.carries_lineage: false`) carry no line from a file to a figure and
are skipped: the touched keys of attendance do not make completion depend on attendance.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"


@dataclass(frozen=True)
class MartModel:
    """A published mart as its dbt contract says it: columns with types, and the columns of the part that is replaced as a whole."""

    name: str
    columns: tuple[tuple[str, str], ...]
    key: tuple[str, ...]
    part: tuple[str, ...]
    is_open: bool  # aggregated: suppressed and open to staff; else restricted
    touched: str


class Manifest:
    """A parsed dbt manifest. `nodes` are models, seeds and tests by unique id."""

    def __init__(self, path: Path) -> None:
        self._raw: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))

    @cached_property
    def _models(self) -> dict[str, str]:
        return {n["name"]: uid for uid, n in self._raw["nodes"].items() if n["resource_type"] in ("model", "seed")}

    def _behind(self, unique_id: str, seen: set[str], beyond: frozenset[str]) -> Iterator[str]:
        for parent in self._raw["parent_map"].get(unique_id, ()):
            if parent in seen or parent in beyond:
                continue
            seen.add(parent)
            node = self._raw["nodes"].get(parent)
            if node and node["config"].get("meta", {}).get("carries_lineage") is False:
                continue
            yield parent
            yield from self._behind(parent, seen, beyond)

    def behind(self, model: str, beyond: frozenset[str] = frozenset()) -> frozenset[str]:
        """Unique ids of everything that a model's figures come from, itself included, but for what is only reached through the nodes `beyond`."""
        uid = self._models[model]
        return frozenset({uid, *self._behind(uid, set(), beyond)})

    def source_tables(self, model: str, beyond: frozenset[str] = frozenset()) -> frozenset[str]:
        """Names of the accepted tables (`held`) behind a model."""
        held = {uid: s["name"] for uid, s in self._raw["sources"].items() if s["source_name"] == "held"}
        return frozenset(held[uid] for uid in self.behind(model, beyond) if uid in held)

    def marts(self) -> tuple[MartModel, ...]:
        """Every model under `marts/`, by name."""
        found = []
        for node in self._raw["nodes"].values():
            if node["resource_type"] != "model" or node["fqn"][1] != "marts":
                continue
            meta = node["config"].get("meta", {})
            columns = tuple((c["name"], c["data_type"].replace(" ", "")) for c in node["columns"].values())
            found.append(MartModel(node["name"], columns, tuple(meta["key"]), tuple(meta["part"]), bool(meta["is_open"]), node["config"]["touched"]))
        return tuple(sorted(found, key=lambda m: m.name))

    def beside(self) -> dict[str, list[str]]:
        """The marts whose rows are of one indicator and of none of its measures, by that indicator."""
        found: dict[str, list[str]] = {}
        for node in self._raw["nodes"].values():
            if indicator := node["config"].get("meta", {}).get("beside"):
                found.setdefault(indicator, []).append(node["name"])
        return found

    def lists(self) -> dict[str, str]:
        """The marts whose rows are of no indicator but go out, or are held, as a slice of their own (`meta.slice`): slice to mart."""
        found = ((node["config"].get("meta", {}).get("slice"), node["name"]) for node in self._raw["nodes"].values())
        return {own: name for own, name in found if own}

    def lists_made_of(self) -> dict[str, str]:
        """For each of these slices the district's code list that names, as `indicator_id`, the indicators that it is made of (`meta.made_of`)."""
        metas = (node["config"].get("meta", {}) for node in self._raw["nodes"].values())
        return {meta["slice"]: meta["made_of"] for meta in metas if meta.get("slice")}

    def of_measures(self) -> frozenset[str]:
        """The nodes in which all measures come together, and the marts: who reads one of them has chosen by the registry what of it."""
        marts = (uid for uid, n in self._raw["nodes"].items() if n["resource_type"] == "model" and n["fqn"][1] == "marts")
        return frozenset({self._models["fct_measurements"], *marts})

    def relations(self) -> frozenset[tuple[str, str]]:
        """Schema and name of every table and view that a whole build makes."""
        return self._relations({"view", "seed", "table", "touched"})

    def standing(self) -> frozenset[tuple[str, str]]:
        """Of these the views and seeds, which change with a definition alone."""
        return self._relations({"view", "seed"})

    def _relations(self, kinds: set[str]) -> frozenset[tuple[str, str]]:
        made = (n for n in self._raw["nodes"].values() if n["resource_type"] in ("model", "seed") and n["config"]["materialized"] in kinds)
        return frozenset((n["schema"], n["alias"]) for n in made)

    def tested(self, unique_id: str) -> str:
        """The model that a test is attached to, or that a model's own id names."""
        node = self._raw["nodes"].get(unique_id, {})
        attached = node.get("attached_node") or unique_id
        return str(self._raw["nodes"].get(attached, {}).get("name", attached))


def registry(name: str) -> list[dict[str, str]]:
    """The rows of a registry seed: measures, indicators, indicator_profiles, ..."""
    with (PROJECT / "seeds" / f"{name}.csv").open(newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


def measures_of_indicators() -> dict[str, frozenset[str]]:
    """For each indicator, its measures: numerator, denominator, what is in doubt, whom it is about, and the numerators that profiles put in the place of its
    own, with those by which a profile knows who has left; of flags together, those of the indicators that are flagged.
    """
    leavers = {rule["leaver_rule"]: {rule["begun_measure"], rule["left_measure"]} - {""} for rule in registry("leaver_rules")}
    sides = ("numerator_measure", "denominator_measure", "doubt_measure", "population_measure")
    found = {i["indicator_id"]: {i[side] for side in sides} - {""} for i in registry("indicators")}
    for p in registry("indicator_profiles"):
        found[p["indicator_id"]] |= {p["numerator_measure"]} - {""} | leavers.get(p["leaver_rule"], set())
    for part in registry("indicator_parts"):
        found[part["indicator_id"]] |= found[part["part_indicator_id"]]
    return {indicator: frozenset(some) for indicator, some in found.items()}


def tables_behind_indicators(manifest: Manifest) -> dict[str, frozenset[str]]:
    """For each indicator, the accepted tables that its measures are made from: registry to measure model, model to sources; and those of a mart that says
    (`meta.beside`) that its rows stand beside the indicator and are held with it.
    """
    models = {m["measure_id"]: m["model"] for m in registry("measures")}
    beside = manifest.beside()
    return {
        i: frozenset().union(*(manifest.source_tables(m) for m in [*(models[measure] for measure in some), *beside.get(i, ())]))
        for i, some in measures_of_indicators().items()
    }


def models_behind_indicators(manifest: Manifest) -> dict[str, frozenset[str]]:
    """For each indicator, every dbt node that its figures pass through on the way to the measures."""
    models = {m["measure_id"]: m["model"] for m in registry("measures")}
    return {i: frozenset().union(*(manifest.behind(models[m]) for m in some)) for i, some in measures_of_indicators().items()}


def tables_behind_lists(manifest: Manifest) -> dict[str, frozenset[str]]:
    """For each list of its own slice, the accepted tables that it stands on besides the indicators that it is made of: those of its models, and, where it
    says what is evidence of an area, of the measures that are.
    """
    models = {m["measure_id"]: m["model"] for m in registry("measures")}
    evidence = {models[e["measure_id"]] for e in registry("monitoring_evidence") if e["measure_id"]}
    seen = frozenset[str]().union(*(manifest.source_tables(m) for m in evidence))
    behind = models_behind_lists(manifest)
    tells_evidence = {own for own, nodes in behind.items() if any(n.endswith(".monitoring_evidence") for n in nodes)}
    found = {own: manifest.source_tables(mart, manifest.of_measures()) for own, mart in manifest.lists().items()}
    return {own: tables | seen if own in tells_evidence else tables for own, tables in found.items()}


def models_behind_lists(manifest: Manifest) -> dict[str, frozenset[str]]:
    """For each list of its own slice, every dbt node that it passes through alone: what an indicator passes through reaches it by that indicator."""
    return {own: manifest.behind(mart, manifest.of_measures()) for own, mart in manifest.lists().items()}
