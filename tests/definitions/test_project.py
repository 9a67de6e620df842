"""The dbt project's own rules, held on its manifest."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import pytest
import yaml

from pipelines.code_maps import CODE_MAPS
from pipelines.lineage.graph import PROJECT, Manifest, measures_of_indicators, registry, tables_behind_indicators, tables_behind_lists
from pipelines.nightly import prepare_manifest
from pipelines.quality.expectations import load_suites
from pipelines.sources import ALL_TABLES

ROLLUPS_OF = {
    "share_of_people": ("flag_of_total", "distinct", "flags_together"), "share": ("sum", "latest_in_term"), "mean": ("total_per_person", "ratio_per_person"),
    "mean_change": ("total_per_person",), "daily_average": ("per_school_day",),
}  # fmt: skip


@cache
def manifest() -> dict[str, Any]:
    return json.loads(prepare_manifest().read_text())


def models() -> list[dict[str, Any]]:
    return [n for n in manifest()["nodes"].values() if n["resource_type"] == "model"]


def layer(node: dict[str, Any]) -> str:
    return node["fqn"][1]


def test_declared_sources_are_the_accepted_tables() -> None:
    declared = yaml.safe_load((PROJECT / "models" / "staging" / "_sources.yml").read_text())["sources"]
    tables = {s["name"]: [t["name"] for t in s["tables"]] for s in declared}
    assert sorted(tables["held"]) == sorted(["bulk_scopes", "student_grades", "unknown_days", "survey_rosters", *ALL_TABLES])
    assert sorted(tables["changes"]) == sorted(["bulk_scopes", "student_grades", "unknown_days", *ALL_TABLES])
    settings = ["agencies", "district", "fed_tables", "gradebook", "learning", "night", "positive_schools", "school_years", "sources", "terms"]
    assert sorted(tables["settings"]) == sorted([*settings, "survey_eligible", "survey_waves", "zero_is_missing", *CODE_MAPS])


def test_only_staging_reads_accepted_rows() -> None:
    for node in models():
        held = [p for p in node["depends_on"]["nodes"] if p.startswith("source.") and ".held." in p and not p.endswith(".bulk_scopes")]
        assert not held or layer(node) == "staging", f"{node['name']} reads {held}"


def test_staging_is_one_to_one() -> None:
    for node in models():
        if layer(node) == "staging":
            assert len([p for p in node["depends_on"]["nodes"] if ".held." in p]) == 1, node["name"]
            assert not [p for p in node["depends_on"]["nodes"] if p.startswith("model.")], node["name"]


def test_marts_read_core_measurements_registry_and_marts_only() -> None:
    by_id = {n["unique_id"]: n for n in manifest()["nodes"].values()}
    for node in models():
        if layer(node) == "marts":
            for parent in node["depends_on"]["nodes"]:
                assert parent.startswith("seed.") or layer(by_id[parent]) in ("core", "measurements", "marts"), f"{node['name']} reads {parent}"


def own_figures(nodes: list[dict[str, Any]], reconciled: frozenset[str]) -> list[str]:
    """Marts that work a figure out by themselves: read from the measures, or from core facts without saying beside which indicator their rows stand
    (`meta.beside`) or being among the `reconciled`, whose publication rules hold them to the published figures. What views between them and the facts read
    they read too, but for what is known of a student beside the figures, such as when they were last seen (`meta.is_evidence`), and for what only says what
    to build again.
    """
    by_id = {n["unique_id"]: n for n in nodes}

    def facts_of(node: dict[str, Any]) -> set[str]:
        parents = [by_id[p] for p in node["depends_on"]["nodes"] if p in by_id]
        between = [p for p in parents if p["name"].startswith("int_") and not p["config"]["meta"].get("is_evidence")
                   and p["config"]["meta"].get("carries_lineage", True)]  # fmt: skip
        return {p["name"] for p in parents if layer(p) == "core" and p["name"].startswith("fct_")}.union(*(facts_of(p) for p in between))

    found = []
    for node in nodes:
        if layer(node) != "marts":
            continue
        read = [by_id[p] for p in node["depends_on"]["nodes"] if p in by_id]
        measures = [p["name"] for p in read if p["name"].startswith(("msr_", "fct_measurements"))]
        facts = sorted(facts_of(node))
        if measures or (facts and not node["config"]["meta"].get("beside") and node["name"] not in reconciled):
            found.append(f"{node['name']} reads {', '.join(measures or facts)}")
    return found


def test_no_mart_works_an_indicator_out_by_itself() -> None:
    suites = load_suites("publication")
    reconciled = frozenset(m for m, suite in suites.items() if any("marts.agg_indicator_values" in rule.bad_when for rule in suite.rules))
    assert own_figures(models(), reconciled) == []
    by_name = {n["name"]: n for n in models()}
    between = {
        "name": "int_work_between", "unique_id": "model.throughline.int_work_between", "fqn": ["throughline", "measurements", "int_work_between"],
        "config": {"meta": {}}, "depends_on": {"nodes": [by_name["fct_marks"]["unique_id"]]},
    }  # fmt: skip
    by_name["int_work_between"] = between
    for reads, said, is_found in [
        (["msr_attendance"], {}, True),
        (["fct_measurements"], {"beside": "attendance_rate"}, True),
        (["fct_measurements_to_date"], {}, True),
        (["fct_attendance_days", "dim_students"], {}, True),
        (["fct_attendance_days"], {"beside": "attendance_rate"}, False),
        (["fct_student_indicators", "dim_students"], {}, False),
        (["int_learning_evidence"], {}, False),
        (["int_work_between"], {}, True),
    ]:
        planted = {
            "name": "rpt_planted", "unique_id": "model.throughline.rpt_planted", "fqn": ["throughline", "marts", "x", "rpt_planted"],
            "config": {"meta": said}, "depends_on": {"nodes": [by_name[r]["unique_id"] for r in reads]},
        }  # fmt: skip
        assert bool(own_figures([*models(), between, planted], reconciled)) == is_found, (reads, said)
    assert own_figures([*models(), {**planted, "depends_on": {"nodes": [by_name["fct_marks"]["unique_id"]]}}], reconciled | {"rpt_planted"}) == []


def test_a_list_of_its_own_has_no_other_name_and_stands_on_what_it_says() -> None:
    project = Manifest(prepare_manifest())
    for own, mart in project.lists().items():
        assert own not in {i["indicator_id"] for i in registry("indicators")}
        (node,) = [n for n in models() if n["name"] == mart]
        (names,) = [
            t["test_metadata"]["kwargs"]["values"] for t in manifest()["nodes"].values()
            if t["resource_type"] == "test" and t.get("attached_node") == node["unique_id"] and t["test_metadata"]["name"] == "accepted_values"
            and t["column_name"] == "indicator_id"
        ]  # fmt: skip
        assert names == [own], "its rows go out as another slice than the one that is judged"
    behind = tables_behind_lists(project)["priority_students"]
    assert {"registry__check_ins", "extract__attendance", "survey__answers", "extract__assessments", "oneroster__results"} <= behind
    assert not {"registry__reviewed_assignments", "extract__discipline"} & behind, "they reach the list by the indicators that its rules name, or not at all"
    assert not any("registry__check_ins" in tables for tables in tables_behind_indicators(project).values()), "a team's sheet holds no figure"

    assert tables_behind_lists(project)["index"] == frozenset(), "an index stands on the figures that it is made of, and on no file besides"
    assert set(project.lists_made_of().values()) <= {name for name, columns in CODE_MAPS.items() if "indicator_id" in columns}


def test_an_index_ranks_nobody() -> None:
    """No column is a rank, no model of it puts places in order or counts how many are before one, and nothing published is made of it."""
    ranks = re.compile(r"rank|order|sort|place(?!_key)|position|quartile|quintile|decile|percentile|best|worst|top|bottom|before|ahead")
    (mart,) = [n for n in models() if n["name"] == "rpt_index"]
    assert [c for c in mart["columns"] if ranks.search(c)] == []
    assert ranks.search("school_rank")
    behind = [n for n in models() if re.search(r"(^|_)index(_|$)", n["name"])]
    assert {"rpt_index", "int_touched_index", "dim_index_measures", "dim_index_cut_points"} == {n["name"] for n in behind}
    for node in behind:
        code = node["raw_code"].lower()
        assert not re.search(r"\bover\s*\(|order by|rank|row_number|ntile|cume_dist", code), node["name"]
    assert [n["name"] for n in models() if mart["unique_id"] in n["depends_on"]["nodes"]] == []
    assert [p for p in (PROJECT.parent / "pipelines").rglob("*.py") if "rpt_index" in p.read_text(encoding="utf-8")] == [], "no page and no command lists it"


def test_the_areas_are_the_columns_of_the_list() -> None:
    (node,) = [n for n in models() if n["name"] == "rpt_priority_students"]
    columns = [c.removesuffix("_last_seen_week") for c in node["columns"] if c.endswith("_last_seen_week")]
    assert columns == [a["area"] for a in registry("monitoring_areas")]


def test_every_mart_has_contract_owner_key_test_and_description() -> None:
    tests = [n for n in manifest()["nodes"].values() if n["resource_type"] == "test"]
    for node in models():
        if layer(node) != "marts":
            continue
        assert node["contract"]["enforced"], node["name"]
        assert node["config"]["group"], f"{node['name']} has no owner"
        for heading in ("**Overview.**", "**Grain and primary key.**", "**Business rules.**", "**Example.**"):
            assert heading in node["description"], f"{node['name']} lacks {heading}"
        key = node["config"]["meta"]["key"][0]
        kinds = {t["test_metadata"]["name"] for t in tests if t.get("attached_node") == node["unique_id"] and t.get("column_name") == key}
        assert {"unique_where_touched", "not_null"} <= kinds, f"{node['name']}: {key} is not tested as a key"
        assert all(c["description"] for c in node["columns"].values()), node["name"]


def test_no_model_past_the_measures_names_an_indicator() -> None:
    """Definitions are data: what comes after the measures knows no indicator, profile or threshold by name."""
    names = {i["indicator_id"] for i in registry("indicators")} | {p["profile_id"] for p in registry("indicator_profiles")} - {"standard", "district"}
    for node in models():
        if layer(node) == "marts" or node["name"].startswith(("int_subject", "int_period", "int_cell")):
            assert not [n for n in names if re.search(rf"\b{n}\b", node["raw_code"])], node["name"]


def test_the_registry_holds_together() -> None:
    measures = {m["measure_id"] for m in registry("measures")}
    assert frozenset().union(*measures_of_indicators().values()) == measures, "a measure that no indicator uses, or one that is not there"
    model_names = {n["name"] for n in models()}
    assert {m["model"] for m in registry("measures")} | {m["fact"] for m in registry("measures")} <= model_names
    profiled = {p["indicator_id"] for p in registry("indicator_profiles")}
    for i in registry("indicators"):
        assert i["indicator_id"] in profiled
        assert i["direction"] in (("neither",) if i["value_kind"] == "daily_average" else ()) + ("higher_is_better", "lower_is_better")
        assert i["rollup"] in ROLLUPS_OF[i["value_kind"]], i["indicator_id"]
    named = [p["indicator_id"] for p in registry("indicator_profiles") if p["is_reference"] == "true"]
    assert sorted(named) == sorted(i["indicator_id"] for i in registry("indicators")), "one profile of each indicator is what others are compared with"
    by_id = {m["measure_id"]: m for m in registry("measures")}
    of = {i["indicator_id"]: i for i in registry("indicators")}
    for i in of.values():
        assert (i["stage"] == "2") == (i["rollup"] in ("flags_together", "per_school_day")) == (not i["numerator_measure"])
        if i["stage"] == "2":
            continue
        over, under = by_id[i["numerator_measure"]], by_id[i["denominator_measure"]]
        assert over["subject_type"] == under["subject_type"]
        is_of_unlike_units = i["rollup"] == "flag_of_total" and over["unit"] != under["unit"]  # judged in whole numbers of each, and shown as a flag
        if i["rollup"] in ("sum", "latest_in_term", "flag_of_total", "ratio_per_person") and not is_of_unlike_units:
            assert over["scale"] == under["scale"], f"{i['indicator_id']} divides whole numbers of different units"
        if i["rollup"] != "ratio_per_person" and not is_of_unlike_units:  # of which the mart shows the ratio, or the flag, and its parts rounded
            assert 1000 % int(over["scale"]) == 0, "the marts show three decimals"
        if i["doubt_measure"]:
            doubt = by_id[i["doubt_measure"]]
            assert [doubt[c] for c in ("model", "unit", "scale", "accumulation")] == [over[c] for c in ("model", "unit", "scale", "accumulation")]
        if i["doubt_measure"] or i["population_measure"]:
            assert i["rollup"] == "flag_of_total" or (not i["doubt_measure"] and i["rollup"] in ("total_per_person", "ratio_per_person", "latest_in_term"))
            assert i["not_yet_words"], "whoever is not judged yet is told so"
    leavers = {rule["leaver_rule"] for rule in registry("leaver_rules")}
    for p in registry("indicator_profiles"):
        assert p["membership_rule"] in ("on_the_day", "last_day", "any_time")
        is_of_students = of[p["indicator_id"]]["stage"] == "2" or by_id[of[p["indicator_id"]]["denominator_measure"]]["subject_type"] == "student"
        assert p["leaver_rule"] in (leavers if is_of_students else ("",))
        assert int(p["version"]) >= 1
        if of[p["indicator_id"]]["value_kind"] in ("mean", "mean_change"):
            assert (p["operator"], p["must_have_attended"]) == ("", "false"), "a mean has no line, and nobody is left out of it for what they have"
        if int(p["minimum_denominator"]):
            assert of[p["indicator_id"]]["not_yet_words"], "whoever is not judged yet is told so"
        if p["numerator_measure"]:
            assert p["must_have_attended"] == "false", "who never came is told by the indicator's own numerator"
            assert p["flag_words"] or not of[p["indicator_id"]]["flag_words"], "another number than the other profiles' needs words that say why"
            own, in_its_place = by_id[of[p["indicator_id"]]["numerator_measure"]], by_id[p["numerator_measure"]]
            same = ("model", "subject_type", "unit", "scale", "accumulation")
            assert [own[c] for c in same] == [in_its_place[c] for c in same], f"{p['indicator_id']} by {p['profile_id']} counts something else"


def test_a_leaver_rule_is_told_and_acts_on_people_alone() -> None:
    rules, measures = {rule["leaver_rule"]: rule for rule in registry("leaver_rules")}, {m["measure_id"] for m in registry("measures")}
    for rule in rules.values():
        assert rule["words"], "the rule is told"
        assert (rule["begun_measure"] in measures) == (rule["left_measure"] in measures) == (rule["leaver_rule"] != "counted")
    rollups = {i["indicator_id"]: i["rollup"] for i in registry("indicators")}
    for p in registry("indicator_profiles"):
        if p["leaver_rule"] == "left_out":
            assert rollups[p["indicator_id"]] not in ("sum", "latest_in_term"), "of days and marks those of leavers are days and marks as well"


def test_flags_together_are_of_flags_that_there_are() -> None:
    of = {(p["indicator_id"], p["profile_id"]): p for p in registry("indicator_profiles")}
    indicators = {i["indicator_id"]: i for i in registry("indicators")}
    parts = registry("indicator_parts")
    wholes = {k for k in of if indicators[k[0]]["stage"] == "2"}
    assert {(x["indicator_id"], x["profile_id"]) for x in parts} == wholes
    averages = [x for x in parts if indicators[x["indicator_id"]]["rollup"] == "per_school_day"]
    for x in averages:  # a side of one sum, over the days of the school
        assert x["counts_when"] in ("numerator", "denominator")
        assert [y["part"] for y in averages if y["indicator_id"] == x["indicator_id"]] == ["1"]
        assert indicators[x["part_indicator_id"]]["rollup"] == "sum"
    for x in (x for x in parts if x not in averages):
        part, whole = of[x["part_indicator_id"], x["part_profile_id"]], of[x["indicator_id"], x["profile_id"]]
        assert indicators[part["indicator_id"]]["rollup"] in ("flag_of_total", "distinct"), "a flag of flags of flags"
        assert x["counts_when"] in ("raised", "not_raised")
        assert part["grades"] == whole["grades"], "who is not judged by a part is not judged by the whole"
        assert part["leaver_rule"] == whole["leaver_rule"], "who has left is in all of it or in nothing"
        if indicators[part["indicator_id"]]["doubt_measure"]:
            assert not part["below_numerator"], "between two lines what is in doubt may be in and out again"
    for k in (k for k in wholes if indicators[k[0]]["rollup"] == "flags_together"):
        mine = [x for x in parts if (x["indicator_id"], x["profile_id"]) == k]
        assert sorted(x["part"] for x in mine) == [str(n + 1) for n in range(len(mine))]
        assert int(of[k]["minimum_denominator"]) == len(mine), "where a part is not known, those who are judged would all be at fault"
        assert (of[k]["operator"], of[k]["threshold_denominator"]) == ("at_least", "")
        assert 1 <= int(of[k]["threshold_numerator"]) <= len(mine)


def test_an_indicator_stands_on_its_own_tables_only() -> None:
    behind = tables_behind_indicators(Manifest(prepare_manifest()))
    assert "extract__attendance" in behind["attendance_rate"]
    assert "oneroster__results" not in behind["attendance_rate"]
    assert "extract__attendance" not in behind["assignment_completion"]
    # the state of gradebooks stands beside completion and is held with it: by what says when classes meet and in which course
    assert {"oneroster__academic_sessions", "edfi__sessions", "edfi__course_offerings"} <= behind["assignment_completion"]
    assert "oneroster__academic_sessions" not in behind["missing_work"]
    assert "survey__answers" in behind["survey_favorable"]
    assert "oneroster__results" not in behind["survey_favorable"]


@pytest.mark.parametrize("gate", ["arrival", "publication"])
def test_every_expectation_says_what_it_means(gate: str) -> None:
    suites = load_suites(gate)  # type: ignore[arg-type]  # the two literals, by parametrization
    assert set(ALL_TABLES) <= set(suites) or gate == "publication"
    for suite in suites.values():
        for rule in suite.rules:
            assert rule.message.endswith("."), f"{suite.table}.{rule.id}: a message is a sentence"
            assert rule.kind == "slice" or rule.remedy, f"{suite.table}.{rule.id}: no remedy"
