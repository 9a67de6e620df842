"""Three waves through the nightly job (anonymous, pseudonymous, linked): re-sent and late files, what must leak nowhere, and every value counted again."""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
import json
import random
import shutil
import zipfile
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest

from pipelines.lineage.ledger import Ledger
from pipelines.lineage.trace import find_figure, trace
from pipelines.nightly import Outcome
from pipelines.priority_rules import sensitive_words
from tests.indicators import REACH, SURVEY
from tests.nights import Night, make
from tests.surveys import ITEM_COLUMNS, as_csv, item

KEY = "a key for tests, of no other use"
MONDAY, TUESDAY, WEDNESDAY = date(2025, 8, 18), date(2025, 8, 19), date(2025, 8, 20)
AGREE = ("Strongly disagree", "Disagree", "Neither agree nor disagree", "Agree", "Strongly agree")  # the scale of the synthetic district
VALUE = {answer: n for n, answer in enumerate(AGREE, start=1)}
NOT_SURE, LOW, HIGH, FAVORABLE = "Not sure", 1, 5, 4
SAFE, LEFT_OUT, HEARD = "I feel safe here", "I often feel left out here", "Adults listen to me here"
REVERSED = {LEFT_OUT}
ALSO_IN = {SAFE: "safety food_access growth_mindset", LEFT_OUT: "food_access growth_mindset", HEARD: ""}  # whatever they are called: constructs are the map's
IMPORT_IDS = {SAFE: "QID1", LEFT_OUT: "QID2", HEARD: "QID3"}

SETTINGS = """
[survey_text]
safety_owner = "Student services"
retention_days = 60

[[sources]]
id = "climate_anonymous"
format = "google_forms"
path = "climate/anonymous_*.csv"
[sources.survey]
survey_id = "climate"
wave_id = "anonymous"
school_column = "School"
opens = 2025-08-18
closes = 2025-08-31

[[sources]]
id = "climate_pseudonymous"
format = "qualtrics"
path = "climate/pseudonymous_*.csv"
mode = "delta"
[sources.survey]
survey_id = "climate"
wave_id = "pseudonymous"
respondent = "pseudonymous"
consent_basis = "opt_out"
consent_text = "Letter to families of 2025-08-04"
respondent_column = "externalDataReference"
keep = "latest"
school_column = "SchoolID"

[[sources]]
id = "climate_linked"
format = "panorama"
path = "climate/linked_*.csv"
[sources.survey]
survey_id = "climate"
wave_id = "linked"
respondent = "linked"
consent_basis = "consent"
consent_text = "Signed form 7"
respondent_column = "Student ID"
keep = "one"
school_column = "School"
opens = 2025-08-18
closes = 2025-08-19
scores = { "Topic: Belonging" = "belonging" }
"""


def _answers(rng: random.Random) -> list[str]:
    return [rng.choice([*AGREE, NOT_SURE, ""]) for _ in (SAFE, LEFT_OUT, HEARD)]


@dataclass(frozen=True)
class Waves:
    """The files of all nights, made from the district's own roster."""

    roster: pd.DataFrame  # userSourcedId, orgSourcedId, of students on the first day

    @property
    def asked(self) -> list[tuple[str, str]]:
        return list(self.roster[["userSourcedId", "orgSourcedId"]].itertuples(index=False, name=None))[:30]

    def anonymous(self, seed: int, n: int) -> str:
        rng = random.Random(seed)
        header = ["Timestamp", "School", "Lunch code", "Email Address", "My name", SAFE, LEFT_OUT, HEARD, "Anything else?"]
        schools = sorted(set(self.roster["orgSourcedId"]))
        rows = [
            [f"8/1{8 + k % 2}/2025 9:{k % 60:02d}:00", schools[k % len(schools)], f"LUNCH-77{k:03d}", f"anon{k}@family.example", f"Nobody Atall{k}",
             *_answers(rng), f"anonymous words {k}" if k % 3 == 0 else ""]
            for k in range(n)
        ]  # fmt: skip
        return as_csv([header, *rows])

    def pseudonymous(self, seed: int, day: date, who: slice, *extra: list[str]) -> str:
        rng = random.Random(seed)
        names = ["StartDate", "EndDate", "Status", "IPAddress", "Progress", "Finished", "ResponseId", "ExternalReference", "Q1", "Q2", "Q3", "Q3_5_TEXT", "Sch"]
        ids = ["startDate", "endDate", "status", "ipAddress", "progress", "finished", "_recordId", "externalDataReference", "QID1", "QID2", "QID3"]
        ids += ["QID3_5_TEXT", "SchoolID"]
        rows = []
        for k, (student, school) in enumerate(self.asked[who]):
            numbers = [str(VALUE.get(a, "-99" if a else "")) for a in _answers(rng)]
            stamp = [f"{day} 10:{k:02d}:00", f"{day} 10:{k:02d}:59", "0", f"10.1.1.{k}", "100", "1", f"R_{seed}_{k}"]
            rows.append([*stamp, student, *numbers, f"pseudonymous words {k}", school])
        preview = [f"{day} 08:00:00", f"{day} 08:00:09", "1", "10.1.1.99", "100", "1", f"R_{seed}_p", "", "5", "5", "5", "", ""]
        return as_csv([names, [f"{n} in words" for n in names], [json.dumps({"ImportId": i}) for i in ids], *rows, preview, *extra])

    def linked(self, seed: int, n: int) -> str:
        rng = random.Random(seed)
        header = ["Student ID", "Student Name", "School", "Grade", SAFE, LEFT_OUT, HEARD, "Topic: Belonging"]
        rows = [
            [student, f"Ada Example{k}", school, "", *_answers(rng), f"{rng.randint(100, 500) / 100:.2f}"] for k, (student, school) in enumerate(self.asked[:n])
        ]
        return as_csv([header, *rows])


def _put(night: Night, name: str, text: str) -> None:
    path = night.landing / "climate" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")


@dataclass(frozen=True)
class Told:
    """The district after its nights, what they said, and the files."""

    night: Night
    waves: Waves
    outcomes: list[Outcome]
    files: dict[str, str]  # the last word of each wave


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Any:
    night = make(tmp_path_factory.mktemp("surveys") / "district", 80, 3)
    with (night.folder / "district.toml").open("a", encoding="utf-8") as f:
        f.write(SETTINGS)
    with (night.folder / "codes/survey_items.csv").open(newline="", encoding="utf-8") as f:
        old = [[row.get(c, {"occurrence": "1", "kind": "single"}.get(c, "")) for c in ITEM_COLUMNS] for row in csv.DictReader(f)]
    items = [item(t, survey="climate", reverse=t in REVERSED, also_in=ALSO_IN[t]) for t in (SAFE, LEFT_OUT, HEARD)]
    items += [
        item(f"Q{n}", t, survey="climate", reverse=t in REVERSED, import_id=IMPORT_IDS[t], also_in=ALSO_IN[t])
        for n, t in enumerate((SAFE, LEFT_OUT, HEARD), start=1)
    ]
    items += [item("Anything else?", survey="climate", kind="text")]
    (night.folder / "codes/survey_items.csv").write_text(as_csv([ITEM_COLUMNS, *old, *items]), encoding="utf-8")
    scales = night.folder / "codes/survey_scales.csv"
    rows = list(csv.reader(io.StringIO(scales.read_text(encoding="utf-8"))))
    coded = [[*r, "-99" if r[1] == NOT_SURE else ""] for r in rows[1:]]
    scales.write_text(as_csv([[*rows[0], "recode"], *coded]), encoding="utf-8")
    waves = Waves(_students(night))

    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("THROUGHLINE_PSEUDONYM_KEY", raising=False)
        _put(night, "anonymous_2025-08-18.csv", waves.anonymous(1, 24))
        _put(night, "pseudonymous_2025-08-18.csv", waves.pseudonymous(2, MONDAY, slice(0, 20)))
        _put(night, "linked_2025-08-19.csv", waves.linked(3, 15))
        outcomes = [night.run(MONDAY)]  # without the key
        patch.setenv("THROUGHLINE_PSEUDONYM_KEY", KEY)
        _put(night, "anonymous_2025-08-19.csv", waves.anonymous(4, 22))  # the whole wave again: two took theirs back
        _put(night, "pseudonymous_2025-08-19.csv", waves.pseudonymous(5, TUESDAY, slice(15, 30)))  # five answer again
        outcomes.append(night.run(TUESDAY))
        _put(night, "linked_2025-08-18.csv", waves.linked(6, 18))  # an older export, late: it overrules nothing
        outcomes.append(night.run(WEDNESDAY))
        files = {"anonymous": waves.anonymous(4, 22), "linked": waves.linked(3, 15)}
        yield Told(night, waves, outcomes, files)


def _students(night: Night) -> pd.DataFrame:
    first = min(night.landing.glob("oneroster/*/oneroster.zip"))
    with zipfile.ZipFile(first) as archive, archive.open("roles.csv") as f:
        roles = pd.read_csv(f, dtype=str)
    begin, end = roles["beginDate"].fillna("0001-01-01"), roles["endDate"].fillna("9999-12-31")
    return roles[(roles["role"] == "student") & (begin <= MONDAY.isoformat()) & (end > MONDAY.isoformat())]


def _expected(told: Told) -> pd.DataFrame:
    """Every wave's answers as they must count in the end, with pandas alone: wave, respondent, item, answer."""
    frames = []
    for wave, text in told.files.items():
        frame = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False).assign(wave=wave)
        frame["respondent"] = frame["Student ID"] if wave == "linked" else frame.index.astype(str)
        frames.append(frame[["wave", "respondent", SAFE, LEFT_OUT, HEARD]])
    again = []
    for seed, day, who in ((2, MONDAY, slice(0, 20)), (5, TUESDAY, slice(15, 30))):
        frame = pd.read_csv(io.StringIO(told.waves.pseudonymous(seed, day, who)), dtype=str, keep_default_na=False, skiprows=[1, 2])
        again.append(frame[frame["Status"] == "0"])
    last = pd.concat(again).sort_values("EndDate").drop_duplicates("ExternalReference", keep="last")
    words = {str(n): a for a, n in VALUE.items()} | {"-99": NOT_SURE, "": ""}
    frames.append(
        pd.DataFrame({"wave": "pseudonymous", "respondent": last["ExternalReference"], **{t: last[f"Q{n}"].map(words) for n, t in enumerate(IMPORT_IDS, 1)}})
    )
    long = pd.concat(frames).melt(["wave", "respondent"], var_name="item", value_name="answer")
    value = long["answer"].map(VALUE)
    return long.assign(value=value.where(~long["item"].isin(REVERSED), LOW + HIGH - value))


def test_the_first_night_goes_on_without_the_key_and_says_what_is_missing(told: Told) -> None:
    first, second, _ = told.outcomes
    by_name = {d["name"]: d for d in first.deliveries if d["name"].startswith("climate/")}
    waits = by_name["climate/pseudonymous_2025-08-18.csv"]
    assert waits["status"] == "blocked"
    assert "THROUGHLINE_PSEUDONYM_KEY is not set in the environment" in waits["why"]
    assert by_name["climate/anonymous_2025-08-18.csv"]["status"] == "accepted"
    assert {v["indicator_id"] for v in first.verdicts if v["verdict"] == "held"} <= SURVEY | REACH
    taken = {d["name"]: d for d in second.deliveries}["climate/pseudonymous_2025-08-18.csv"]
    assert (taken["status"], taken["n_rows"], taken["n_quarantined"]) == ("accepted", 20, 0)
    assert "left_out: 1 previews" in taken["warnings"]


def test_every_row_is_accounted_for_and_nothing_is_set_aside(told: Told) -> None:
    for outcome in told.outcomes:
        for d in outcome.deliveries:
            if d["name"].startswith("climate/"):
                assert d["n_quarantined"] == 0, d
                if d["status"] == "accepted":
                    assert d["n_rows"] == d["n_accepted"] + d["n_superseded"] + d["n_duplicate"]
    assert told.night.query("select count(*) from quarantine.survey__answers") == [(0,)]


def test_values_reversed_favorable_and_valid_are_those_that_pandas_finds(told: Told) -> None:
    expected = _expected(told)
    valid = expected.dropna(subset="value")
    grouped = valid.groupby(["wave", "item"])["value"]
    wanted = {k: (int(n), int(total), int(good)) for k, n, total, good in zip(
        grouped.groups, grouped.count(), grouped.sum(), grouped.agg(lambda v: (v >= FAVORABLE).sum()), strict=True)}  # fmt: skip
    sql = """select wave_id, item_id, count(*) filter (where is_valid), sum(item_value)::int, count(*) filter (where is_favorable)
             from core.fct_survey_answers where survey_id = 'climate' group by all"""
    assert {(w, i): (n, total, good) for w, i, n, total, good in told.night.query(sql)} == wanted
    # a not-applicable answer is there and does not count; a blank one is not there
    said = expected[expected["answer"] != ""]
    assert told.night.query("select count(*) from core.fct_survey_answers where survey_id = 'climate'") == [(len(said),)]
    sql = "select sum(quantity) filter (where measure_id = 'answers_favorable')::int, sum(quantity) filter (where measure_id = 'answers_valid')::int"
    favorable = int((valid["value"] >= FAVORABLE).sum())
    assert told.night.query(f"{sql} from measurements.fct_measurements where subject_key like 'climate|%'") == [(favorable, len(valid))]


def _asked(told: Told, construct: str) -> Any:
    """By respondent of any wave: valid answers to the construct's questions, favorable ones and what their values add up to."""
    mine = _expected(told).dropna(subset="value")
    mine = mine[mine["item"].map(lambda t: construct in ALSO_IN[t].split())].assign(good=lambda f: f["value"] >= FAVORABLE)
    return mine.groupby(["wave", "respondent"]).agg(valid=("value", "size"), good=("good", "sum"), value=("value", "sum"))


def test_foundational_needs_and_skills_are_figures_of_responses_by_the_districts_own_map(told: Told) -> None:
    sql = "select indicator_id, numerator::double, denominator::double from marts.agg_indicator_values"
    built = {i: (n, d) for i, n, d in told.night.query(f"{sql} where period_type = 'year_to_date' and school_id is null and grade_level is null")}
    for indicator, construct in (("safe_at_school", "safety"), ("food_access", "food_access")):
        by = _asked(told, construct)
        assert built[indicator] == ((by["good"] == by["valid"]).sum(), len(by)), "favorable on every question that somebody answered"
    by = _asked(told, "growth_mindset")
    assert built["growth_mindset_favorable"] == (by["good"].sum(), by["valid"].sum())
    means = (by["value"] / by["valid"])[by["valid"] * 2 >= 2]
    assert built["growth_mindset_scale_mean"] == (pytest.approx(means.sum(), abs=0.0005 * len(means)), len(means))
    asked_of_nobody = {"food_access_families", "devices_and_internet", "self_management_favorable", "learning_skills_favorable"}
    assert not asked_of_nobody & set(built), "what a district does not ask has no figure"


def test_what_is_sensitive_stays_with_responses_whatever_the_wave(told: Told) -> None:
    """Also the linked wave says of no student who is short of food or does not feel safe: no row, no reason, no list."""
    found = {i for (i,) in told.night.query("select distinct indicator_id from marts.agg_indicator_values")}
    matters = {"safe_at_school", "food_access", "growth_mindset_favorable", "growth_mindset_scale_mean"}
    assert matters <= found
    assert matters.isdisjoint(i for (i,) in told.night.query("select distinct indicator_id from marts.fct_student_indicators"))
    groups = f"select distinct group_family from marts.agg_indicator_values where indicator_id in {tuple(sorted(matters))}"
    assert told.night.query(groups) == [("all",)], "a response is in no student's group"
    words = "select flag_reason || coalesce(next_action, '') from marts.rpt_priority_students union all select flag_reason from marts.fct_student_indicators"
    assert not [w for (w,) in told.night.query(words) if w and sensitive_words(w)]


def test_only_a_linked_answer_leads_to_a_respondent(told: Told) -> None:
    found = dict(told.night.query("select wave_id, count(respondent_key) from core.fct_survey_answers where survey_id = 'climate' group by 1"))
    assert (found["anonymous"], found["pseudonymous"]) == (0, 0)
    assert found["linked"] > 0
    expected = _expected(told)
    linked = expected[(expected["wave"] == "linked") & (expected["answer"] != "")]
    rows = told.night.query("select respondent_key, item_id, answer from core.fct_survey_answers where wave_id = 'linked'")
    assert sorted(rows) == sorted(linked[["respondent", "item", "answer"]].itertuples(index=False, name=None))
    pseudonyms = {hmac.new(KEY.encode(), f"climate|{s}".encode(), hashlib.sha256).hexdigest() for s, _ in told.waves.asked}
    held = {r for (r,) in told.night.query("select distinct respondent_id from held.survey__answers where wave_id = 'pseudonymous'")}
    assert held == pseudonyms


def test_scores_are_the_vendors_and_apart_from_answers(told: Told) -> None:
    frame = pd.read_csv(io.StringIO(told.files["linked"]), dtype=str)
    wanted = sorted((s, float(v)) for s, v in zip(frame["Student ID"], frame["Topic: Belonging"], strict=True))
    assert sorted(told.night.query("select respondent_key, score::double from core.fct_survey_scores where score_name = 'belonging'")) == wanted


def test_response_rates_are_of_the_roster_on_the_opening_day(told: Told) -> None:
    asked = told.waves.roster.groupby("orgSourcedId")["userSourcedId"].nunique().to_dict() | {"": told.waves.roster["userSourcedId"].nunique()}
    expected = _expected(told)
    answered = expected[expected["answer"] != ""].groupby("wave")["respondent"].nunique()
    rates = {
        (w, s): (e, n, r)
        for w, s, e, n, r in told.night.query(
            "select wave_id, school_key, n_eligible, n_responses, response_rate from core.fct_survey_response_rates where survey_id = 'climate'"
        )
    }
    for wave in ("anonymous", "linked"):
        assert {s: e for (w, s), (e, _, _) in rates.items() if w == wave} == asked
        assert rates[wave, ""][1] == answered[wave]
        assert rates[wave, ""][2] == pytest.approx(answered[wave] / asked[""])
    assert rates["pseudonymous", ""] == (None, answered["pseudonymous"], None), "the wave names no opening day"


def test_the_linked_wave_alone_says_whom_it_reached(told: Told) -> None:
    frame = pd.read_csv(io.StringIO(told.files["linked"]), dtype=str)
    answered = set(frame.loc[frame[[SAFE, LEFT_OUT, HEARD]].notna().any(axis=1), "Student ID"])
    sql = """select student_key, numerator::int, denominator::int from marts.fct_student_indicators
        where indicator_id = 'survey_reach' and period_type = 'year_to_date'"""
    assert sorted(told.night.query(sql)) == sorted((s, int(s in answered), 1) for s in told.waves.roster["userSourcedId"].unique())
    with duckdb.connect(str(told.night.build), read_only=True) as db, closing(Ledger(told.night.folder / "data" / "ledger.sqlite")) as ledger:
        keys = db.execute("select value_key from marts.agg_indicator_values where indicator_id = 'survey_reach' order by 1 limit 30").fetchall()
        for (key,) in keys:
            assert trace(db, ledger, find_figure(db, {"value_key": key}), limit=3).agrees, key


def test_schools_that_hardly_answered_a_wave_are_named_once_it_is_over(told: Told) -> None:
    asked = told.waves.roster.groupby("orgSourcedId")["userSourcedId"].nunique()
    frame = pd.read_csv(io.StringIO(told.files["linked"]), dtype=str)
    answered = frame[frame[[SAFE, LEFT_OUT, HEARD]].notna().any(axis=1)].groupby("School")["Student ID"].nunique()
    wanted = {(s, int(n), int(answered.get(s, 0))) for s, n in asked.items() if n >= 20 and answered.get(s, 0) * 2 < n}
    assert wanted
    sql = "select school_id, n_expected, n_found, subject_id, first_date, last_date, indicator_id from operations.coverage where kind = 'survey'"
    named = told.night.published(sql)
    assert {row[:3] for row in named} == wanted
    assert {row[3:] for row in named} == {("climate/linked", MONDAY, TUESDAY, i) for i in SURVEY | REACH}, "the anonymous wave is open for its third day"


def _everything(folder: Path) -> dict[Path, str]:
    """What every file below the data folder says: databases and Parquet opened, all others (and these too) as bytes."""
    found = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        text = path.read_bytes().decode("latin-1")
        if path.suffix == ".parquet":
            text += str(pq.read_table(path, partitioning=None).to_pylist())
        elif path.suffix == ".duckdb":
            with duckdb.connect() as db:
                db.execute(f"attach '{path}' as it (read_only)")
                tables = "select schema_name, table_name from duckdb_tables() where database_name = 'it'"
                for schema, table in db.execute(tables).fetchall():
                    text += str(db.execute(f'select * from it."{schema}"."{table}"').fetchall())
        found[path] = text
    return found


def test_no_byte_of_who_answered_and_no_word_of_theirs_where_it_must_not_be(told: Told) -> None:
    data = told.night.folder / "data"
    said = _everything(data)

    def where(secret: str) -> set[str]:
        return {p.relative_to(data).parts[0] for p, text in said.items() if secret in text}

    linked = pd.read_csv(io.StringIO(told.files["linked"]), dtype=str)["Student ID"]
    assert {"raw", "build"} <= where(linked[0]), "the search finds what is there"
    for secret in ("LUNCH-77", "@family.example", "Nobody Atall", "Ada Example", "10.1.1.", KEY):
        assert where(secret) == set(), secret
    for secret in ("anonymous words", "pseudonymous words"):
        assert where(secret) == {"restricted"}, secret
    # the pseudonymous wave's own files hold no id of anybody
    raw = [t for p, t in said.items() if "climate/pseudonymous" in t and p.suffix == ".parquet" and "restricted" not in p.parts]
    assert len(raw) == 2
    assert not [s for s, _ in told.waves.asked if any(f"'{s}'" in t for t in raw)]
    columns = {c for (c,) in told.night.query("select distinct column_name from information_schema.columns where table_name = 'fct_measurements'")}
    assert not columns & {"respondent_key", "respondent_id"}


def test_night_by_night_equals_all_at_once(told: Told, tmp_path: Path) -> None:
    shutil.copytree(told.night.folder, tmp_path / "again", symlinks=True, ignore=shutil.ignore_patterns("data"))
    again = Night(tmp_path / "again")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("THROUGHLINE_PSEUDONYM_KEY", KEY)
        again.run(WEDNESDAY, first=MONDAY)
    for table in ("core.fct_survey_answers", "core.fct_survey_scores", "core.fct_survey_response_rates"):
        sql = f"select * exclude (delivery_id) from {table}" if "rates" not in table else f"select * from {table}"
        assert sorted(map(repr, again.query(sql))) == sorted(map(repr, told.night.query(sql))), table
    assert again.hashes() == told.night.hashes()
