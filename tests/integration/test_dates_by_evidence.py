"""Dates settled by evidence through the real intake and arrival gate: other people's extracts, a column that stays open, and columns that come and go."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.lineage.ledger import Delivery
from pipelines.quality.arrival import arrive
from pipelines.quality.build import build_path
from pipelines.quality.quarantine import QuarantineError, release_delivery
from tests.landing import COURSES, ONEROSTER, ORGS, Desk, manifest, zipped

YEARS = [{"year": y, "start": date(y - 1, 8, 1), "end": date(y, 7, 31)} for y in range(2020, 2027)]
USERS = (
    "sourcedId,status,dateLastModified,enabledUser,username,userIds,givenName,familyName,middleName,identifier,email,sms,phone,agentSourcedIds,grades,"
    "password,userMasterIdentifier,preferredGivenName,preferredMiddleName,preferredFamilyName,primaryOrgSourcedId,pronouns\n"
)
ROLES = "sourcedId,status,dateLastModified,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId,userProfileSourcedId\n"
MAPPED = {"attendance_code": "AttendanceCode"}
CODES = "code,absent_share,is_excused,is_tardy\nP,0,false,false\nA,1,false,false\n"


class Door(Desk):
    """A desk whose files also go through the arrival gate."""

    @property
    def district(self) -> Any:
        return super().district.model_copy(update={"school_years": tuple(_year(y) for y in YEARS)})

    def enroll(self, pairs: Iterable[tuple[str, str]], day: str) -> None:
        """A roster in which these students are at these schools all the time."""
        some = sorted(set(pairs))
        schools = sorted({s for _, s in some})
        files = {
            "manifest.csv": manifest(orgs="bulk", users="bulk", roles="bulk", courses="bulk"),
            "orgs.csv": ORGS + "".join(f"{s},,,Maple School {i},school,{s},\n" for i, s in enumerate(schools)),
            "courses.csv": COURSES + f"c1,,,,Reading,R1,,{schools[0]},,\n",
            "users.csv": USERS + "".join(f"{u},,,true,u{i},,Ada,Example{i},,,,,,,,,,,,,,\n" for i, (u, _) in enumerate(some)),
            "roles.csv": ROLES + "".join(f"r{i},,,{u},primary,student,,,{s},\n" for i, (u, s) in enumerate(some)),
        }
        self.put(f"oneroster/{day}/roster.zip", zipped(files))
        self.put("../codes/attendance_codes.csv", CODES)

    def night(self, until: date = date(2025, 12, 31)) -> dict[str, Delivery]:
        """Take and judge what has come; the newest state of every delivery by file name and business date."""
        self.take(until)
        arrive(self.district, self.ledger, "run-1", until, self.said.append)
        return {f"{d.source_id}:{d.business_date}": d for d in self.ledger.deliveries() if not d.table_name.startswith("oneroster")}

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(build_path(self.district)), read_only=True) as db:
            return db.execute(sql).fetchall()


def _year(values: dict[str, Any]) -> Any:
    from pipelines.district import SchoolYear

    return SchoolYear(**values)


def source(name: str, business_date: str, **more: Any) -> dict[str, Any]:
    fixed = {"format": "extract", "table": "attendance", "mode": "delta", "columns": MAPPED, "business_date": business_date}
    return {"id": name, "path": f"{name}/*.csv", **fixed, **more}


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8-sig") as f:
        return list(csv.DictReader(f))


def expected(rows: Iterable[dict[str, str]], date_format: str) -> dict[tuple[str, str, str], set[str]]:
    """The codes of each student, school and day, its date read by Python."""
    out: dict[tuple[str, str, str], set[str]] = {}
    for r in rows:
        day = datetime.strptime(r["attendance_date"], date_format).date().isoformat()
        out.setdefault((r["student_id"], r["school_id"], day), set()).add(r["AttendanceCode"])
    return out


def held(door: Door) -> dict[tuple[str, str, str], set[str]]:
    found = door.ask("select student_id, school_id, attendance_date, attendance_code from held.extract__attendance where _is_open")
    return {(s, o, d): {c} for s, o, d, c in found}


def test_iso_one_day_and_month_first_the_next(tmp_path: Path, shared_data: Path) -> None:
    paths = [shared_data / "oea" / "batches" / f"studentattendance-{n}.csv" for n in (1, 2)]
    first, second = (rows_of(p) for p in paths)
    door = Door(tmp_path, [ONEROSTER, source("one", "2022-02-01"), source("two", "2022-02-02")])
    door.enroll(((r["student_id"], r["school_id"]) for r in (*first, *second)), "2022-01-01")
    for name, path in zip(("one", "two"), paths, strict=True):
        door.put(f"{name}/part.csv", path.read_bytes())
    found = door.night()
    one, two = found["one:2022-02-01"], found["two:2022-02-02"]
    assert (one.n_accepted, one.n_duplicate, one.n_quarantined) == (12000, 0, 0)
    assert not [w for w in one.warnings if w.startswith("date_format")]
    assert (two.n_rows, two.n_accepted, two.n_duplicate, two.n_quarantined) == (20, 16, 4, 0)
    assert "date_format: attendance_date read as %m/%d/%Y" in two.warnings
    assert held(door) == expected(first, "%Y-%m-%d") | expected(second, "%m/%d/%Y")


def test_day_first_two_days_running(tmp_path: Path, shared_data: Path) -> None:
    """Section attendance read as daily: a day whose sections agree counts once; one whose sections differ cannot be a day's one code and is set aside."""
    paths = [shared_data / "oea" / "contoso_sis" / day / "studentattendance" / "part1.csv" for day in ("day1", "day2")]
    second = rows_of(paths[1])
    door = Door(tmp_path, [ONEROSTER, source("one", "2020-06-30"), source("two", "2020-07-01")])
    door.enroll(((r["student_id"], r["school_id"]) for r in second), "2019-08-01")
    for name, path in zip(("one", "two"), paths, strict=True):
        door.put(f"{name}/part.csv", path.read_bytes())
    stopped = door.night()
    assert {d.why for d in stopped.values()} == {"mostly_bad_rows"}
    read = door.ask("select student_id, attendance_date, count(*) from arrival.extract__attendance where _delivery_id = "
                    f"'{stopped['two:2020-07-01'].delivery_id}' group by all")  # fmt: skip
    said = Counter((r["student_id"], datetime.strptime(r["attendance_date"], "%d/%m/%Y").date().isoformat()) for r in second)
    assert {(s, d): n for s, d, n in read} == said

    for d in stopped.values():
        release_delivery(door.ledger, d.delivery_id, "R. Example", "sections differ within a day; the days that agree are wanted")
    found = door.night()
    truth = expected(second, "%d/%m/%Y")
    agreed = {key: codes for key, codes in truth.items() if len(codes) == 1}
    assert held(door) == agreed
    two = found["two:2020-07-01"]
    assert "date_format: attendance_date read as %d/%m/%Y" in two.warnings
    assert two.n_quarantined == sum(len(truth[r["student_id"], r["school_id"], _iso(r)]) > 1 for r in second)
    assert two.n_rows == two.n_quarantined + two.n_accepted + two.n_duplicate + two.n_superseded
    assert two.n_duplicate == sum(len(truth[r["student_id"], r["school_id"], _iso(r)]) == 1 for r in second) - len(agreed)


def _iso(row: dict[str, str]) -> str:
    return datetime.strptime(row["attendance_date"], "%d/%m/%Y").date().isoformat()


def sheet(days: Iterable[str], columns: str = "student_id,school_id,attendance_date,AttendanceCode", more: str = "") -> str:
    out = io.StringIO()
    out.write(columns + "\n")
    for i, day in enumerate(days):
        out.write(f"s{i},110,{day},P{more}\n")
    return out.getvalue()


@pytest.fixture
def door(tmp_path: Path) -> Door:
    door = Door(tmp_path, [ONEROSTER, {**source("days", "2025-09-30"), "business_date": None, "path": "days/*.csv"}])
    door.enroll([(f"s{i}", "110") for i in range(40)], "2025-08-01")
    return door


def test_a_column_that_stays_open_stops_the_file_until_a_setting_says(door: Door) -> None:
    door.put("days/2025-10-01.csv", sheet(["05/09/2025", "08/09/2025"]))
    (stopped,) = door.night().values()
    assert (stopped.status, stopped.why) == ("blocked", "dates_are_settled")
    (note,) = [w for w in stopped.warnings if w.startswith("header: ")]
    assert note.startswith("header: attendance_date: every value can be %m/%d/%Y and can be %d/%m/%Y")
    assert 'under [sources.date_formats] of source days in district.toml, such as attendance_date = "%m/%d/%Y"' in note
    assert held(door) == {}
    with pytest.raises(QuarantineError, match="cannot be let through"):
        release_delivery(door.ledger, stopped.delivery_id, "R. Example", "surely month first")

    door.sources[1]["date_formats"] = {"attendance_date": "%d/%m/%Y"}
    (mended,) = door.night().values()
    assert (mended.status, mended.n_accepted) == ("accepted", 2)
    assert {d for _, _, d in held(door)} == {"2025-09-05", "2025-09-08"}


def test_rows_in_another_form_are_set_aside(door: Door) -> None:
    good = [(date(2025, 9, 2) + timedelta(i)).strftime("%m/%d/%Y") for i in range(20)]
    door.put("days/2025-10-01.csv", sheet([*good, "13-Sep-2025", "31/31/2025"]))
    (found,) = door.night().values()
    assert (found.n_accepted, found.n_quarantined) == (20, 2)
    assert door.ask("select _line, _rule from quarantine.extract__attendance order by 1") == [(22, "date_is_a_date"), (23, "date_is_a_date")]


def test_columns_that_come_and_go_are_named(door: Door) -> None:
    whole = "student_id,school_id,attendance_date,AttendanceCode,modality,bus"
    door.put("days/2025-10-01.csv", sheet(["2025-09-30"], whole, ",in_person,7"))
    door.put("days/2025-10-02.csv", sheet(["2025-10-01"], "student_id,school_id,attendance_date,AttendanceCode,bus,lunch", ",7,yes"))
    found = door.night()
    assert not [w for w in found["days:2025-10-01"].warnings if w.startswith(("column_gone", "column_new"))]
    second = found["days:2025-10-02"]
    assert {"column_gone: modality", "column_new: lunch", "column_not_read: bus, lunch"} <= set(second.warnings)
    assert door.ask("select modality from held.extract__attendance order by attendance_date") == [("in_person",), (None,)]

    door.put("days/2025-10-03.csv", sheet(["2025-10-02"], "student_id,school_id,attendance_date,attendancecodes,bus,lunch", ",7,yes"))
    third = door.night()["days:2025-10-03"]
    assert third.why == "required_columns"
    assert "column_gone: AttendanceCode" in third.warnings
    assert any("'AttendanceCode'; did you mean 'attendancecodes'?" in w for w in third.warnings)
