"""Assembling a publication in the build database: what is staged, what of it goes out, and its fingerprint.

Belongs here: the schemas `staged` (rows of every part that was built again, unsuppressed) and `publish` (the rows that go out, the parts they
replace, and what must be remembered between nights). Parts stay pending until a publication has taken all of them, so a held slice loses nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from pipelines.lineage.graph import MartModel
from pipelines.privacy.suppress import SUPPRESSION, hiding, policy, suppressed_select
from pipelines.publication.verdicts import ENROLLED, People, SliceKey
from pipelines.publication.warehouse import PERIOD, Column, Mart, MartChange

RECORDS = """
    create schema if not exists staged;
    create schema if not exists publish;
    create table if not exists publish.state (needs_whole boolean);
    create table if not exists publish.privacy (policy varchar);
    create table if not exists publish.printed_by (engine varchar);
    drop table if exists publish.bucketed_by;
    drop table if exists publish.fingerprints_by_bucket;
    create table if not exists publish.last_figures (
        indicator_id varchar, profile_id varchar, school_year integer, numerator decimal(18, 3), denominator decimal(18, 3), value double);
"""
_LANE = "1152921504606846975"  # 2^60 - 1: sums of 60-bit lanes stay exact


@dataclass(frozen=True)
class Fingerprint:
    """SHA-256 over all marts, before and after suppression. Equal for equal rows, whatever their order or the night they came in."""

    content: str
    open: str


def mart_of(model: MartModel) -> Mart:
    """The warehouse's mart for a model: open ones carry `suppression` besides."""
    types = {"string": "varchar", "int": "integer", "decimal(18,3)": "decimal(18,3)"}
    columns = tuple(Column(n, types.get(t, t)) for n, t in model.columns)
    if model.is_open:
        columns = (*columns, Column(SUPPRESSION, "varchar"))
    return Mart(model.name, "marts" if model.is_open else "marts_restricted", columns, model.key, model.part)


def prepare(db: duckdb.DuckDBPyConnection, models: Sequence[MartModel]) -> None:
    """Make what is missing of `staged` and `publish`. Repeating it changes nothing. Expects the marts."""
    db.execute(RECORDS)
    for m in models:
        part = ", ".join(m.part)
        for kept, columns in (("pending", ""), ("printed", ", false as is_open, 0::bigint as n_rows, 0::hugeint as low, 0::hugeint as high")):
            there = db.execute("select column_name from information_schema.columns where table_schema = 'publish' and table_name = ?", [f"{kept}_{m.name}"])
            if {c for (c,) in there.fetchall()} - {"is_open", "n_rows", "low", "high"} not in (set(), set(m.part)):
                db.execute(f"drop table publish.{kept}_{m.name}")  # of an earlier definition of the mart, which is now published whole
                db.execute("delete from publish.printed_by")
            db.execute(f"create table if not exists publish.{kept}_{m.name} as select {part}{columns} from marts.{m.name} where false")


def _add_parts(db: duckdb.DuckDBPyConnection, model: MartModel, relation: str) -> None:
    """Add the parts that are in `relation` to what is pending. Where a column of the part is null it is of no row of the mart."""
    said = " and ".join(f"t.{c} is not null" for c in model.part)
    db.execute(f"insert into publish.pending_{model.name} select distinct {', '.join(model.part)} from {relation} t "
               f"where {said} and not exists (select 1 from publish.pending_{model.name} p where {_same(model.part, 'p', 't')})")  # fmt: skip


def note_pending(db: duckdb.DuckDBPyConnection, models: Sequence[MartModel], *, whole: bool) -> None:
    """Add tonight's touched parts to what is still to be published. Repeating it adds nothing."""
    prepare(db, models)
    for m in models:
        _add_parts(db, m, f"measurements.{m.touched}")
    if whole and not db.execute("select 1 from publish.state").fetchall():
        db.execute("insert into publish.state values (true)")


def ask_for_whole(db: duckdb.DuckDBPyConnection, models: Sequence[MartModel]) -> None:
    """Have the next publication take every part anew, as it must where people see an older one than the last."""
    prepare(db, models)
    for m in models:
        _add_parts(db, m, f"marts.{m.name}")
    if not needs_whole(db):
        db.execute("insert into publish.state values (true)")


def needs_whole(db: duckdb.DuckDBPyConnection) -> bool:
    return bool(db.execute("select 1 from publish.state where needs_whole").fetchall())


def is_printed(db: duckdb.DuckDBPyConnection) -> bool:
    """Whether there are fingerprints of what is not pending: of today's parts, and of values as today's DuckDB writes them."""
    return bool(db.execute("select 1 from publish.printed_by where engine = version()").fetchall())


def stage(db: duckdb.DuckDBPyConnection, models: Sequence[MartModel], *, whole: bool) -> list[int]:
    """Fill `staged.<mart>` with the rows of all pending parts, or of all parts; returns the school years of these parts."""
    years: set[int] = set()
    for m in models:
        pending = f"exists (select 1 from publish.pending_{m.name} p where {_same(m.part, 'm', 'p')})"
        db.execute(f"create or replace table staged.{m.name} as select m.* from marts.{m.name} m where {'true' if whole else pending}")
        found = db.execute(f"select school_year from staged.{m.name} union select school_year from publish.pending_{m.name}").fetchall()
        years |= {int(y) for (y,) in found}
    return sorted(years)


def note_published(db: duckdb.DuckDBPyConnection, model: MartModel, published: pa.Table) -> None:
    """Add the parts that are published now to what is pending: where everything was built anew and some slices are held, parts that exist no
    longer must go.
    """
    db.register("published", published)
    _add_parts(db, model, "published")
    db.unregister("published")


def slices(db: duckdb.DuckDBPyConnection, models: Sequence[MartModel]) -> dict[tuple[str, str, int], int]:
    """Rows in the build by mart, indicator and school year."""
    found = {}
    for m in models:
        for indicator, year, n in db.execute(f"select indicator_id, school_year, count(*) from marts.{m.name} group by all").fetchall():
            found[m.name, str(indicator), int(year)] = int(n)
    return found


def people(db: duckdb.DuckDBPyConnection) -> People:
    """People by school of the district: those whom each indicator counts in the year to date (where profiles differ, the most), and those enrolled."""
    found: dict[tuple[str, int], dict[str, int]] = {}
    for whom, year, school, n in db.execute(f"""
        with counted as (
            select indicator_id, school_year, school_id, max(n_subjects) as n from marts.agg_indicator_values
            where school_id is not null and grade_level is null and group_family = 'all' and period_type = 'year_to_date' group by all
            union all
            select '{ENROLLED}', y.school_year, s.school_key, count(distinct s.student_key) from core.dim_stints s
            join settings.school_years y on s.entry_date <= y.end_date and s.exit_date > y.start_date group by all
        )
        select * from counted where school_id not in (select school_key from core.dim_schools where not is_in_district)""").fetchall():
        found.setdefault((str(whom), int(year)), {})[str(school)] = int(n)
    return found


def is_hidden_by(db: duckdb.DuckDBPyConnection, min_n: int) -> bool:
    """Whether what is published was hidden by today's policy."""
    db.execute(RECORDS)
    return bool(db.execute("select 1 from publish.privacy where policy = ?", [policy(min_n)]).fetchall())


def changes(
    db: duckdb.DuckDBPyConnection, models: Sequence[MartModel], min_n: int, held: Sequence[SliceKey], *, whole: bool, first: bool, hide: bool = False
) -> list[MartChange]:
    """Fill `publish.<mart>` with what goes out and give the warehouse's changes. Held slices are left as they are there ("*": every school)."""
    keep = tuple((i, y, s or "*") for i, y, s in held)
    result = []
    for m in models:
        db.execute(f"create or replace table publish.{m.name} as {_going_out(m, f'staged.{m.name}', min_n, held)}")
        use_whole = first or (whole and not held)
        parts = f"publish.pending_{m.name}"
        hidden = hiding([n for n, _ in m.columns], min_n) if hide and m.is_open else None
        result.append(MartChange(mart_of(m), f"publish.{m.name}", "" if use_whole else parts, () if use_whole else keep, use_whole, hidden))
    return result


def fingerprint(db: duckdb.DuckDBPyConnection, models: Sequence[MartModel], *, whole: bool) -> Fingerprint:
    """Renew the fingerprints of what is pending and give the whole's. Costs what changed. Expects `staged` and, of open marts, `publish` filled.

    Each row becomes canonical text and its MD5; two 60-bit lanes of it are summed, so that order does not matter and parts add up.
    """
    db.execute("begin")
    if whole:
        db.execute("delete from publish.printed_by")
        db.execute("insert into publish.printed_by select version()")
    for m in models:
        if whole:
            db.execute(f"delete from publish.printed_{m.name}")
        else:
            db.execute(f"delete from publish.printed_{m.name} f where exists (select 1 from publish.pending_{m.name} p where {_same(m.part, 'p', 'f')})")
        _print(db, m, f"staged.{m.name}", m.columns, "false")
        if m.is_open:
            _print(db, m, f"publish.{m.name}", [*m.columns, (SUPPRESSION, "string")], "true")
    db.execute("commit")
    printed = " union all ".join(
        f"select case when is_open then 'open ' else '' end || '{m.name}' as mart, {', '.join(PERIOD)}, n_rows, low, high from publish.printed_{m.name}"
        for m in models
    )
    rows = db.execute(
        f"select mart, {', '.join(PERIOD)}, sum(n_rows)::bigint, sum(low), sum(high) from ({printed}) group by all order by all"
    ).fetchall()  # fmt: skip
    before = [r for r in rows if not str(r[0]).startswith("open ")]
    after = [r for r in rows if str(r[0]).startswith("open ")]
    return Fingerprint(_sha(before), _sha(after))


def _print(db: duckdb.DuckDBPyConnection, model: MartModel, rows: str, columns: Sequence[tuple[str, str]], is_open: str) -> None:
    """Add the fingerprints of `rows` by part. Texts are framed by their length; what is a number, a date or a truth has no comma in it."""
    framed = (f"length({c})::varchar || ':' || {c}" if kind == "string" else f"{c}::varchar" for c, kind in ((f'"{n}"', t) for n, t in columns))
    text = ", ".join(f"coalesce({f}, '-')" for f in framed)
    part = ", ".join(model.part)
    db.execute(f"""
        insert into publish.printed_{model.name} by name
        select {part}, {is_open} as is_open, count(*) as n_rows,
            sum((h & {_LANE}::uhugeint)::bigint) as low, sum(((h >> 64) & {_LANE}::uhugeint)::bigint) as high
        from (select {part}, md5_number(concat_ws(',', {text})) as h from {rows}) group by {part}""")


def _sha(rows: Sequence[tuple[object, ...]]) -> str:
    return hashlib.sha256("\n".join("|".join(map(str, r)) for r in rows).encode()).hexdigest()


def remember_policy(db: duckdb.DuckDBPyConnection, min_n: int) -> None:
    """All that people see now is hidden by this policy."""
    db.execute("begin")
    db.execute("delete from publish.privacy")
    db.execute("insert into publish.privacy values (?)", [policy(min_n)])
    db.execute("commit")


def remember_figures(db: duckdb.DuckDBPyConnection) -> None:
    """Keep tonight's district figures for the next night's comparison, published or not: what fell and stays fallen is held for one night only."""
    db.execute("begin")
    db.execute("delete from publish.last_figures")
    db.execute("""insert into publish.last_figures
        select indicator_id, profile_id, school_year, numerator, denominator, value from marts.agg_indicator_values
        where school_id is null and grade_level is null and group_family = 'all' and period_type = 'year_to_date'""")
    db.execute("commit")


def forget_pending(db: duckdb.DuckDBPyConnection, models: Sequence[MartModel]) -> None:
    """Everything pending has gone out."""
    db.execute("begin")
    for m in models:
        db.execute(f"delete from publish.pending_{m.name}")
    db.execute("delete from publish.state")
    db.execute("commit")


def _same(columns: Sequence[str], left: str, right: str) -> str:
    return " and ".join(f"{left}.{c} = {right}.{c}" for c in columns)


def _going_out(model: MartModel, rows: str, min_n: int, held: Sequence[SliceKey]) -> str:
    """A query for what people may see of `rows`: suppressed in an open mart, and without the slices that are held."""
    select = suppressed_select([n for n, _ in model.columns], rows, min_n) if model.is_open else f"select * from {rows}"
    held_rows = " or ".join(_held(i, y, s) for i, y, s in held) or "false"
    return f"select * from ({select}) where not ({held_rows})"


def _held(indicator: str, year: int, school: str) -> str:
    # coalesce: the district's own rows have no school, and "not (unknown)" would drop them
    place = f" and coalesce(school_id, '') = '{school.replace(chr(39), chr(39) * 2)}'" if school else ""
    return f"(indicator_id = '{indicator}' and school_year = {int(year)}{place})"
