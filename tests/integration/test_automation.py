"""When runs are asked for: ticks of the schedule and of the sensor, as Dagster's daemon evaluates them."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from dagster._utils.schedules import schedule_execution_time_iterator  # what the daemon itself asks for the times of ticks

from pipelines.definitions import build_definitions
from pipelines.defs.automation import nightly_schedule
from pipelines.defs.partitions import daily
from pipelines.defs.resources import DistrictResource
from pipelines.district import District, load_district
from pipelines.intake.take import take
from pipelines.lineage.ledger import Ledger
from pipelines.nightly import prepare_manifest
from tests.landing import HEADER

SETTINGS = """
[district]
id = "maple-hollow"
name = "Maple Hollow"
timezone = "America/Los_Angeles"

[[school_years]]
year = 2026
start = 2025-07-01
end = 2026-06-30

[[sources]]
id = "attendance"
format = "extract"
table = "attendance"
path = "attendance/*.csv"
columns = { attendance_code = "code", attendance_date = "day", student_id = "student", school_id = "school" }

[intake]
settle_seconds = 0
"""
DAY = date(2025, 9, 10)
AN_HOUR = 3600.0


class Landing:
    """A district, and the sensor's ticks on it, each with the cursor that the one before left."""

    def __init__(self, folder: Path, repository: dg.RepositoryDefinition) -> None:
        self.district = load_district(folder)
        self.repository = repository
        self.cursor: str | None = None

    def put(self, name: str, content: str, age: float = AN_HOUR) -> None:
        path = self.district.landing / "attendance" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEADER + content, encoding="utf-8")
        then = datetime.now(UTC).timestamp() - age
        os.utime(path, (then, then))

    def tick(self) -> dg.RunRequest | str:
        """The run that is asked for, or why none is."""
        resources = {"district": DistrictResource(folder=str(self.district.folder))}
        context = dg.build_sensor_context(cursor=self.cursor, resources=resources, repository_def=self.repository)
        data = self.repository.get_sensor_def("landing").evaluate_tick(context)
        self.cursor = data.cursor
        if not data.run_requests:
            assert data.skip_message
            return data.skip_message
        (request,) = data.run_requests
        return request

    def asked(self) -> bool:
        return isinstance(self.tick(), dg.RunRequest)

    def run(self) -> None:
        """What the run does with the files, by the door that it takes them through."""
        ledger = Ledger(self.district.data / "ledger.sqlite")
        try:
            take(self.district, ledger, "run", DAY, lambda text: None)
        finally:
            ledger.close()


def district(folder: Path) -> Path:
    (folder / "landing").mkdir()
    (folder / "district.toml").write_text(SETTINGS, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> dg.RepositoryDefinition:
    """What the daemon loads: an asked partition must be one of the job's."""
    prepare_manifest()
    return build_definitions(district(tmp_path_factory.mktemp("definitions"))).get_repository_def()


@pytest.fixture
def landing(tmp_path: Path, repository: dg.RepositoryDefinition, monkeypatch: pytest.MonkeyPatch) -> Landing:
    monkeypatch.setattr(District, "today", lambda self: DAY)
    return Landing(district(tmp_path), repository)


def test_new_files_are_asked_for_once_until_a_run_has_dealt_with_them(landing: Landing) -> None:
    assert landing.tick() == "no file that has not been dealt with"
    landing.put("a_2025-09-08.csv", "s1,k1,2025-09-08,P\n")
    landing.put("a_2025-09-09.csv", "s1,k1,2025-09-09,P\n")
    first = landing.tick()
    assert isinstance(first, dg.RunRequest)
    assert first.partition_key == "2025-09-10"
    assert landing.tick() == landing.tick() == "2 files have been asked for already today"
    landing.run()
    assert landing.tick() == "no file that has not been dealt with"


def test_a_late_file_with_an_older_date_is_seen(landing: Landing) -> None:
    landing.put("a_2025-09-09.csv", "s1,k1,2025-09-09,P\n")
    landing.run()
    landing.put("a_2025-08-20.csv", "s1,k1,2025-08-20,P\n", age=30 * 24 * AN_HOUR)  # changed long before the last run, too
    assert landing.asked()
    landing.run()
    assert not landing.asked()


def test_a_changed_file_is_seen_and_a_file_of_a_day_to_come_waits_for_it(landing: Landing, monkeypatch: pytest.MonkeyPatch) -> None:
    landing.put("a_2025-09-09.csv", "s1,k1,2025-09-09,P\n")
    landing.put("a_2025-09-11.csv", "s1,k1,2025-09-11,P\n")
    assert landing.asked()
    landing.run()
    assert not landing.asked()
    landing.put("a_2025-09-09.csv", "s1,k1,2025-09-09,A\n", age=AN_HOUR / 2)  # as long as it was
    assert landing.asked()
    landing.run()
    assert not landing.asked()
    monkeypatch.setattr(District, "today", lambda self: DAY + timedelta(days=1))
    assert landing.asked()


def test_what_a_run_in_the_middle_of_its_files_has_left_is_not_asked_for_again(landing: Landing) -> None:
    landing.put("a_2025-09-08.csv", "s1,k1,2025-09-08,P\n")
    assert landing.asked()
    landing.put("a_2025-09-09.csv", "s1,k1,2025-09-09,P\n")
    assert landing.asked()
    second, aside = landing.district.landing / "attendance/a_2025-09-09.csv", landing.district.folder / "aside.csv"
    second.rename(aside)
    landing.run()
    aside.rename(second)
    assert landing.tick() == "1 files have been asked for already today"


def test_files_of_a_run_that_failed_are_asked_for_again_on_the_next_day_and_by_another_key(landing: Landing, monkeypatch: pytest.MonkeyPatch) -> None:
    landing.put("a_2025-09-09.csv", "s1,k1,2025-09-09,P\n")
    first = landing.tick()
    assert not landing.asked()
    monkeypatch.setattr(District, "today", lambda self: DAY + timedelta(days=1))
    second = landing.tick()
    assert isinstance(first, dg.RunRequest)
    assert isinstance(second, dg.RunRequest)
    assert second.run_key != first.run_key, "a key that was used is passed over by Dagster"
    assert second.partition_key == "2025-09-11"
    assert not landing.asked()


def test_a_file_that_goes_while_it_is_looked_for_is_no_error(landing: Landing, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(found: object) -> None:
        raise FileNotFoundError

    landing.put("a_2025-09-09.csv", "s1,k1,2025-09-09,P\n")
    monkeypatch.setattr("pipelines.defs.automation.look", gone)
    assert landing.tick() == "no file that has not been dealt with"


@pytest.mark.parametrize(
    ("timezone", "since", "without_two"),
    [
        ("America/Los_Angeles", datetime(2026, 3, 5, 12), date(2026, 3, 8)),  # the clock goes from two to three
        ("America/Los_Angeles", datetime(2025, 10, 30, 12), None),  # from two back to one
        ("America/New_York", datetime(2025, 12, 29, 12), None),  # over the turn of the year
        ("Europe/Berlin", datetime(2026, 3, 26, 12), date(2026, 3, 29)),  # from two to three
        ("Europe/Berlin", datetime(2025, 10, 23, 12), None),  # from three back to two, which comes twice
    ],
)
def test_each_night_at_two_the_day_that_has_ended_is_asked_for_once(timezone: str, since: datetime, without_two: date | None) -> None:
    schedule = nightly_schedule(timezone)
    zone = ZoneInfo(timezone)
    assert isinstance(schedule.cron_schedule, str)
    ticks = list(islice(schedule_execution_time_iterator(since.replace(tzinfo=zone).timestamp(), schedule.cron_schedule, timezone), 6))
    days = []
    for tick in ticks:
        assert tick.astimezone(zone).hour == (3 if tick.astimezone(zone).date() == without_two else 2)
        # the daemon hands on the time in UTC
        request = schedule(dg.build_schedule_context(scheduled_execution_time=tick.astimezone(UTC)))
        assert isinstance(request, dg.RunRequest)
        assert request.partition_key == request.run_key
        days.append(date.fromisoformat(request.partition_key or ""))
        partitions = daily(date(2025, 7, 1), timezone).get_partition_keys(current_time=tick)
        assert request.partition_key == partitions[-2], "yesterday; today is the last"
    assert days[0] == since.date()
    assert all(after - before == timedelta(days=1) for before, after in pairwise(days))
