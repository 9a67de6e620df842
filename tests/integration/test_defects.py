"""Every planted defect is caught, and nothing else is. Defects of a second kind: `test_other_defects.py`; districts without any: `test_no_defects.py`."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.nightly import Outcome
from tests.districts import START
from tests.indicators import ATTENDANCE, LEARNING, SURVEY, UNSENT, WORK
from tests.nights import YEAR_TO_DATE, Line, Night, make
from tests.oracle_learning import OF_ALL_WHO_ATTEND

FIGURES = "select indicator_id, profile_id, numerator, denominator, n_subjects, data_as_of, quality_status from marts.agg_indicator_values"
LIST = "priority_students"
OF_ASKED = {i for i in LEARNING if i.startswith(OF_ALL_WHO_ATTEND)}
SCHOOL = "school_id = '100'"  # the school that is left out of one file
# Nights of their own in `make test`: a plain one, and one for each way in which a file can be wrong. `make prove` runs every night.
NIGHTS = ("2025-08-25", "2025-09-02", "2025-09-05", "2025-09-08", "2025-09-11")


@dataclass
class Seen:
    """What a night left to be seen. `held` is the schools ("" all of them) by indicator, `figures` the district's totals of the year to date."""

    day: date
    outcome: Outcome
    held: dict[str, set[str]]
    words: str
    figures: dict[tuple[str, str], tuple[Any, ...]]
    of_school: dict[tuple[str, str], tuple[Any, ...]]


@dataclass
class Story:
    """A district with planted defects, run to its end; the file that puts another right comes a day after it."""

    night: Night
    defects: list[dict[str, Any]]
    every_night: bool
    nights: list[Seen] = field(default_factory=list)
    quarantine: dict[Line, str] = field(default_factory=dict)

    @property
    def spoilt(self) -> list[dict[str, Any]]:
        return [d for d in self.defects if d["expect"] == "held"]

    @property
    def rows(self) -> dict[Line, dict[str, Any]]:
        return {Line(d["file"], n): d for d in self.defects if d["expect"] == "quarantine" for n in d["lines"]}

    def on(self, day: str) -> tuple[Seen | None, Seen | None]:
        """The night before and the night that ended on `day`; None where there is none."""
        before = [s for s in self.nights if s.day.isoformat() < day]
        return (before[-1] if before else None), next((s for s in self.nights if s.day.isoformat() == day), None)


def tell(folder: Path, *, every_night: bool) -> Story:
    """Run the district: each night of its own, or the stretches between the chosen nights as ranges."""
    night = make(folder, 2000, 30, defects=True)
    story = Story(night, json.loads((folder / "defects.json").read_text(encoding="utf-8")), every_night)
    later = {d["business_date"]: d["resent"] for d in story.spoilt if "_2." in d["resent"]}
    aside = folder / "not-yet-sent"
    for name in later.values():
        (aside / name).parent.mkdir(parents=True, exist_ok=True)
        (night.landing / name).rename(aside / name)
    everything = [START + timedelta(days=k) for k in range((night.last_date - START).days + 1)]
    chosen = [d for d in everything if every_night or d.isoformat() in NIGHTS or d == night.last_date]
    since = START
    for day in chosen:
        for on, name in later.items():
            if on < day.isoformat() and (aside / name).exists():
                (aside / name).rename(night.landing / name)
        story.nights.append(_look(night, day, night.run(day, since)))
        story.quarantine |= night.quarantine()
        since = day + timedelta(days=1)
    return story


def _look(night: Night, day: date, outcome: Outcome) -> Seen:
    held: dict[str, set[str]] = {}
    for v in outcome.verdicts:
        if v["verdict"] == "held":
            held.setdefault(v["indicator_id"], set()).add(v["school_id"])
    figures = {(r[0], r[1]): r[2:] for r in night.published(f"{FIGURES} where {YEAR_TO_DATE}")}
    of_school = {(r[0], r[1]): r[2:] for r in night.published(f"{FIGURES} where {YEAR_TO_DATE.replace('school_id is null', SCHOOL)}")}
    return Seen(day, outcome, held, " ".join(v["why"] for v in outcome.verdicts if v["verdict"] == "held"), figures, of_school)


@pytest.fixture(scope="module", params=[pytest.param(False, id="ranges"), pytest.param(True, id="every night", marks=pytest.mark.prove)])
def story(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Story:
    return tell(tmp_path_factory.mktemp("planted") / "district", every_night=bool(request.param))


@pytest.mark.timeout(3600)
def test_every_planted_row_is_in_quarantine_under_the_right_rule(story: Story) -> None:
    assert len({d["kind"] for d in story.rows.values()}) == 23
    missed = {line: d for line, d in story.rows.items() if story.quarantine.get(line) != d["rule"]}
    assert not missed, {line: (d["kind"], d["rule"], story.quarantine.get(line, "not caught")) for line, d in missed.items()}


@pytest.mark.timeout(3600)
def test_nothing_else_is_quarantined(story: Story) -> None:
    extra = {line: rule for line, rule in story.quarantine.items() if line not in story.rows}
    assert not extra
    ((counted,),) = story.night.ledger("select sum(n_quarantined) from deliveries where status = 'accepted'")
    assert counted == len(story.rows), "the deliveries count other rows as quarantined than quarantine holds"


@pytest.mark.timeout(3600)
def test_every_spoilt_file_is_stopped_and_no_other(story: Story) -> None:
    wrong = {d["file"].partition("!")[0] for d in story.spoilt if not d["school"]}
    stopped = story.night.stopped()
    assert len(wrong) == 8
    assert {name.partition("!")[0] for name in stopped} == wrong
    assert all(why.strip() for why in stopped.values())
    assert story.night.schools_missed() == {(d["file"], d["school"]) for d in story.spoilt if d["school"]}


@pytest.mark.timeout(3600)
def test_every_spoilt_file_failed_the_check_that_is_named_for_it(story: Story) -> None:
    sql = "select d.name, c.check_id from checks c join deliveries d using (delivery_id) where c.gate = 'arrival' and c.severity = 'critical' and not c.passed"
    failed = {(str(name).partition("!")[0], str(check)) for name, check in story.night.ledger(sql)}
    named = {(d["file"].partition("!")[0], d["rule"]) for d in story.spoilt}
    assert len(named) == 9
    assert named <= failed


@pytest.mark.timeout(3600)
def test_a_spoilt_file_holds_what_stands_on_it_and_the_last_good_figures_stay(story: Story) -> None:
    looked_at = 0
    for defect in story.spoilt:
        before, tonight = story.on(defect["business_date"])
        if before is None or tonight is None:
            continue  # within a range: the file that puts it right came before anyone looked
        looked_at += 1
        known = {indicator for indicator, _ in before.figures}
        for some in (ATTENDANCE, OF_ASKED):  # also where nobody can be judged yet: students' rows say so
            known |= some if known & some else set()
        # what an unreadable package held nobody can say, so all that its source feeds waits
        expected = known & (ATTENDANCE if defect["table"] == "extract__attendance" else ATTENDANCE | WORK | LEARNING)
        assert expected
        # a school that was held by itself the night before keeps its own, older rows when all of the indicator is held
        own = {i: set() if defect["school"] else before.held.get(i, set()) - {""} for i in expected}
        held = {i: schools for i, schools in tonight.held.items() if i != LIST}
        assert held == {i: {defect["school"] or ""} | own[i] for i in expected}, defect["kind"]
        # from the day on which anybody is on the list of priority students, whose rules name flags of attendance, it is held with them
        if LIST in tonight.held:
            assert {defect["school"] or ""} <= tonight.held[LIST] <= held["chronic_absence"] | before.held.get(LIST, set()), defect["kind"]
        assert tonight.outcome.exit_status == 3
        assert defect["file"].partition("!")[0] in tonight.words
        for key, figure in tonight.figures.items():
            *totals, as_of, status = figure
            stays = key[0] in expected and not defect["school"]
            if stays:
                assert totals == list(before.figures[key][:3]), (defect["kind"], key)
                assert as_of == before.figures[key][3]
                assert status.startswith("held since"), status
            else:
                assert as_of == tonight.day
                assert status == "ok" or (defect["school"] and key[0] in expected and defect["school"] in status), (key, status)
            if defect["school"] and key[0] in expected:
                assert (key in tonight.of_school) == (key in before.of_school), "a figure that the school never had cannot be its last good one"
                if key in before.of_school:
                    assert tonight.of_school[key][:4] == before.of_school[key][:4], "the school that is missing moved"
                    assert tonight.of_school[key][4].startswith("held since")
    assert looked_at == len(story.spoilt) if story.every_night else looked_at >= 4


@pytest.mark.timeout(3600)
def test_the_file_sent_again_mends_it_by_itself(story: Story) -> None:
    for defect in story.spoilt:
        name = defect["file"].partition("!")[0]
        after = [s for s in story.nights if s.day.isoformat() > _mended_by(defect)]
        assert after
        for seen in after:
            assert name not in seen.words, (defect["kind"], seen.day)
    last = story.nights[-1]
    assert last.held == {}
    assert {indicator for indicator, _ in last.figures} == (ATTENDANCE | WORK | SURVEY | LEARNING) - UNSENT
    assert {(figure[3], figure[4]) for figure in last.figures.values()} == {(story.night.last_date, "ok")}


def _mended_by(defect: dict[str, Any]) -> str:
    """The last day on which the defect may still hold something back: the day before the file that puts it right is there to be taken."""
    if "_2." in defect["resent"]:
        return str(defect["business_date"])
    day = date.fromisoformat(next(p for p in defect["resent"].replace("/", "_").replace(".", "_").split("_") if p.startswith("20")))
    return (day - timedelta(days=1)).isoformat()
