"""Kept weeks on both warehouses, night by night on a build made up by hand: held slices, a stricter minimum, looks back, kills and builds that are gone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from pipelines.lineage.graph import MartModel
from pipelines.publication import assemble, maturity
from pipelines.publication.figures import MART
from pipelines.publication.verdicts import SliceKey
from pipelines.publication.warehouse import Plan, SliceStatus
from tests.integration.warehouses import House

MODEL = MartModel(
    MART,
    (
        ("value_key", "string"), ("school_year", "int"), ("school_id", "string"), ("grade_level", "string"), ("group_family", "string"),
        ("group_value", "string"), ("period_type", "string"), ("period_start", "date"), ("period_end", "date"), ("indicator_id", "string"),
        ("profile_id", "string"), ("profile_version", "int"), ("numerator", "decimal(18,3)"), ("denominator", "decimal(18,3)"), ("n_subjects", "bigint"),
        ("value", "double"),
    ),
    ("value_key", "school_year", "period_type", "period_start"), ("value_key", "school_year", "period_type", "period_start"), True, "int_cell_changes",
)  # fmt: skip
FIRST, SECOND = date(2025, 9, 1), date(2025, 9, 8)  # weeks, each with its Monday
ENDS = FIRST + timedelta(days=6)
MIN_N = 10


@dataclass
class District:
    """A build whose figures a test sets, and nights over it. `figures`: (school, week) to the people of it and the value."""

    house: House
    folder: Path
    figures: dict[tuple[str, date], tuple[int, float]] = field(default_factory=dict)
    version: int = 1
    n_publications: int = 0

    @contextmanager
    def build(self, as_of: date) -> Iterator[duckdb.DuckDBPyConnection]:
        with duckdb.connect(str(self.folder / "build.duckdb")) as db:
            for schema in ("core", "settings", "registry", "marts"):
                db.execute(f"create schema if not exists {schema}")
            db.execute(assemble.RECORDS)
            db.execute(f"create or replace table settings.night as select date '{as_of}' as as_of")
            db.execute("""create or replace table registry.maturities as
                select * from (values (7, 4, false), (14, 11, false), (28, 25, true)) as m (maturity_days, least_days, is_settled)""")
            db.execute(f"""create or replace table core.dim_periods as select 'week' as period_type, w as period_start, w + 6 as period_end, 2026 as school_year
                from (values (date '{FIRST}'), (date '{SECOND}'), (date '2025-09-15')) as v (w)""")
            db.execute(f"""create or replace table core.dim_school_days as
                select d as calendar_date, true as is_instructional from (values (date '{FIRST}'), (date '{SECOND}')) as v (d)""")
            db.execute(f"""create or replace table core.int_week_comparisons as
                select 2026 as school_year, w as period_start, c as comparison, 'no such week' as no_week_words,
                    case when w = date '{SECOND}' and c <> 'last_year' then 2026 end as compared_school_year,
                    case when w = date '{SECOND}' and c <> 'last_year' then date '{FIRST}' end as compared_start
                from (values (date '{FIRST}'), (date '{SECOND}')) as v (w) cross join (values ('week_before'), ('last_year'), ('term_start')) as k (c)""")
            types = {"string": "varchar", "int": "integer"}
            db.execute(f"create or replace table marts.{MART} ({', '.join(f'{n} {types.get(t, t)}' for n, t in MODEL.columns)})")
            for (school, week), (n, value) in self.figures.items():
                key = f"{school}|{week}"
                period = ["week", week, week + timedelta(days=6)]
                row = [key, 2026, school or None, None, "all", "all", *period, "rate", "standard", self.version, n * value, n, n, value]
                db.execute(f"insert into marts.{MART} values ({', '.join('?' * len(row))})", row)
            yield db

    def night(
        self, days: int, held: Sequence[SliceKey] = (), *, min_n: int = MIN_N, hide: bool = False, is_killed_before: bool = False, is_killed_after: bool = False
    ) -> None:
        """Publish so many days after the first week's end."""
        as_of = ENDS + timedelta(days=days)
        self.n_publications += 1
        name = f"2025{self.n_publications:04}"
        with self.build(as_of) as db:
            change, weeks = maturity.keep(db, self.house.warehouse, MODEL, held, name, min_n, hide=hide)
        if is_killed_before:
            return
        statuses = (SliceStatus(maturity.KEPT, "rate", 2026, "", as_of, "ok"),)
        self.house.warehouse.publish(Plan(name, self.folder / "build.duckdb", (change,), statuses, {maturity.WEEKS: weeks}))
        if not is_killed_after:
            with duckdb.connect(str(self.folder / "build.duckdb")) as db:
                maturity.note_seen(db)

    def kept(self, week: date = FIRST) -> dict[tuple[str, int], tuple[int, float | None]]:
        """Of each school and age: how old the week was, and the value that is shown."""
        rows = self.house.warehouse.read(maturity.KEPT).to_pylist()
        return {(r["school_id"] or "", r["kept_at_days"]): (r["known_days"], r["value"]) for r in rows if r["period_start"] == week}

    def beside(self, school: str, age: int) -> tuple[float | None, float | None, str | None]:
        rows = self.house.warehouse.read(maturity.KEPT).to_pylist()
        ((row),) = [r for r in rows if r["period_start"] == SECOND and (r["school_id"] or "") == school and r["kept_at_days"] == age]
        return row["week_before_value"], row["week_before_change"], row["week_before_why_not"]

    def holes(self) -> dict[tuple[date, int], str]:
        rows = self.house.warehouse.read_operations(maturity.WEEKS).to_pylist()
        return {(r["period_start"], r["kept_at_days"]): r["words"] for r in rows if r["words"] != "kept"}


@pytest.fixture
def district(house: House, tmp_path: Path) -> District:
    return District(house, tmp_path, {("", FIRST): (30, 0.5), ("a", FIRST): (12, 0.25), ("b", FIRST): (9, 0.75)})


def test_the_last_night_by_an_age_is_kept_and_a_missed_one_is_a_hole(district: District) -> None:
    district.night(3)  # too early
    assert district.kept() == {}
    district.night(4)
    district.figures["a", FIRST] = (12, 0.5)
    district.night(7)
    expected: dict[tuple[str, int], tuple[int, float | None]] = {("", 7): (7, 0.5), ("a", 7): (7, 0.5), ("b", 7): (7, None)}
    assert district.kept() == expected
    district.figures["a", FIRST] = (12, 1.0)
    district.night(8)  # too late
    assert district.kept() == expected
    assert district.holes() == {}
    district.figures |= {("", SECOND): (30, 0.75), ("a", SECOND): (12, 0.75), ("b", SECOND): (20, 0.5), ("c", SECOND): (20, 0.5)}
    district.night(14)
    assert district.kept() == {**expected, ("", 14): (14, 0.5), ("a", 14): (14, 1.0), ("b", 14): (14, None)}
    assert district.beside("", 7) == (0.5, 0.25, None)
    assert district.beside("a", 7) == (0.5, 0.25, None), "what was known at seven days, not what is now"
    assert district.beside("b", 7) == (None, None, "hidden: too few people")
    assert district.beside("c", 7) == (None, None, "there is no figure of that week at 7 days")
    district.night(40)
    missed = {(FIRST, 28): ("2025-10-02", "2025-10-05"), (SECOND, 14): ("2025-09-25", "2025-09-28"), (SECOND, 28): ("2025-10-09", "2025-10-12")}
    assert district.holes() == {week: f"not kept: nothing was published from {first} to {last}" for week, (first, last) in missed.items()}
    assert len(district.kept()) == 6


def test_no_change_is_told_between_two_versions_of_a_definition(district: District) -> None:
    district.night(7)
    district.figures["a", SECOND] = (12, 0.75)
    district.version = 2
    district.night(14)
    assert district.beside("a", 7) == (0.25, None, "that week was kept by another version of the definition")


def test_of_a_held_slice_what_was_kept_stays(district: District) -> None:
    district.night(5)
    district.figures = {key: (n, 1.0) for key, (n, _) in district.figures.items()}
    district.night(6, held=[("rate", 2026, "a")])
    assert district.kept() == {("", 7): (6, 1.0), ("a", 7): (5, 0.25), ("b", 7): (6, None)}
    district.night(7, held=[("rate", 2026, "")])
    assert district.kept() == {("", 7): (6, 1.0), ("a", 7): (5, 0.25), ("b", 7): (6, None)}


def test_a_stricter_minimum_hides_what_is_kept_too_and_a_laxer_one_shows_nothing_of_it(district: District) -> None:
    district.night(7)
    district.figures["a", SECOND] = (40, 0.75)
    district.night(14, min_n=20, hide=True)
    assert district.kept()["a", 7] == (7, None)
    assert district.beside("a", 7) == (None, None, "hidden: too few people")
    district.night(15, min_n=2, hide=True)
    assert district.kept()["a", 7] == (7, None)
    assert district.kept()["b", 7] == (7, None)


def test_looks_back_kills_and_lost_builds_lose_nothing(district: District) -> None:
    warehouse = district.house.warehouse
    district.night(3)
    (before_all,) = warehouse.versions()
    district.night(7)
    seen = district.kept()
    warehouse.rollback(before_all)
    assert district.kept() == {}
    district.figures = {key: (n, 1.0) for key, (n, _) in district.figures.items()}
    district.night(8)
    assert district.kept() == seen
    # what was kept in a publication that nobody saw was not seen
    district.night(14, is_killed_before=True)
    district.night(15)
    assert district.kept() == seen
    assert (FIRST, 14) in district.holes()
    # and what people saw, but the build had not noted, was
    district.night(28, is_killed_after=True)
    with_28 = district.kept()
    assert set(with_28) - set(seen) == {("", 28), ("a", 28), ("b", 28)}
    district.figures = {key: (n, 0.0) for key, (n, _) in district.figures.items()}
    district.night(29)
    assert district.kept() == with_28
    with duckdb.connect(str(district.folder / "build.duckdb")) as db:
        assert db.execute("select count(*) from publish.kept_values where kept_at_days = 28").fetchall() == [(3,)]
    (district.folder / "build.duckdb").unlink()
    district.night(30)
    assert district.kept() == with_28
    warehouse.rollback(before_all)
    district.night(31)
    assert district.kept() == with_28, "a build made from nothing has taken it from the warehouse"
