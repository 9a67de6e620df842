"""How figures answer to a change of the world whose effect is known without knowing any figure: schools under other numbers, one more student who is always
there, a class in two, a student at another school, a holiday week without school.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.districts import START, TestDistrict, make_district
from tests.reshape import Change, Rows, reshaped

CELL = ("school_id", "grade_level", "group_family", "group_value", "period_type", "period_start", "indicator_id", "profile_id")
FIGURE = ("numerator", "denominator", "n_subjects", "value", "ci_low", "ci_high", "ci_method")
FROM_100, TO_120 = "100", "120"  # two schools of one calendar
HOLIDAY_WEEK = ("2025-09-01", "2025-09-05")  # Labor Day's
OTHER_NUMBERS = {"100": "120", "110": "930", "120": "100", "130": "110"}
Cells = dict[tuple[Any, ...], tuple[Any, ...]]


def cells_of(district: TestDistrict) -> Cells:
    """Every figure by its cell."""
    rows = district.query(f"select {', '.join((*CELL, *FIGURE))} from marts.agg_indicator_values")
    return {row[: len(CELL)]: row[len(CELL) :] for row in rows}


@dataclass(frozen=True)
class World:
    """A district that was written and not run, its figures when it is, and where others are made of it."""

    untouched: TestDistrict
    last: date
    cells: Cells
    folder: Path

    def run(self, district: TestDistrict) -> Cells:
        district.run(self.last, START)
        return cells_of(district)

    def rows(self, table: str) -> Rows:
        """What the files say in a table, as they are."""
        found: Rows = []

        def look(name: str, rows: Rows) -> Rows:
            found.extend(rows if name == table else [])
            return rows

        reshaped(self.untouched, self.folder / f"look-{table}-{len(list(self.folder.iterdir()))}", look)
        return found


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("metamorphic")
    untouched = make_district(folder / "untouched", students=80, days=12)
    last = date.fromisoformat(json.loads((untouched.folder / "truth.json").read_text(encoding="utf-8"))["last_date"])
    made = World(untouched, last, {}, folder)
    return World(untouched, last, made.run(untouched.copy(folder / "as-it-is")), folder)


def outcome(world: World, name: str, change: Change) -> Cells:
    return world.run(reshaped(world.untouched, world.folder / name, change))


def in_district(cells: Cells) -> Cells:
    return {cell: figure for cell, figure in cells.items() if cell[0] is None}


def renumber(table: str, rows: Rows) -> Rows:
    columns = ("School Number", "schoolSourcedId", "orgSourcedId", "primaryOrgSourcedId", *(["sourcedId"] if table == "orgs" else []))
    return [{c: OTHER_NUMBERS.get(v, v) if c in columns else v for c, v in row.items()} for row in rows]


@pytest.mark.prove
def test_schools_under_other_numbers_keep_their_figures(world: World) -> None:
    found = outcome(world, "renumbered", renumber)
    assert found == {(OTHER_NUMBERS.get(cell[0], cell[0]), *cell[1:]): figure for cell, figure in world.cells.items()}
    assert found != world.cells


def one_more(model: str, table: str, rows: Rows) -> Rows:
    """Beside the student `model` another, in no class, who is present on each of its days."""
    mine = {"users": "sourcedId", "roles": "userSourcedId", "demographics": "sourcedId", "attendance": "Student Number"}
    if table not in mine:
        return rows
    twins = [{c: v.replace(model, "S9999999") for c, v in row.items()} for row in rows if row[mine[table]] == model]
    for twin in twins:
        twin.update({"Code": "P"} if table == "attendance" else {"sourcedId": "ro-twin"} if table == "roles" else {})
    return [*rows, *twins]


def test_one_more_student_who_is_always_there_makes_no_attendance_worse(world: World) -> None:
    stays = Counter(row["Student Number"] for row in world.rows("attendance") if row["School Number"] == FROM_100)
    model = min(student for student, n in stays.items() if n == max(stays.values()))
    found = outcome(world, "one-more", partial(one_more, model))
    tiers = ("absence_at_risk", "moderate_chronic_absence", "severe_chronic_absence")
    more = ("attendance_rate", "average_daily_attendance", "average_daily_membership")
    of_attendance = (*more, "tardy_rate", "chronic_absence", *tiers, "consecutive_absence")
    better, awaited = Counter[str](), Counter[str]()
    value, days = FIGURE.index("value"), FIGURE.index("denominator")
    for cell, figure in world.cells.items():
        indicator = cell[CELL.index("indicator_id")]
        if indicator.startswith("no_new_evidence"):  # evidence is awaited of whoever comes
            assert found[cell][0] == figure[0], cell
            awaited[indicator] += int(found[cell][days] - figure[days])
            continue
        if indicator not in of_attendance:
            assert found[cell] == figure, cell
            continue
        gain = found[cell][value] - figure[value] if indicator in more else figure[value] - found[cell][value]
        assert gain >= 0, cell
        better[indicator] += gain > 0
    assert better["attendance_rate"] > 10
    assert better["chronic_absence"] > 10
    whole = (None, None, "all", "all", "year_to_date", date(2025, 7, 1), "attendance_rate", "standard")
    assert awaited["no_new_evidence_reading"] == awaited["no_new_evidence_mathematics"]
    assert found[whole][days] - world.cells[whole][days] == max(stays.values())


def in_two(section: str, members: set[str], table: str, rows: Rows) -> Rows:
    """A class of which `members` are another one now, with the same work."""
    other = section + "-b"
    if table == "classes":
        return [*rows, *({**row, "sourcedId": other, "classCode": row["classCode"] + "-b"} for row in rows if row["sourcedId"] == section)]
    if table == "enrollments":
        return [{**row, "classSourcedId": other} if row["classSourcedId"] == section and row["userSourcedId"] in members else row for row in rows]
    if table == "lineItems":
        return [*rows, *({**row, "sourcedId": row["sourcedId"] + "-b", "classSourcedId": other} for row in rows if row["classSourcedId"] == section)]
    if table == "results":
        return [
            {**row, "lineItemSourcedId": row["lineItemSourcedId"] + "-b", "classSourcedId": other}
            if row["classSourcedId"] == section and row["studentSourcedId"] in members
            else row
            for row in rows
        ]
    return rows


def test_a_class_in_two_changes_no_figure(world: World) -> None:
    (section, _), *_ = Counter(row["classSourcedId"] for row in world.rows("results")).most_common(1)
    members = sorted({row["userSourcedId"] for row in world.rows("enrollments") if row["classSourcedId"] == section and row["role"] == "student"})
    moved = set(members[::2])
    assert 0 < len(moved) < len(members)
    made = reshaped(world.untouched, world.folder / "in-two", partial(in_two, section, moved))
    assert world.run(made) == world.cells
    taught = made.query(f"select section_key, count(*) from core.fct_assignment_results where section_key like '%{section}%' group by all")
    assert len(taught) == 2


def elsewhere(student: str, table: str, rows: Rows) -> Rows:
    """A student at another school of the same calendar, in the classes that it had."""
    place = {"users": ("sourcedId", "primaryOrgSourcedId"), "roles": ("userSourcedId", "orgSourcedId"),
             "attendance": ("Student Number", "School Number"), "corrections": ("Student Number", "School Number")}  # fmt: skip
    if table not in place:
        return rows
    who, where = place[table]
    return [{**row, where: TO_120} if row[who] == student and row[where] == FROM_100 else row for row in rows]


@pytest.mark.prove
def test_a_student_at_another_school_changes_no_figure_of_the_district(world: World) -> None:
    missed = Counter(row["Student Number"] for row in world.rows("attendance") if row["School Number"] == FROM_100 and row["Code"] == "A")
    found = outcome(world, "elsewhere", partial(elsewhere, min(missed, key=lambda s: (-missed[s], s))))
    place, value = CELL.index("indicator_id"), FIGURE.index("value")
    for cell, figure in in_district(world.cells).items():
        if cell[place].startswith("average_daily"):  # the sum of two schools' own, each rounded to a thousandth
            assert abs(found[cell][value] - figure[value]) <= 0.002, cell
            figure = (*figure[:value], found[cell][value], *figure[value + 1 :])
        assert found[cell] == figure, cell
    assert in_district(found).keys() == in_district(world.cells).keys()
    changed = {cell[0] for cell in set(found) & set(world.cells) if found[cell] != world.cells[cell]}
    assert changed == {FROM_100, TO_120}


def no_school(table: str, rows: Rows) -> Rows:
    first, last = HOLIDAY_WEEK
    return [{**row, "Day Type": "H"} if table == "calendar" and row["Day Type"] == "I" and first <= row["Date"] <= last else row for row in rows]


@pytest.mark.prove
def test_a_holiday_week_without_school_changes_that_week_alone(world: World) -> None:
    found = outcome(world, "holiday", no_school)
    week = date.fromisoformat(HOLIDAY_WEEK[0])
    kind, start = CELL.index("period_type"), CELL.index("period_start")

    def holds_the_week(cell: tuple[Any, ...]) -> bool:
        return bool(cell[kind] in ("term", "year_to_date") or cell[start] == week)  # the week, and the month of September, begin on that day

    outside = {cell: figure for cell, figure in world.cells.items() if not holds_the_week(cell)}
    assert {cell: figure for cell, figure in found.items() if not holds_the_week(cell)} == outside
    rates = [c for c in world.cells if c[kind] == "week" and c[start] == week and c[CELL.index("indicator_id")] == "attendance_rate"]
    assert rates
    assert not set(rates) & set(found)
