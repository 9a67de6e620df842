"""A district's first month through the real job, night by night: each scenario that is planted comes to what `scenarios.json` says of it.

Figures are worked out again from the landing files (`tests/month.py`); checks and files held are read from the ledger.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipelines.synth import synthesize
from pipelines.synth.month import NAMES
from tests.month import Oracle, rows_of
from tests.nights import YEAR_TO_DATE, Night

pytestmark = pytest.mark.timeout(1800)  # seven real nights stand behind the first test

START = date(2025, 8, 18)
Days = dict[tuple[str, str, int], tuple[int, int]]


@dataclass
class Look:
    """What there was to see after a night."""

    exit_status: int
    as_of: str
    days: Days  # thousandths enrolled and absent by student, school and school year
    stints: dict[tuple[str, str], list[tuple[str, str]]]
    quarantine: dict[str, int]
    stopped: dict[str, str]
    held: set[str]  # indicators of which a slice is held
    failed: dict[tuple[str, str], int]  # (table, check) -> rows or files, of this run
    figures: list[tuple[Any, ...]]
    asked: dict[str, int]
    remote: set[str]
    expected: Days


@dataclass
class Month:
    night: Night
    told: dict[str, dict[str, Any]]
    dates: list[str]
    first_days: list[str]
    looks: list[Look] = field(default_factory=list)

    def after(self, day: str) -> Look:
        return self.looks[self.dates.index(day)]


def look(night: Night, outcome: Any, day: str, unheard: frozenset[str]) -> Look:
    ask = night.query
    days = ask("""
        select subject_key, school_key, school_year, sum(quantity) filter (measure_id = 'days_enrolled')::bigint,
            coalesce(sum(quantity) filter (measure_id = 'days_absent'), 0)::bigint
        from measurements.fct_measurements where measure_id in ('days_enrolled', 'days_absent') group by 1, 2, 3""")
    stints: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for student, school, entry, end in ask("select student_key, school_key, entry_date::varchar, exit_date::varchar from core.dim_stints order by all"):
        stints.setdefault((student, school), []).append((entry, end))
    failed = night.ledger("select subject, check_id, sum(n_unexpected) from checks where run_id = ? and not passed group by 1, 2", [outcome.run_id])
    return Look(
        exit_status=outcome.exit_status,
        as_of=day,
        days={(s, k, y): (e, a) for s, k, y, e, a in days},
        stints=stints,
        quarantine=dict(ask("select _rule, count(*) from quarantine.extract__attendance group by 1")),
        stopped=night.stopped(),
        held={v["indicator_id"] for v in outcome.verdicts if v["verdict"] == "held"},
        failed={(t, c): int(n) for t, c, n in failed},
        figures=night.published(
            f"""select school_year, indicator_id, profile_id, numerator, denominator, n_subjects from marts.agg_indicator_values
                where {YEAR_TO_DATE} order by all"""
        ),
        asked=dict(ask("select school_key, n_eligible from core.fct_survey_response_rates where wave_id = 'w1'")),
        remote={s for (s,) in ask("select distinct subject_key from measurements.fct_measurements where modality = 'remote' and subject_key like 'V%'")},
        expected=Oracle(night.folder, day, unheard).days,
    )


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Month:
    folder = tmp_path_factory.mktemp("month") / "d"
    synthesize(60, 10, START, 7, folder, defects=False, scenarios=NAMES, progress=lambda _: None)
    with (folder / "district.toml").open("a", encoding="utf-8") as f:
        f.write("\n[intake]\nsettle_seconds = 0\n")
    whole = json.loads((folder / "scenarios.json").read_text())
    month = Month(Night(folder), {e["name"]: e for e in whole["scenarios"]}, whole["nights"], whole["days"])
    changed = month.told["definition_changed"]["expect"]
    unheard = frozenset(Path(f).name for f in month.told["school_missing"]["files"])
    for day in month.dates:
        if day == month.first_days[changed["before"]]:
            shutil.copyfile(folder / changed["copy"][0], folder / changed["copy"][1])
        outcome = month.night.run(date.fromisoformat(day))
        assert outcome.rows["rows"] == sum(outcome.rows[k] for k in ("accepted", "quarantined", "superseded", "duplicate"))
        month.looks.append(look(month.night, outcome, day, unheard))
    return month


def planted(days: Days) -> Days:
    """Those of the schools of the first month."""
    return {key: value for key, value in days.items() if not key[0].startswith("S")}


@pytest.mark.parametrize("n", range(7))
def test_every_night_counts_what_the_files_say(month: Month, n: int) -> None:
    seen = month.looks[n]
    assert planted(seen.days) == seen.expected


def test_what_must_be_held_is_held_for_one_night_and_ends_nothing(month: Month) -> None:
    before, held, after = (month.after(month.first_days[k]) for k in (4, 5, 6))
    for name in ("school_missing", "roster_next_year", "roster_shrunken"):
        scenario = month.told[name]
        rules = {why for file, why in held.stopped.items() if any(file.startswith(f) for f in scenario["files"])}
        assert scenario["expect"]["rule"] in rules, name
    assert held.exit_status == 3
    assert {k: v for k, v in held.stints.items() if v[-1][1] == "9999-12-31"} == {k: v for k, v in before.stints.items() if v[-1][1] == "9999-12-31"}
    assert held.held, "what stands on the files that were stopped is not published"
    assert not after.held, "the right files of the next day mend it"
    assert after.stopped == held.stopped, "and nothing else is stopped"


def test_a_check_names_what_a_check_must_name(month: Month) -> None:
    for name, scenario in month.told.items():
        expect = scenario["expect"]
        if "check" in expect:
            found = [n for seen in month.looks for (table, check), n in seen.failed.items() if (table, check) == (expect["table"], expect["check"])]
            assert found, name
            assert max(found) == expect["n"], name


def test_calendars_of_a_track_a_grade_and_a_student(month: Month) -> None:
    days = month.after(month.first_days[4]).days
    assert [days[s, "J1", 2026][0] for s in ("J001", "J002", "J003", "J008")] == [4000, 2000, 2000, 5000]


def test_a_day_cancelled_after_attendance_was_taken_is_in_no_figure(month: Month) -> None:
    taken, cancelled = (month.after(month.first_days[k]) for k in (5, 6))
    assert taken.days["J008", "J1", 2026] == (6000, 1000)
    assert cancelled.days["J008", "J1", 2026] == (6000, 0), "six days since the first, one day more and one less"


def test_who_never_came_has_no_day(month: Month) -> None:
    before, after = (month.after(month.first_days[k]) for k in (5, 6))
    for student in ("J004", "J005"):
        assert before.days[student, "J1", 2026][0] == 6000
        assert (student, "J1", 2026) not in after.days
        assert (student, "J1") not in after.stints


def test_an_entry_moved_back_brings_its_absence_out_of_quarantine(month: Month) -> None:
    before, after = (month.after(month.first_days[k]) for k in (4, 6))
    assert before.quarantine == {"inside_enrollment": 1}
    assert after.quarantine == {}
    assert before.days["J006", "J1", 2026] == (1000, 0)
    assert after.days["J006", "J1", 2026] == (5000, 1000)
    assert before.days["J007", "J1", 2026] == (5000, 1000)
    assert after.days["J007", "J1", 2026] == (3000, 0)


def test_a_night_without_school_changes_no_figure(month: Month) -> None:
    friday, saturday = month.looks[1], month.looks[2]
    assert saturday.as_of > friday.as_of
    assert (friday.exit_status, saturday.exit_status) == (3, 0), "on Friday a row was set aside"
    assert saturday.days == friday.days
    assert saturday.figures == friday.figures
    assert saturday.figures


def test_days_of_blocks_and_of_released_students_are_judged_by_their_own_classes(month: Month) -> None:
    days = month.after(month.first_days[4]).days
    absent = {s: days[s, "L1", 2026][1] for s in ("L001", "L002", "L003", "L011", "L012", "L021", "L022", "L004")}
    assert absent == {"L001": 1000, "L002": 0, "L003": 1000, "L011": 1000, "L012": 0, "L021": 1000, "L022": 1000, "L004": 0}


def test_part_time_and_two_schools_count_once(month: Month) -> None:
    days = month.after(month.first_days[4]).days
    assert days["J009", "J1", 2026] == (2500, 500)
    assert (days["J010", "J1", 2026], days["J010", "H1", 2026]) == ((3000, 0), (2000, 400))
    assert days["J011", "J1", 2026][0] + days["J011", "H1", 2026][0] == 5000


def test_a_virtual_day_counts_by_participation(month: Month) -> None:
    days = month.after(month.first_days[4]).days
    assert days["V001", "V1", 2026] == (5000, 0)
    assert days["V002", "V1", 2026] == (4000, 0), "nothing came of one day"
    assert days["V003", "V1", 2026] == (5000, 1000)
    assert month.looks[1].remote == {f"V{k:03d}" for k in range(1, 13)}


def test_a_charter_of_another_agency_is_in_its_own_figures_alone(month: Month) -> None:
    seen = month.after(month.first_days[8])
    oracle = Oracle(month.night.folder, seen.as_of, frozenset(Path(f).name for f in month.told["school_missing"]["files"]))
    ours = [v for (_, school, year), v in oracle.days.items() if school != "C1" and year == 2026]
    enrolled = sum(e for e, _ in [*ours, *oracle.roster_days()])
    absent = sum(a for _, a in [*ours, *oracle.roster_days()])
    ((numerator, denominator),) = [(n, d) for year, i, _, n, d, _ in seen.figures if (year, i) == (2026, "attendance_rate")]
    assert (float(denominator), float(numerator)) == (enrolled / 1000, (enrolled - absent) / 1000)
    charter = [v for (_, school, _), v in month.looks[-1].expected.items() if school == "C1"]  # the build is that of the last night
    assert len(charter) == 20
    own = month.night.query(
        """select numerator::double, denominator::double from marts.agg_indicator_values where school_id = 'C1' and indicator_id = 'attendance_rate'
           and school_year = 2026 and grade_level is null and group_family = 'all' and period_type = 'year_to_date'"""
    )
    assert own == [(sum(e - a for e, a in charter) / 1000, sum(e for e, _ in charter) / 1000)]


def test_merged_and_split_numbers_have_the_days_of_one_child_each(month: Month) -> None:
    before, after = (month.after(month.first_days[k]) for k in (5, 6))
    assert before.days["J013", "J1", 2026] == (6000, 1000)
    assert ("J013", "J1", 2026) not in after.days
    assert after.days["J913", "J1", 2026] == (6000, 1000)
    assert before.days["J014", "H1", 2026] == (3000, 500), "two children at half a day each"
    assert ("J014", "H1", 2026) not in after.days
    assert after.days["J014", "J1", 2026] == (6000, 0)
    assert after.days["J914", "H1", 2026] == (7000, 1000)


def test_a_changed_definition_counts_for_the_whole_year(month: Month) -> None:
    assert month.after(month.first_days[6]).days["J015", "J1", 2026][1] == 500
    assert month.after(month.first_days[8]).days["J015", "J1", 2026][1] == 1000


def test_who_was_asked_is_who_was_there_when_the_survey_opened(month: Month) -> None:
    opened = month.after(month.first_days[5])
    (file,) = sorted((month.night.folder / "landing/month/enrollments").glob(f"*_{month.first_days[0]}.csv"))
    there = {r["student_id"] for r in rows_of(file) if r["school_id"] == "J1"}
    assert {"J004", "J005", "J007", "J013"} <= there
    assert not {"J016", "J913"} & there
    assert opened.asked["J1"] == len(there)
    for later in month.looks[4:]:
        assert later.asked == opened.asked
    now = {s for (s, school, year) in month.after(month.first_days[8]).days if school == "J1" and year == 2026}
    assert "J016" in now
    assert "J004" not in now


def test_a_new_name_is_the_same_student(month: Month) -> None:
    (student,) = month.told["name_changed"]["subjects"]
    names = month.night.query(f"select family_name from held.oneroster__users where sourced_id = '{student}'")
    assert names == [("Newname",)]
    before, after = (month.after(month.first_days[k]) for k in (5, 6))
    mine = [{k[1]: v for k, v in seen.days.items() if k[0] == student} for seen in (before, after)]
    assert mine[0].keys() == mine[1].keys()
    assert len(mine[0]) >= 1
    assert all(mine[1][school][0] == mine[0][school][0] + 1000 for school in mine[0]), "one more day, at the same school"
    assert before.stints.keys() & {(student, s) for s in mine[0]} == after.stints.keys() & {(student, s) for s in mine[0]}


def test_last_year_is_there_and_stays(month: Month) -> None:
    past = {k: v for k, v in month.looks[0].days.items() if k[2] == 2025}
    assert len(past) == 10
    assert {e for e, _ in past.values()} == {5000}
    for seen in month.looks[1:]:
        assert {k: v for k, v in seen.days.items() if k[2] == 2025} == past


def test_in_july_next_years_rosters_are_taken_and_close_no_figure(month: Month) -> None:
    before, july = month.looks[-2:]
    assert july.as_of == "2026-07-08"
    for key, (enrolled, absent) in before.days.items():
        assert july.days[key][0] >= enrolled, "one more day of school came before July, and no day is lost"
        assert july.days[key][1] >= absent or key[0].startswith("S"), "but for corrections of the roster's schools"
    taken = month.night.ledger("select status, count(*) from deliveries where business_date = '2026-07-08' group by 1")
    assert [status for status, _ in taken] == ["accepted"]
    (mine,) = [v for (s, k), v in july.stints.items() if (s, k) == ("J020", "J1")]
    assert mine == [("2025-08-18", "2026-07-08"), ("2026-08-17", "9999-12-31")]
    roster = {s for (s, _), spans in july.stints.items() if s.startswith("S") and any(end == "9999-12-31" for _, end in spans)}
    assert roster == set(), "this year's enrollments ended in July"
    assert sum(s.startswith("N") for s, _ in july.stints) > 0
