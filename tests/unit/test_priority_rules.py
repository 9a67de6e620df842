"""Which rules for priority students are refused, and what is said to whoever wrote them."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from pipelines.district import SettingsError, load_district
from pipelines.priority_rules import SHIPPED, complaint, sensitive_words

SEEDS = Path(__file__).resolve().parents[2] / "dbt_project/seeds"
HEADER = "indicator_id,profile_id,will_do\n"
GOOD = "chronic_absence,district,The school will call home.\n"


def district_with(folder: Path, rules: str | None) -> list[dict[str, str]]:
    (folder / "codes").mkdir()
    if rules is not None:
        (folder / "codes/priority_rules.csv").write_text(HEADER + rules, encoding="utf-8")
    (folder / "district.toml").write_text('school_years = []\nsources = []\n[district]\nid = "d"\nname = "D"\n', encoding="utf-8")
    return load_district(folder).code_map("priority_rules")


def seed(name: str) -> list[dict[str, str]]:
    with (SEEDS / f"{name}.csv").open(newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


def test_without_the_file_the_shipped_rules_hold_and_an_empty_one_has_none(tmp_path: Path) -> None:
    for name in ("without", "empty", "own"):
        (tmp_path / name).mkdir()
    with SHIPPED.open(newline="", encoding="utf-8") as f:
        assert district_with(tmp_path / "without", None) == list(csv.DictReader(f)) != []
    assert district_with(tmp_path / "empty", "") == []
    assert [r["profile_id"] for r in district_with(tmp_path / "own", GOOD)] == ["district"]


def test_each_rule_that_ships_can_be_used() -> None:
    with SHIPPED.open(newline="", encoding="utf-8") as f:
        rules = list(csv.DictReader(f))
    assert [complaint(r, rules[:k]) for k, r in enumerate(rules)] == [""] * len(rules)


def test_what_it_takes_to_be_a_rule_changes_the_fingerprint(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    district_with(tmp_path / "a", GOOD)
    before = load_district(tmp_path / "a").fingerprint()
    (tmp_path / "a/codes/priority_rules.csv").write_text(HEADER + GOOD.replace("call home", "visit"), encoding="utf-8")
    assert load_district(tmp_path / "a").fingerprint() != before


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("chronic_absense,district,The school will call.", "indicator_id is 'chronic_absense', which is no indicator; did you mean 'chronic_absence'?"),
        ("zzz,district,The school will call.", "indicator_id is 'zzz', which is no indicator; write one of chronic_absence, "),
        ("chronic_absence,distric,It calls.", "profile_id is 'distric', and 'chronic_absence' is not judged by such a profile; did you mean 'district'?"),
        ("chronic_absence,zzz,The school will call.", "profile_id is 'zzz', and 'chronic_absence' is not judged by such a profile; write one of edfacts, "),
        ("attendance_rate,standard,The school will call.", "indicator_id is 'attendance_rate', which flags no student; write one of "),  # a share
        ("gpa,unweighted,The school will call.", "indicator_id is 'gpa', which flags no student; write one of "),  # a mean
        ("connection,standard,The school will call.", "indicator_id is 'connection', which flags no student; write one of "),  # of responses
        ("food_access,standard,The school will call.", "indicator_id is 'food_access', which flags no student; write one of "),  # of responses
        ("safe_at_school,standard,The school will call.", "indicator_id is 'safe_at_school', which flags no student; write one of "),
        ("foster,yes,The school will call.", "indicator_id is 'foster', a student group: who a student is puts nobody on the list; "),
        ("race_ethnicity,asian,The school will call.", "indicator_id is 'race_ethnicity', a student group: "),
        ("severe_chronic_absence,district,", "will_do is ''; write a sentence that says what the school will do, such as "),
        ("severe_chronic_absence,district,call home", "will_do is 'call home'; write a sentence "),
        ("severe_chronic_absence,district,The school will call the foster parents.", "will_do says 'foster parent': it is read aloud to the student "),
        ("severe_chronic_absence,district,It gives food at the pantry.", "will_do says 'food', 'pantry': it is read aloud to the student "),
        ("chronic_absence,district,The school will write.", "'chronic_absence' by profile 'district' is a rule already; "),
    ],
)
def test_a_rule_that_cannot_be_used_is_refused_with_its_file_line_and_remedy(tmp_path: Path, rule: str, said: str) -> None:
    with pytest.raises(SettingsError, match=rf"priority_rules\.csv, line 3: {re.escape(said)}"):
        district_with(tmp_path, GOOD + rule + "\n")


def test_a_header_without_a_column_is_refused(tmp_path: Path) -> None:
    district_with(tmp_path, "")
    (tmp_path / "codes/priority_rules.csv").write_text("indicator_id,will_do\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"line 1: no column profile_id; the header must be indicator_id,profile_id,will_do"):
        load_district(tmp_path).code_map("priority_rules")


def test_every_group_has_words_and_no_sentence_that_may_be_read_aloud_has_them() -> None:
    for family in seed("group_families"):
        name = family["group_family"].replace("_", " ")
        assert sensitive_words(f"Because of {family['said_as'].split(',')[0].upper()}."), f"{name} is not found in capital letters"
    assert sensitive_words("The sexton of the fosterage bridge embraces all.") == []
    named = ("English learners meet.", "The boys meet.", "IEPs are read.", "White students come.", "Native American.", "Native Hawaiian.", "ELL.", "ESL.",
             "sped.", "McKinney-Vento.", "free or reduced lunch.", "foster care.", "foster children.", "a foster home.", "a foster family.")  # fmt: skip
    assert [s for s in named if not sensitive_words(s)] == []
    assert sensitive_words("The school will foster trust, and the whiteboards tell of the essay on bells.") == []
    for matter in seed("sensitive_matters"):
        assert sensitive_words(f"Because of {matter['said_as'].split(',')[0].upper()}."), f"{matter['matter']} is not found in capital letters"
    spoken = [i[c] for i in seed("indicators") for c in ("flag_words", "no_flag_words", "not_yet_words")]
    spoken += [p["flag_words"] for p in seed("indicator_profiles")]
    spoken += [a[c] for a in seed("monitoring_areas") for c in ("nothing_words", "since_words")]
    with SHIPPED.open(newline="", encoding="utf-8") as f:
        spoken += [r["will_do"] for r in csv.DictReader(f)]
    assert [s for s in spoken if s and sensitive_words(s)] == []
    assert len([s for s in spoken if s]) > 20


def test_what_is_sensitive_is_counted_of_responses_and_never_of_a_student() -> None:
    """An indicator that speaks of a sensitive matter has no row of a student: no flag, no reason, no rule of the list; nor is it evidence of monitoring."""
    subjects = {m["measure_id"]: m["subject_type"] for m in seed("measures")}
    speak = [i for i in seed("indicators") if sensitive_words(" ".join((i["indicator_name"], i["description"], i["numerator_words"])))]
    of_students = {i["indicator_id"] for i in speak if subjects.get(i["denominator_measure"]) != "response"}
    assert of_students == set()
    assert {"safe_at_school", "food_access", "food_access_families"} <= {i["indicator_id"] for i in speak}, "the search finds what is there"
    constructs = {m["measure_id"]: m["construct"] for m in seed("measures")}
    sensitive = {m for m, c in constructs.items() if c in ("safety", "food_access", "devices_and_internet")}
    assert {subjects[m] for m in sensitive} == {"response"}
    assert not sensitive & {e["measure_id"] for e in seed("monitoring_evidence")}
    named = {i["indicator_id"] for i in seed("indicators") if {i["numerator_measure"], i["denominator_measure"]} & sensitive}
    assert not named & {p["part_indicator_id"] for p in seed("indicator_parts")} | named & {e["indicator_id"] for e in seed("pace_exceptions")}


def test_an_area_is_seen_by_measures_of_students_and_known_kinds_of_evidence() -> None:
    areas, measures = {a["area"]: a for a in seed("monitoring_areas")}, {m["measure_id"]: m for m in seed("measures")}
    assert [a["place"] for a in areas.values()] == [str(n + 1) for n in range(len(areas))]
    evidence = seed("monitoring_evidence")
    for e in evidence:
        assert e["area"] in areas
        assert e["evidence"] in ("measured", "answered", "assessed")
        assert (e["evidence"] == "measured") == bool(e["measure_id"])
        if e["measure_id"]:
            # a state runs on to the end of its term, and would say that a student was seen in weeks without any evidence
            assert [measures[e["measure_id"]][c] for c in ("subject_type", "accumulation")] == ["student", "sum"]
    for name, a in areas.items():
        has_evidence = name in {e["area"] for e in evidence}
        assert a["nothing_words"].endswith(".")
        assert bool(a["fresh_days"]) == bool(a["since_words"]) == has_evidence, name
        assert not has_evidence or "{week}" in a["since_words"]
        assert "stalled" not in a["nothing_words"] + a["since_words"]
