"""Learning, growth and pace of a synthetic district, for `tests/oracle.py`: its files of results read again, and judged by `tests/learning_oracle.py` and
`tests/growth_oracle.py`, which have the definitions a second time.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from tests import growth_oracle
from tests.learning_oracle import Learning, Result, Student

if TYPE_CHECKING:
    from tests.oracle import Oracle

AREAS = ("mathematics", "reading")
MEANS = tuple(f"{name}_{area}" for name in ("level_gain", "growth") for area in AREAS)
KEY = ["Student Number", "Test", "Subject", "Date"]
EVIDENCE_DAYS = 100  # what districts have that say nothing else
OF_ALL_WHO_ATTEND = ("far_behind", "advancing_fast", "behind_pace", "ahead_of_pace", "no_new_evidence")  # with those of whom there is no result
Stay = tuple[str, str, str, str, bool]  # student, school, first day, day after the last one, whether it is the primary one


def _codes(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / f"codes/{name}.csv").open(encoding="utf-8") as f:
        return list(csv.DictReader(f))


def _day(text: str) -> date:
    month, day, year = (int(part) for part in text.split("/"))
    return date(year, month, day)


def results(files: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """The last accepted word on every result: student, assessment, subject, on, score, level and placement."""
    rows = pd.concat([rows[rows["_accepted"]] for rows in files]).drop_duplicates(KEY, keep="last")
    return pd.DataFrame({
        "student": rows["Student Number"], "assessment": rows["Test"], "subject": rows["Subject"], "on": rows["Date"].map(_day),
        "score": pd.to_numeric(rows["Score"]), "level": rows["Level"], "placement": rows["Placement"],
    })  # fmt: skip


def of_district(oracle: Oracle, files: list[pd.DataFrame]) -> pd.DataFrame:
    """What its files of results say of each student, at each school and ("") in the district."""
    roles, grades = oracle.roster("roles").query("role == 'student'"), dict(zip(oracle.students["student"], oracle.students["grade"], strict=True))
    stays = [(*stint, kind == "primary") for stint, kind in zip(oracle.stints, roles["roleType"], strict=True)]
    year = (date.fromisoformat(oracle.dates["date"].min()), date.fromisoformat(oracle.dates["date"].max()))
    last_school_day = date.fromisoformat(oracle.calendar["Date"].max())
    found = rows(oracle.folder, results(files), grades, stays, year, date.fromisoformat(oracle.as_of), last_school_day)
    return found.assign(start=year[0].isoformat(), today=oracle.as_of)


def rows(
    folder: Path, told: pd.DataFrame, grades: Mapping[str, str], stays: list[Stay], year: tuple[date, date], as_of: date, last_school_day: date
) -> pd.DataFrame:
    """A row a student, indicator and place ("" all schools together): numerator and denominator in thousandths, and flag ("yes", "no", blank)."""
    kinds = {(r["assessment_id"], r["subject"]): (r["learning_area"], r["kind"]) for r in _codes(folder, "assessment_kinds")}
    levels = {
        (r["assessment_id"], r["subject"], r["grade_level"]): (Fraction(r["start_level"]), Fraction(r["end_level"])) for r in _codes(folder, "learning_levels")
    }
    proficient = {(r["assessment_id"], r["performance_level"]): r["is_proficient"] == "true" for r in _codes(folder, "performance_levels")}
    mine: dict[str, list[Result]] = {}
    for r in told.itertuples(index=False):
        level = Fraction(r.level) if r.level else None
        mine.setdefault(r.student, []).append(Result(r.student, r.assessment, r.on, r.subject, level, proficient[r.assessment, r.placement]))
    people: dict[str, Student] = {s: (grade, []) for s, grade in grades.items()}
    here: dict[str, list[tuple[bool, str, str, str]]] = {}
    for student, school, begin, end, is_primary in stays:
        if begin < end and begin <= as_of.isoformat():
            people[student][1].append((school, date.fromisoformat(begin), date.fromisoformat(end)))
            here.setdefault(student, []).append((not is_primary, begin, school, end))

    def school_on(student: str, on: date) -> set[str]:
        """The primary school of a day, of several the one that was entered first."""
        there = sorted(stay for stay in here.get(student, []) if stay[1] <= on.isoformat() < stay[3])
        return {there[0][2]} if there else set()

    found = []
    for student, one in people.items():
        learning = Learning({student: one}, mine.get(student, []), kinds, levels, year, EVIDENCE_DAYS, as_of, last_school_day)
        for (indicator, profile), of_one in learning.flags().items():
            for n, d, flag in of_one.values():
                attended = indicator.startswith(OF_ALL_WHO_ATTEND) and any(g == one[0] and kinds[a, s][0] == indicator.rsplit("_", 1)[1] for a, s, g in levels)
                at = {school for school, _, _ in one[1]} if attended else school_on(student, _last_day(learning, indicator, student))
                found += [(student, place, indicator, profile, n, d, {None: "", True: "yes", False: "no"}[flag]) for place in ("", *sorted(at))]
    windows = [(w["assessment_id"], date.fromisoformat(w["first_day"]), date.fromisoformat(w["last_day"])) for w in _codes(folder, "assessment_windows")]
    for area in AREAS:
        of_area = told[[kinds[a, s][0] == area for a, s in zip(told["assessment"], told["subject"], strict=True)]]
        for student, on, z in growth_oracle.last_pairs(growth_oracle.pairs(of_area, windows, grades, as_of)).itertuples():
            n, d = (round(z, 3), 1) if z == z else (0, 0)
            found += [(student, place, f"growth_{area}", "standard", n, d, "") for place in ("", *sorted(school_on(student, on)))]
    table = pd.DataFrame(found, columns=["student", "school", "indicator_id", "profile_id", "total_n", "total_d", "flag"])
    return table.assign(total_n=(table["total_n"].astype(float) * 1000).round(), total_d=(table["total_d"].astype(float) * 1000).round())


def _last_day(learning: Learning, indicator: str, student: str) -> date:
    """The day of the result that what is known of a student rests on."""
    name, area = indicator.rsplit("_", 1)
    mine = learning.results_of(student, area)
    if name.startswith("proficient"):
        kind = name.split("_")[1]
        return max(r.on for r in mine if learning.kinds[r.assessment, r.subject][1] == kind and r.is_proficient is not None)
    if name == "far_behind":
        return max(r.on for r in learning.leveled(mine))
    pair = learning.pair(mine)
    assert pair
    return pair[1].on


def facts(table: pd.DataFrame) -> Iterator[tuple[str, str, str, pd.DataFrame]]:
    """(indicator, profile, place, a row a student who is in the figure): of flags one yes or no each, of means thousandths."""
    if table.empty:
        return
    judged = table[(table["flag"] != "") | (table["indicator_id"].isin(MEANS) & (table["total_d"] > 0))]
    for (indicator, profile), some in judged.groupby(["indicator_id", "profile_id"]):
        n = some["total_n"] if indicator in MEANS else some["flag"] == "yes"
        counted = some.assign(n=n.astype(int), d=1)
        yield str(indicator), str(profile), "school", counted[counted["school"] != ""]
        yield str(indicator), str(profile), "district", counted[counted["school"] == ""].drop(columns="school")
