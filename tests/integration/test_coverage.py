"""A school that falls silent, a code map that loses its codes, and the life of what is in quarantine: seen on the first night, with the effect on the rate."""

from __future__ import annotations

import csv
import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.districts import START
from tests.indicators import ATTENDANCE, measured_by
from tests.nights import Night, make

MONDAY = START + timedelta(days=7)
TUESDAY, WEDNESDAY = MONDAY + timedelta(days=1), MONDAY + timedelta(days=2)
SCHOOL = "110"
HOLES = "select distinct kind, school_id, first_date, last_date, n_days, n_expected, n_found, severity from operations.coverage"


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> Night:
    """A clean week and Monday, published; Tuesday and Wednesday lie ready."""
    night = make(tmp_path_factory.mktemp("coverage") / "district", 400, 9, seed=4)
    assert night.run(MONDAY, START).exit_status == 0
    assert night.published("select count(*) from operations.coverage") == [(0,)]
    assert night.published("select count(*) from operations.quarantine") == [(0,)]
    return night


def attendance(night: Night, day: date) -> Path:
    return night.landing / "attendance" / f"attendance_{day}.csv"


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


def write_rows(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as f:
        writer = csv.DictWriter(f, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def as_exceptions(night: Night) -> None:
    """The same district, reporting exceptions only."""
    settings = night.folder / "district.toml"
    settings.write_text(settings.read_text().replace('reporting = "positive"', 'reporting = "exceptions"'))
    for path in sorted((night.landing / "attendance").glob("attendance_*.csv")):
        rows = rows_of(path)
        write_rows(path, [r for r in rows if r["Code"] != "P"] or rows[:1])


@pytest.mark.prove
def test_a_school_that_falls_silent_is_held_on_the_first_night_where_silence_reads_as_presence(week: Night, tmp_path: Path) -> None:
    fresh = Night(week.copy(tmp_path / "d").folder)
    as_exceptions(fresh)
    shutil.rmtree(fresh.folder / "data")
    assert fresh.run(MONDAY, START).exit_status == 0
    assert fresh.published(HOLES) == []
    rows = rows_of(attendance(fresh, TUESDAY))
    usual = sum(r["School Number"] == SCHOOL for day in (START + timedelta(days=n) for n in range(5)) for r in rows_of(attendance(fresh, day))) / 5
    assert usual >= 5, "too quiet a school to notice its silence"
    write_rows(attendance(fresh, TUESDAY), [r for r in rows if r["School Number"] != SCHOOL])
    outcome = fresh.run(TUESDAY)
    assert outcome.exit_status == 3
    held = {(v["indicator_id"], v["school_id"]) for v in outcome.verdicts if v["verdict"] == "held"}
    assert held == {(i, SCHOOL) for i in ATTENDANCE}
    ((kind, school, first, last, n_days, expected, found, severity),) = fresh.published(HOLES)
    assert (kind, school, first, last, n_days, found, severity) == ("attendance", SCHOOL, TUESDAY, TUESDAY, 1, 0, "critical")
    ((enrolled,),) = fresh.query(
        f"select count(distinct student_key) from core.dim_stints where school_key = '{SCHOOL}' and entry_date <= '{TUESDAY}' and exit_date > '{TUESDAY}'"
    )
    assert expected == enrolled
    ((value, low, high),) = fresh.published("select value, value_if_none, value_if_all from operations.coverage where indicator_id = 'attendance_rate'")
    assert low < value < 1
    assert low < high
    # the file sent again with the school in it mends it by itself
    write_rows(attendance(fresh, TUESDAY), rows)
    assert fresh.run(WEDNESDAY).exit_status == 0
    assert fresh.published(HOLES) == []


def test_a_code_map_that_loses_its_codes_is_named_and_held_with_the_effect_on_the_rate(week: Night, tmp_path: Path) -> None:
    night = Night(week.copy(tmp_path / "d").folder)
    before = dict(night.published(f"select school_id, value from marts.agg_indicator_values where indicator_id = 'attendance_rate' and {_ytd()}"))
    codes = night.folder / "codes" / "attendance_codes.csv"
    rows = rows_of(codes)
    lost = [r["code"] for r in rows if r["code"] != "P"]
    write_rows(codes, [r for r in rows if r["code"] == "P"])
    outcome = night.run(TUESDAY)
    assert outcome.exit_status == 3
    held = {v["school_id"] for v in outcome.verdicts if v["verdict"] == "held" and v["indicator_id"] == "attendance_rate"}
    found = night.published("select distinct school_id, n_expected, n_found, severity from operations.coverage where kind = 'code_map'")
    # an independent count: the last word on each student, school and day, by whether its code was lost
    said: dict[tuple[str, str, str], str] = {}
    files = [p for p in (night.landing / "attendance").glob("*.csv") if p.stem.rpartition("_")[2] <= TUESDAY.isoformat()]
    for path in sorted(files, key=lambda p: (p.stem.rpartition("_")[2], p.name.startswith("corrections"))):
        said |= {(r["Student Number"], r["School Number"], r["Date"]): r["Code"] for r in rows_of(path)}
    counted: dict[str, list[int]] = {}
    for (_, school, _), code in said.items():
        counted.setdefault(school, [0, 0])[code in lost] += 1
    critical = {s for s, (mapped, unmapped) in counted.items() if unmapped * 20 >= mapped + unmapped}
    assert critical
    assert {s for s, _, _, severity in found if severity == "critical"} == critical
    assert critical == set(counted), "not every school lost its codes"
    assert held == critical | {""}, "no school is left that a district's figure could stand on"
    for school, expected, mapped, _ in found:
        assert expected - mapped == counted[school][1]
    # what is held keeps its last good figure; the bounds hold it, and say what the map would have done
    shown = dict(night.published(f"select school_id, value from marts.agg_indicator_values where indicator_id = 'attendance_rate' and {_ytd()}"))
    for school, value, low, high in night.published(
        "select school_id, value, value_if_none, value_if_all from operations.coverage where kind = 'code_map' and indicator_id = 'attendance_rate'"
    ):
        if school in critical and value is not None:
            assert value > 0.999, "with every absence unmapped all that is left is presence"
            assert shown[school] == before[school]
            assert low <= before[school] <= high


@pytest.mark.prove
def test_where_most_people_are_at_held_schools_the_whole_indicator_keeps_its_last_good_figures(week: Night, tmp_path: Path) -> None:
    """Two of four schools, with more than half of the students, are left out of Tuesday's file; on Wednesday it has come again, whole."""
    night = Night(week.copy(tmp_path / "d").folder)
    before = figures(night)
    rows = rows_of(attendance(night, TUESDAY))
    gone = {"100", "130"}
    write_rows(attendance(night, TUESDAY), [r for r in rows if r["School Number"] not in gone])
    outcome = night.run(TUESDAY)
    assert outcome.exit_status == 3
    held = {(v["indicator_id"], v["school_id"]): v["why"] for v in outcome.verdicts if v["verdict"] == "held"}
    assert held.keys() == {(i, school) for i in ATTENDANCE for school in ("", *gone)}
    students: dict[str, set[str]] = {}
    for day in (START + timedelta(days=n) for n in (0, 1, 2, 3, 4, 7)):
        for r in rows_of(attendance(night, day)):
            students.setdefault(r["School Number"], set()).add(r["Student Number"])
    everybody, left = sum(map(len, students.values())), sum(len(some) for school, some in students.items() if school not in gone)
    assert left * 2 < everybody
    words = "school 100, 130 is held back; the other schools have less of the people than publication.least_coverage, 1/2"
    assert {held[i, ""] for i in ATTENDANCE} == {words}
    assert all("fewer than four fifths of its students" in held[i, school] for i in ATTENDANCE for school in gone)

    kept = figures(night)
    assert {(r["data_as_of"], r["quality_status"]) for r in kept.values() if r["school_id"] is None} == {(MONDAY, f"held since {MONDAY}: {words}")}
    assert {r["data_as_of"] for r in kept.values()} == {MONDAY}, "a school that sent its file moves with the district's figure or not at all"
    assert plain(kept) == plain(before)
    sound = "select distinct data_as_of, quality_status from marts.agg_indicator_values where indicator_id = 'assignment_completion'"
    assert night.published(sound) == [(TUESDAY, "ok")]

    write_rows(attendance(night, TUESDAY), rows)
    assert night.run(WEDNESDAY).exit_status == 0
    good = figures(night)
    assert {r["data_as_of"] for r in good.values()} == {WEDNESDAY}
    assert not [r for r in good.values() if r["quality_status"].startswith("held")]
    built = night.query(f"select value_key, numerator, denominator, n_subjects from marts.agg_indicator_values where {OF_ATTENDANCE}")
    assert good.keys() == {key for key, *_ in built}
    shown = {key: tuple(values) for key, *values in built if good[key]["suppression"] == "none"}
    assert len(shown) > 100
    assert shown == {key: (good[key]["numerator"], good[key]["denominator"], good[key]["n_subjects"]) for key in shown}
    district = "attendance_rate", None, None, "all", "year_to_date"
    fresh, old = (next(r["denominator"] for r in some.values() if tuple(r[c] for c in CELL) == district) for some in (good, before))
    assert fresh > old


CELL = ("indicator_id", "school_id", "grade_level", "group_family", "period_type")
OF_ATTENDANCE = f"indicator_id in ({', '.join(repr(i) for i in sorted(ATTENDANCE))})"
STATUS = ("data_as_of", "quality_status", "maturity_days")


def figures(night: Night) -> dict[str, dict[str, Any]]:
    """Every published row of the indicators of attendance, by its key."""
    columns = [c for (c,) in night.published("select column_name from information_schema.columns where table_name = 'agg_indicator_values' "
                                             "and table_schema = 'marts' order by ordinal_position")]  # fmt: skip
    rows = night.published(f"select {', '.join(columns)} from marts.agg_indicator_values where {OF_ATTENDANCE}")
    assert rows
    return {r["value_key"]: r for r in (dict(zip(columns, row, strict=True)) for row in rows)}


def plain(found: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {key: {c: v for c, v in row.items() if c not in STATUS} for key, row in found.items()}


def _ytd() -> str:
    return "school_id is not null and grade_level is null and group_family = 'all' and period_type = 'year_to_date'"


def test_quarantine_has_a_life(week: Night, tmp_path: Path) -> None:
    night = Night(week.copy(tmp_path / "d").folder)
    rows = rows_of(attendance(night, TUESDAY))
    mine = [r for r in rows if r["School Number"] == SCHOOL]
    spoilt = {r["Student Number"] for r in mine[:12]}
    write_rows(attendance(night, TUESDAY), [r | {"Code": "ZZ"} if r["Student Number"] in spoilt and r["School Number"] == SCHOOL else r for r in rows])
    night.run(TUESDAY)
    first = night.published(
        "select rule, school_id, n_rows, n_students, first_seen_on, age_days, n_nights from operations.quarantine order by school_id nulls first"
    )
    assert first == [("code_is_mapped", None, 12, 12, TUESDAY, 0, 1), ("code_is_mapped", SCHOOL, 12, 12, TUESDAY, 0, 1)]
    night.run(WEDNESDAY)
    night.run(WEDNESDAY)  # the same night again is one more look, and the rows are no older
    ((age, nights, first_seen, last_seen),) = night.published(
        "select age_days, n_nights, first_seen_on, last_seen_on from operations.quarantine where school_id is null"
    )
    assert (age, nights, first_seen, last_seen) == (1, 3, TUESDAY, WEDNESDAY)
    effects = dict(night.published("select indicator_id, value_if_none < value and value < value_if_all from operations.quarantine_effects"))
    assert effects == {**dict.fromkeys(ATTENDANCE | measured_by("msr_minutes")), "attendance_rate": True}
    groups = night.published("select group_family, group_value, n_students, n_in_group from operations.quarantine_groups")
    assert groups
    assert all(n >= 10 and size >= 10 for _, _, n, size in groups)
    # beside each figure that stands on the file, by group: those of the school and the district who are aside, or that they are few
    rows_beside = night.published(f"""select indicator_id, group_family || '=' || group_value, n_students, suppression
        from operations.quarantine_students where school_id = '{SCHOOL}'""")
    beside = {(i, g): (n, hidden) for i, g, n, hidden in rows_beside}
    assert {i for i, _ in beside} == ATTENDANCE | measured_by("msr_minutes")
    assert beside["chronic_absence", "all=all"] == (12, "none")
    genders = {g: cell for (i, g), cell in beside.items() if i == "chronic_absence" and g.startswith("gender=")}
    assert genders
    assert set(genders.values()) <= ({(12, "none")} if len(genders) == 1 else {(None, "primary"), (None, "complementary")}), "of 12 no two groups have 10 each"
    joined = night.published("""select e.n_in_figure is not null, q.n_students from marts.rpt_excluded_students e
        join operations.quarantine_students q using (indicator_id, school_year, group_family, group_value)
        where e.school_id is not distinct from q.school_id and e.school_id is null and e.group_family = 'all' and e.indicator_id = 'attendance_rate'""")
    assert joined == [(True, 12)]
    # mended at the source, it leaves by itself
    write_rows(attendance(night, TUESDAY), rows)
    night.run(WEDNESDAY)
    assert night.published("select count(*) from operations.quarantine") == [(0,)]
