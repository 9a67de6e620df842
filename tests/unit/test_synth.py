"""The synthetic district: reproducible, consistent with itself, and spoilt only where it says so."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from pipelines.code_maps import CODE_MAPS
from pipelines.district import load_district
from pipelines.quality.arrival import READABLE
from pipelines.quality.expectations import load_suites
from pipelines.sources.oneroster import header
from pipelines.synth import synthesize, text
from pipelines.synth.calendar import build_year

START = date(2025, 8, 18)


def make(out: Path, students: int = 300, days: int = 30, seed: int = 11, *, start: date = START, defects: bool = True) -> Path:
    synthesize(students, days, start, seed, out, defects=defects, progress=lambda _: None)
    return out


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def lines_of(landing: Path, file: str) -> list[str]:
    path, _, entry = file.partition("!")
    if not entry:
        return (landing / path).read_text(encoding="utf-8").splitlines()
    with zipfile.ZipFile(landing / path) as package:
        return package.read(entry).decode().splitlines()


def table(data: bytes) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(data), dtype=str, keep_default_na=False)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("clean"), defects=False)


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("spoilt"))


@pytest.fixture(scope="module")
def packages(clean: Path) -> list[tuple[str, str, dict[str, pd.DataFrame]]]:
    """(date, name, tables) of every OneRoster package of the clean district, in order of date; of one date the roster first."""
    found = []
    for path in sorted((clean / "landing/oneroster").glob("*/*.zip"), key=lambda p: (p.parent.name, p.name != "oneroster.zip")):
        with zipfile.ZipFile(path) as z:
            found.append((path.parent.name, path.name, {n.removesuffix(".csv"): table(z.read(n)) for n in z.namelist()}))
    return found


@pytest.fixture(scope="module")
def latest(packages: list[tuple[str, str, dict[str, pd.DataFrame]]]) -> dict[str, pd.DataFrame]:
    """The last word of all packages on every row."""
    names = {n for _, _, tables in packages for n in tables if n != "manifest"}
    return {n: pd.concat([t[n] for _, _, t in packages if n in t]).drop_duplicates("sourcedId", keep="last").set_index("sourcedId") for n in names}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    first, again, other = (contents(make(tmp_path / n, 120, 8, seed)) for n, seed in (("a", 5), ("b", 5), ("c", 6)))
    assert first == again
    assert first["landing/attendance/attendance_2025-08-18.csv"] != other["landing/attendance/attendance_2025-08-18.csv"]


def test_what_a_day_writes_does_not_depend_on_how_many_days_are_asked_for(spoilt: Path, tmp_path: Path) -> None:
    short = make(tmp_path, days=13)
    last = json.loads((short / "truth.json").read_text())["last_date"]
    long_files, short_files = contents(spoilt / "landing"), contents(short / "landing")
    until = {name for name in long_files if next(p for p in name.replace("_", "/").replace(".", "/").split("/") if p[:2] == "20") <= last}
    assert short_files == {name: long_files[name] for name in until}
    shorter, longer = (json.loads((d / "defects.json").read_text()) for d in (short, spoilt))
    assert shorter == longer[: len(shorter)]
    assert (short / "district.toml").read_bytes() == (spoilt / "district.toml").read_bytes()


def test_the_settings_load_and_find_every_file(spoilt: Path) -> None:
    district = load_district(spoilt)
    landing = spoilt / "landing"
    written = {p.stem for p in (spoilt / "codes").glob("*.csv")}
    assert (
        {"attendance_codes", "calendar_codes", "program_codes", "survey_items", "survey_scales", "assessment_windows", "learning_levels"}
        <= written
        <= set(CODE_MAPS)
    )
    assert all(district.code_map(name) for name in written)
    taken = {p for s in district.sources for p in landing.glob(s.path)}
    assert {p for p in landing.rglob("*") if p.is_file()} == taken
    waves = [s.survey.wave_id for s in district.sources if s.survey]
    assert waves == list(json.loads((spoilt / "truth.json").read_text())["waves"])
    year = district.school_year_of(START)
    assert year is not None
    assert year.year == 2026


def test_a_folder_with_landing_files_is_not_written_over(spoilt: Path) -> None:
    with pytest.raises(FileExistsError, match="already holds files"):
        make(spoilt)


@pytest.mark.parametrize(("students", "days", "message"), [(10, 5, "at least 50"), (100, 0, "were asked for"), (100, 400, "has 180 school days")])
def test_numbers_that_make_no_district_are_refused(tmp_path: Path, students: int, days: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(tmp_path, students, days)


def test_packages_follow_the_binding(packages: list[tuple[str, str, dict[str, pd.DataFrame]]]) -> None:
    for _, name, tables in packages:
        manifest = tables["manifest"].set_index("propertyName")["value"]
        assert (manifest["manifest.version"], manifest["oneroster.version"]) == ("1.0", "1.2")
        declared = {k.removeprefix("file."): v for k, v in manifest.items() if str(k).startswith("file.")}
        assert len(declared) == 21
        assert {n for n, mode in declared.items() if mode != "absent"} == set(tables) - {"manifest"}
        for file, rows in tables.items():
            if file == "manifest":
                continue
            assert tuple(rows.columns) == header(file, "1.2")
            assert rows["sourcedId"].is_unique
            filled = declared[file] == "delta"
            assert name != "gradebook.zip" or filled
            assert (rows["status"] == ("active" if filled else "")).all()
            assert ((rows["dateLastModified"] != "") == filled).all()


def test_references_resolve_within_every_whole_roster(packages: list[tuple[str, str, dict[str, pd.DataFrame]]]) -> None:
    whole = [t for _, name, t in packages if name == "oneroster.zip" and "orgs" in t]
    assert len(whole) >= 6
    references = {
        ("courses", "schoolYearSourcedId"): "academicSessions", ("courses", "orgSourcedId"): "orgs", ("classes", "courseSourcedId"): "courses",
        ("classes", "schoolSourcedId"): "orgs", ("users", "primaryOrgSourcedId"): "orgs", ("roles", "userSourcedId"): "users",
        ("roles", "orgSourcedId"): "orgs", ("enrollments", "classSourcedId"): "classes", ("enrollments", "schoolSourcedId"): "orgs",
        ("enrollments", "userSourcedId"): "users", ("demographics", "sourcedId"): "users", ("lineItems", "classSourcedId"): "classes",
        ("lineItems", "categorySourcedId"): "categories", ("lineItems", "academicSessionSourcedId"): "academicSessions",
        ("lineItems", "schoolSourcedId"): "orgs",
    }  # fmt: skip
    for tables in whole:
        for (file, column), target in references.items():
            assert tables[file][column].isin(tables[target]["sourcedId"]).all(), (file, column)
        assert tables["classes"]["termSourcedIds"].str.split(",").explode().isin(tables["academicSessions"]["sourcedId"]).all()
        teachers = tables["enrollments"].query("primary == 'true'")
        assert teachers["classSourcedId"].is_unique
        assert set(teachers["classSourcedId"]) == set(tables["classes"]["sourcedId"])


def test_attendance_is_complete_and_inside_enrollment_and_calendar(clean: Path, latest: dict[str, pd.DataFrame]) -> None:
    daily = [table(p.read_bytes()).assign(file=p.stem[-10:]) for p in sorted((clean / "landing/attendance").glob("attendance_*.csv"))]
    rows = pd.concat(daily).rename(columns={"Student Number": "student", "School Number": "school"})
    rows["day"] = pd.to_datetime(rows["Date"], format="%m/%d/%Y").dt.strftime("%Y-%m-%d")
    assert (rows["day"] == rows["file"]).all()
    assert not rows.duplicated(["student", "school", "day"]).any()
    calendar = table(sorted((clean / "landing/calendar").iterdir())[-1].read_bytes())
    open_days = calendar[calendar["Day Type"].isin(["I", "M"]) & (calendar["Date"] <= rows["day"].max())]
    roles = latest["roles"].query("role == 'student'")
    expected = open_days.merge(roles, left_on="School Number", right_on="orgSourcedId")
    expected = expected[(expected["beginDate"] <= expected["Date"]) & ((expected["endDate"] == "") | (expected["Date"] < expected["endDate"]))]
    keys = set(zip(expected["userSourcedId"], expected["School Number"], expected["Date"], strict=True))
    assert keys == set(zip(rows["student"], rows["school"], rows["day"], strict=True))
    corrections = pd.concat([table(p.read_bytes()).assign(file=p.stem[-10:]) for p in (clean / "landing/attendance").glob("corrections_*.csv")])
    corrections["day"] = pd.to_datetime(corrections["Date"], format="%m/%d/%Y")
    age = pd.to_datetime(corrections["file"]) - corrections["day"]
    assert age.between(timedelta(days=1), timedelta(days=10)).all()
    corrected = corrections.merge(rows, left_on=["Student Number", "School Number", "Date"], right_on=["student", "school", "Date"], how="left")
    assert len(corrected) > 5
    assert (corrected["Code_x"] != corrected["Code_y"].fillna(corrected["Code_x"])).all()


def test_results_belong_to_students_in_the_class_on_the_due_date(
    packages: list[tuple[str, str, dict[str, pd.DataFrame]]], latest: dict[str, pd.DataFrame]
) -> None:
    items, students = latest["lineItems"], latest["enrollments"].query("role == 'student'").reset_index()
    nights = [t["results"].assign(night=night) for night, _, t in packages if "results" in t]
    told = pd.concat(nights).merge(items, left_on="lineItemSourcedId", right_index=True, how="left", suffixes=("", "_item"))
    assert told["dueDate"].notna().all()
    assert (told["classSourcedId"] == told["classSourcedId_item"]).all()
    assert (told["dueDate"] <= told["night"]).all()
    score = pd.to_numeric(told["score"])
    assert (score.isna() | score.between(0, pd.to_numeric(told["resultValueMax"]))).all()
    assert (score.notna() == (told["scoreStatus"] == "fully graded")).all()
    seat = told.merge(students, left_on=["studentSourcedId", "classSourcedId"], right_on=["userSourcedId", "classSourcedId"], suffixes=("", "_seat"))
    seat = seat[(seat["beginDate"] <= seat["dueDate"]) & ((seat["endDate"] == "") | (seat["dueDate"] < seat["endDate"]))]
    assert len(seat.drop_duplicates(["sourcedId", "night"])) == len(told)
    now = latest["results"]
    assert not now.duplicated(["lineItemSourcedId", "studentSourcedId"]).any()
    assert {"missing", "late"} <= set(now.columns)
    first = told.drop_duplicates("sourcedId", keep="first").set_index("sourcedId")
    handed_in_later = (first["missing"] == "true") & (now["missing"].reindex(first.index) == "false")
    assert handed_in_later.any()
    assert (now["late"].reindex(first.index)[handed_in_later] == "true").all()


def test_people_move_leave_return_arrive_and_attend_two_schools(latest: dict[str, pd.DataFrame]) -> None:
    roles = latest["roles"].query("role == 'student'")
    stays = roles.groupby("userSourcedId")["orgSourcedId"].agg(["size", "nunique"])
    assert (stays["nunique"] > 1).any()
    assert ((stays["size"] > 1) & (stays["nunique"] == 1)).any()
    assert (roles["roleType"] == "secondary").any()
    assert (roles["endDate"] != "").any()
    assert (roles["beginDate"] > START.isoformat()).any()
    assert (latest["users"]["enabledUser"] == "false").any()


def test_programs_and_surveys_hold_what_the_code_maps_know(clean: Path, packages: list[tuple[str, str, dict[str, pd.DataFrame]]]) -> None:
    district = load_district(clean)
    known = {row["code"] for row in district.code_map("program_codes")}
    for path in sorted((clean / "landing/programs").iterdir()):
        rows = table(path.read_bytes())
        users = pd.concat([t["users"] for night, _, t in packages if "users" in t and night <= path.stem[-10:]])
        assert rows["Student Number"].isin(users["sourcedId"]).all()
        assert rows["Program"].isin(known).all()
        assert not rows.duplicated(["Student Number", "Program", "Begin Date"]).any()
    answers = {row["answer"] for row in district.code_map("survey_scales")} | {""}
    titles = [row["item_title"] for row in district.code_map("survey_items")]
    for path in sorted((clean / "landing/survey").iterdir()):
        rows = table(path.read_bytes())
        assert list(rows.columns) == ["Timestamp", "School Number", "Grade", *titles]
        assert rows[titles].isin(answers).all().all()
        assert 0.2 * 300 < len(rows) < 300


def test_a_clean_district_plants_nothing(clean: Path) -> None:
    assert json.loads((clean / "defects.json").read_text()) == []
    assert not list((clean / "landing").rglob("*_2.*"))


def test_every_defect_names_a_rule_that_judges_its_table(spoilt: Path) -> None:
    suites = load_suites("arrival")
    for defect in json.loads((spoilt / "defects.json").read_text()):
        rules = {r.id: r.kind for r in suites[defect["table"]].rules}
        if defect["expect"] == "quarantine":
            assert rules.get(defect["rule"]) == "row", defect
        elif defect["school"]:
            assert rules.get(defect["rule"]) == "school", defect
        else:
            assert defect["rule"] == READABLE or rules.get(defect["rule"]) == "delivery", defect


def assert_only_planted_lines_differ(clean: Path, spoilt: Path) -> None:
    rows = [d for d in json.loads((spoilt / "defects.json").read_text()) if d["expect"] == "quarantine"]
    assert len({d["kind"] for d in rows}) == 23
    for defect in rows:
        before, after = lines_of(clean / "landing", defect["file"]), lines_of(spoilt / "landing", defect["file"])
        different = [k + 1 for k, line in enumerate(after) if k >= len(before) or line != before[k]]
        assert different == defect["lines"][-1:], defect
        assert all(1 < n <= len(after) for n in defect["lines"])


def test_every_row_defect_is_the_only_difference_in_its_file(clean: Path, spoilt: Path) -> None:
    assert_only_planted_lines_differ(clean, spoilt)


def test_a_large_file_is_planted_piece_by_piece(clean: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces so small that what a defect needs is often in none of the first."""
    monkeypatch.setattr(text, "CHUNK_ROWS", 7)
    assert_only_planted_lines_differ(clean, make(tmp_path))


def test_every_spoilt_file_is_put_right_by_the_file_named(clean: Path, spoilt: Path) -> None:
    right, wrong = contents(clean / "landing"), contents(spoilt / "landing")
    held = [d for d in json.loads((spoilt / "defects.json").read_text()) if d["expect"] == "held"]
    assert len({d["kind"] for d in held}) == 9
    assert len({d["business_date"] for d in held}) == 9
    for defect in held:
        path = defect["file"].partition("!")[0]
        assert wrong[path] != right[path]
        if "_2." in defect["resent"]:
            assert wrong[defect["resent"]] == right[path]
        elif defect["school"]:
            rows, again = right[path].decode().splitlines(), wrong[defect["resent"]].decode().splitlines()
            keys = {row.rsplit(",", 2)[0] for row in again}
            assert {row.rsplit(",", 2)[0] for row in rows} <= keys
            assert f",{defect['school']}," not in wrong[path].decode()
        else:
            with zipfile.ZipFile(io.BytesIO(wrong[defect["resent"]])) as z:
                assert "orgs.csv" in z.namelist()


def test_nothing_else_differs_from_the_clean_district(clean: Path, spoilt: Path) -> None:
    right, wrong = contents(clean / "landing"), contents(spoilt / "landing")
    planted = json.loads((spoilt / "defects.json").read_text())
    named = {d["file"].partition("!")[0] for d in planted} | {d["resent"] for d in planted if d["resent"]}
    resent = {d["resent"].replace("oneroster.zip", "gradebook.zip") for d in planted if d["resent"]}
    assert {name for name in wrong if wrong[name] != right.get(name)} <= named | resent
    assert right.keys() <= wrong.keys() | named


def test_next_years_roster_shares_no_student_with_this_years(spoilt: Path) -> None:
    defect = next(d for d in json.loads((spoilt / "defects.json").read_text()) if d["kind"] == "roster_next_year")
    users, sessions = (lines_of(spoilt / "landing", f"{defect['file']}!{n}.csv") for n in ("users", "academicSessions"))
    assert not any(line.startswith("S") for line in users[1:])
    assert all(line.endswith(",2027") for line in sessions[1:])


@pytest.mark.parametrize("start", [date(2025, 8, 18), date(2024, 8, 7), date(2025, 9, 3), date(2026, 1, 5), date(2026, 4, 11)])
def test_every_year_has_two_calendars_a_storm_and_a_day_that_makes_up_for_it(start: date) -> None:
    year = build_year(start)
    assert year.sessions["A"] != year.sessions["B"]
    lost = [c for c in year.changes if c.day_type == "W"]
    made_up = [c for c in year.changes if c.day_type == "M"]
    assert lost
    assert len(lost) == len(made_up)
    assert all(c.announced <= c.day for c in year.changes)
    assert all(c.day <= year.last_day for c in year.changes)
    assert not {c.day for c in lost} & set(year.package_days)


@pytest.mark.parametrize("seed", range(4))
def test_small_and_odd_districts_can_be_written(tmp_path: Path, seed: int) -> None:
    make(tmp_path, 50 + 37 * seed, 37, seed, start=date(2025, 8, 13) + timedelta(days=61 * seed))
    assert len(json.loads((tmp_path / "defects.json").read_text())) >= 25
