"""The build database: opening it, and the small `settings` tables that tell the models what the district decided.

Belongs here: what is written to `settings`. The models read it as a source; nothing else carries settings into SQL.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from pipelines.code_maps import CODE_MAPS, code_columns
from pipelines.district import District
from pipelines.sources import format_of
from pipelines.sources.oneroster import STANDARDS
from pipelines.survey_settings import Survey

SEEDS = Path(__file__).resolve().parents[2] / "dbt_project" / "seeds"
MEMORY_LIMIT = "4GB"
# Of these one row is one thing that happened, and silence may be ignorance; of their columns too, which a source may leave out.
EVENT_TABLES: dict[str, tuple[str, ...]] = {
    "extract__discipline": ("days",), "edfi__discipline_actions": ("assigned_days", "actual_days"), "edfi__discipline_behaviors": (),
    "edfi__discipline_incidents": (), "extract__marks": (), "edfi__grades": (), "extract__assessments": (),
    "edfi__student_assessments": (),
}  # fmt: skip
THREADS = 2
CHECKPOINT = "1GB"  # of log, until the database file is put in order (see decision 14)

# What dbt's profile is told: the same for every district, since dbt reads its project anew for any other (see decision 14). `~` is where the build
# database is, the child process's HOME.
DBT_PROFILE = {
    "THROUGHLINE_BUILD": "~/build.duckdb", "THROUGHLINE_MEMORY": MEMORY_LIMIT, "THROUGHLINE_THREADS": str(THREADS), "THROUGHLINE_CHECKPOINT": CHECKPOINT,
}  # fmt: skip


def build_path(district: District) -> Path:
    return district.data / "build" / "build.duckdb"


def bounds(spill: Path) -> dict[str, str | int]:
    """What every DuckDB of a run is held to: without it DuckDB takes four fifths of the machine. It spills into `spill`, which it makes at need."""
    return {
        "memory_limit": MEMORY_LIMIT, "threads": THREADS, "temp_directory": str(spill), "preserve_insertion_order": "false", "checkpoint_threshold": CHECKPOINT,
    }  # fmt: skip


@contextmanager
def open_build(district: District, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the build database, closed on leaving.

    Waits up to a minute for another process to let go of it (a dbt that outlived its killed run); then raises duckdb.IOException.
    """
    path = build_path(district)
    path.parent.mkdir(parents=True, exist_ok=True)
    spill = district.data / "tmp"
    spill.mkdir(parents=True, exist_ok=True)
    db = _connect(path, read_only, bounds(spill))
    try:
        yield db
    finally:
        db.close()


@retry(retry=retry_if_exception_type(duckdb.IOException), stop=stop_after_delay(60), wait=wait_fixed(0.5), reraise=True)
def _connect(path: Path, read_only: bool, config: dict[str, str | int]) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str(path), read_only=read_only, config=dict(config))


def _replace(db: duckdb.DuckDBPyConnection, name: str, table: pa.Table) -> None:
    db.register("incoming", table)
    db.execute(f"create or replace table settings.{name} as select * from incoming")
    db.unregister("incoming")


def write_fed_tables(db: duckdb.DuckDBPyConnection, tables: Iterable[str]) -> None:
    """Replace `settings.fed_tables`: of `EVENT_TABLES` those of which a delivery was ever accepted, and (as `table.column`) their columns of which a row
    that is held says something. Of the others nothing is known: no file is no sign that nothing happened, and no number is no sign of none.
    """
    fed = set(tables) & EVENT_TABLES.keys()
    said = {f"{t}.{c}" for t in fed for c in EVENT_TABLES[t] if db.execute(f"select 1 from held.{t} where _is_open and {c} <> '' limit 1").fetchall()}
    _replace(db, "fed_tables", pa.table({"table_name": pa.array(sorted(fed | said), pa.string())}))


def fed_tables(db: duckdb.DuckDBPyConnection) -> list[str]:
    """What `settings.fed_tables` holds, in order."""
    return [str(name) for (name,) in db.execute("select table_name from settings.fed_tables order by 1").fetchall()]


def write_settings(db: duckdb.DuckDBPyConnection, district: District) -> None:
    """Replace every `settings` table but `night` and `fed_tables`."""
    db.execute("create schema if not exists settings")
    text, day, whole = pa.string(), pa.date32(), pa.int32()
    years = district.school_years
    terms = [(y.year, t) for y in years for t in y.terms]
    attendance, enrollment = district.attendance, district.enrollment
    _replace(db, "district", pa.table({"district_id": pa.array([district.district.id], text), "name": pa.array([district.district.name], text),
                                       "attendance_reporting": pa.array([attendance.reporting], text), "day_rule": pa.array([attendance.day_rule], text),
                                       "day_numerator": pa.array([attendance.day_fraction.numerator], pa.int64()),
                                       "day_denominator": pa.array([attendance.day_fraction.denominator], pa.int64()),
                                       "tardy_absent_from_minutes": pa.array([attendance.tardy_absent_from_minutes], pa.int64()),
                                       "exit_is_inclusive": pa.array([enrollment.exit_is_inclusive], pa.bool_()),
                                       "gone_is": pa.array([enrollment.gone_is], text),
                                       "day_counts": pa.array([enrollment.day_counts], text),
                                       "year_course_numerator": pa.array([district.marks.credits_of_year_course.numerator], pa.int64()),
                                       "year_course_denominator": pa.array([district.marks.credits_of_year_course.denominator], pa.int64())}))  # fmt: skip
    _replace(db, "agencies", pa.table({"agency_id": pa.array(sorted(set(district.district.agencies)), text)}))
    _replace(db, "positive_schools", pa.table({"school_id": pa.array(sorted(set(attendance.positive_schools)), text)}))
    used = district.gradebook
    _replace(db, "gradebook", pa.table({"used_days": pa.array([used.used_days], whole), "used_items": pa.array([used.used_items], whole),
                                        "work_modality": pa.array([used.work_modality], text)}))  # fmt: skip
    _replace(db, "learning", pa.table({"evidence_days": pa.array([district.learning.evidence_days], whole)}))
    _replace(db, "zero_is_missing", pa.table({"school_id": pa.array(sorted(set(used.zero_is_missing)), text)}))
    _replace(db, "school_years", pa.table({"school_year": pa.array([y.year for y in years], whole), "start_date": pa.array([y.start for y in years], day),
                                           "end_date": pa.array([y.end for y in years], day)}))  # fmt: skip
    _replace(db, "terms", pa.table({"school_year": pa.array([y for y, _ in terms], whole), "term_id": pa.array([t.id for _, t in terms], text),
                                    "term_name": pa.array([t.name for _, t in terms], text), "start_date": pa.array([t.start for _, t in terms], day),
                                    "end_date": pa.array([t.end for _, t in terms], day)}))  # fmt: skip
    _replace(db, "sources", pa.table({"source_id": pa.array([s.id for s in district.sources], text),
                                      "has_no_ids": pa.array([format_of(s).has_no_ids for s in district.sources], pa.bool_())}))  # fmt: skip
    for name in CODE_MAPS:
        rows = district.code_map(name)
        _replace(db, name, pa.table({c: pa.array([r[c] or None for r in rows], text) for c in code_columns(name)}))
    _replace(db, "survey_waves", _waves(district.surveys))
    asked = [(w, kind, v) for w in district.surveys for kind, values in (("grade", w.eligible.grades), ("school", w.eligible.schools)) for v in values]
    _replace(db, "survey_eligible", pa.table({
        "survey_id": pa.array([w.survey_id for w, _, _ in asked], text), "wave_id": pa.array([w.wave_id for w, _, _ in asked], text),
        "kind": pa.array([k for _, k, _ in asked], text), "value": pa.array([v for _, _, v in asked], text)}))  # fmt: skip

    # What every district shares is a file; the gate reads the same one as the models, and as `check-oneroster`.
    shared = "create or replace table settings.{} as select * from read_csv(?, header=true, all_varchar=true)"
    db.execute(shared.format("work_statuses"), [str(SEEDS / "work_statuses.csv")])
    db.execute(shared.format("vocabularies"), [str(STANDARDS / "oneroster_vocabularies.csv")])
    # The same of Ed-Fi descriptors: the district's own rows come first, the common ones wherever those are silent.
    db.execute("""insert into settings.edfi_descriptors select field, descriptor, code from read_csv(?, header=true, all_varchar=true) c
                  where not exists (select 1 from settings.edfi_descriptors d where d.field = c.field and d.descriptor = c.descriptor)""",
               [str(SEEDS / "edfi_descriptors.csv")])  # fmt: skip


def _waves(surveys: Sequence[Survey]) -> pa.Table:
    """What is declared of each wave, a row a wave."""
    kinds = {
        "survey_id": pa.string(), "wave_id": pa.string(), "role": pa.string(), "respondent": pa.string(), "consent_basis": pa.string(),
        "keep": pa.string(), "opens": pa.date32(), "closes": pa.date32(),
    }  # fmt: skip
    columns = {name: pa.array([getattr(s, name) for s in surveys], kind) for name, kind in kinds.items()}
    return pa.table(columns | {"eligible_count": pa.array([s.eligible.count for s in surveys], pa.int64())})


def write_night(db: duckdb.DuckDBPyConnection, as_of: date) -> date:
    """Note the date that figures run to, never moving it back; returns it. `previous_as_of` is that of the last finished build."""
    db.execute("create schema if not exists settings")
    db.execute("create table if not exists settings.night (as_of date, previous_as_of date)")
    rows = db.execute("select as_of, previous_as_of from settings.night").fetchall()  # all: a result that is not read to its end blocks the next
    last, previous = rows[0] if rows else (as_of, None)
    current: date = max(as_of, last)
    db.execute("create or replace table settings.night as select ?::date as as_of, ?::date as previous_as_of", [current, previous])
    return current


Relations = frozenset[tuple[str, str]]  # schema and name


def is_built_with(db: duckdb.DuckDBPyConnection, fingerprint: str, relations: Relations) -> bool:
    """Whether the last finished build used these settings and definitions, and all that it made is there; where not, everything is built anew."""
    return _is_noted(db, "built", fingerprint, relations)


def stands(db: duckdb.DuckDBPyConnection, definitions: str, relations: Relations) -> bool:
    """Whether views and seeds are there as these definitions make them. What a district decided changes none of them."""
    return _is_noted(db, "standing", definitions, relations)


def _is_noted(db: duckdb.DuckDBPyConnection, note: str, value: str, relations: Relations) -> bool:
    there = {(str(s), str(t)) for s, t in db.execute("select table_schema, table_name from information_schema.tables").fetchall()}
    return ("settings", note) in there and relations <= there and db.execute(f"from settings.{note}").fetchall() == [(value,)]


def begin_build(db: duckdb.DuckDBPyConnection, *, with_views: bool) -> None:
    """The models are about to change: until they have finished, the tables are of no settings at all, and a night that finds them so builds all anew. Sums
    that are kept by adding what changed would count twice, or not at all, what an interrupted build has counted.
    """
    for note in ("built", *["standing"] * with_views):
        db.execute(f"create or replace table settings.{note} (value varchar)")


def finish_night(db: duckdb.DuckDBPyConnection, tables: list[str], fingerprint: str, definitions: str) -> None:
    """The models have taken in everything: forget tonight's changes. One transaction, so that a kill before it makes the next night redo them."""
    db.execute("begin")
    for table in (*tables, "bulk_scopes", "unknown_days", "student_grades"):
        db.execute(f"delete from changes.{table}")
    db.execute("update settings.night set previous_as_of = as_of")
    for note, value in (("built", fingerprint), ("standing", definitions)):
        db.execute(f"create or replace table settings.{note} as select ?::varchar as value", [value])
    db.execute("commit")
