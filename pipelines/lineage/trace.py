"""From a figure down to the rows, files and lines behind it, and up again: is the figure what those rows add up to?

Belongs here: finding the figure and adding up. Whom it counts by the rules of the registry is `choose.py`, which fact rows a measure counts `evidence.py`. All
functions read a DuckDB connection to the build database (read-only will do) and the ledger. What they give is student level: restricted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.lineage.choose import THOUSANDTHS, choose_daily, choose_judged, choose_summed, choose_together, dicts, find_evidence, one
from pipelines.lineage.choose import TraceError as TraceError
from pipelines.lineage.graph import registry
from pipelines.lineage.ledger import Ledger

MART = "agg_indicator_values"
_FLAGS: dict[str, Any] = {  # what flags together are made of, in the place of a measure
    "measure_id": "flags", "fact": "the facts of its parts", "scale": THOUSANDTHS, "description": "Flags of its parts, counted together.",
}  # fmt: skip
GRAIN = ("school_year", "school_id", "grade_level", "group_family", "group_value", "period_type", "period_start", "indicator_id", "profile_id")
EXAMPLE = f"{MART}:indicator_id=attendance_rate,school_id=110,period_type=week,period_start=2025-09-08"


@dataclass(frozen=True)
class FileShare:
    """How many of the figure's rows one delivered file holds. `raw_path` is below the data folder."""

    name: str
    business_date: date
    delivery_id: str
    sha256: str
    raw_path: str
    status: str
    n_rows: int
    first_line: int | None
    last_line: int | None


@dataclass(frozen=True)
class TracedRow:
    """One fact row behind the figure, with what it adds to either side (in the measure's unit)."""

    subject_key: str
    school_key: str
    on_date: date
    what: str
    numerator: Decimal
    denominator: Decimal
    file: str
    line: int | None


@dataclass(frozen=True)
class Trace:
    """A figure, its definition, and what its rows add up to. `subjects_counted` are those in the numerator, where it counts people."""

    figure: Mapping[str, Any]
    indicator: Mapping[str, Any]
    profile: Mapping[str, Any]
    numerator_measure: Mapping[str, Any]
    denominator_measure: Mapping[str, Any]
    numerator: Decimal
    denominator: Decimal
    n_subjects: int
    n_rows: int
    files: tuple[FileShare, ...]
    rows: tuple[TracedRow, ...]
    failed_checks: tuple[Mapping[str, Any], ...]

    @property
    def agrees(self) -> bool:
        """The rows add up to the figure, numerator, denominator and people."""
        mine = (self.numerator, self.denominator, self.n_subjects)
        return mine == (self.figure["numerator"], self.figure["denominator"], self.figure["n_subjects"])

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "agrees": self.agrees}


def parse_figure(text: str) -> dict[str, str]:
    """`agg_indicator_values:column=value,...` or `agg_indicator_values:<value_key>` as columns. Raises TraceError."""
    mart, colon, rest = text.partition(":")
    if mart != MART or not colon or not rest:
        raise TraceError(f"{text!r} does not name a figure; write for example {EXAMPLE}")
    if rest.count("|") >= len(GRAIN) - 1:
        return {"value_key": rest}
    wanted: dict[str, str] = {}
    for part in rest.split(","):
        column, equals, value = part.partition("=")
        if column.strip() not in (*GRAIN, "value_key") or not equals:
            raise TraceError(f"{part!r}: say column=value, with a column of {', '.join(GRAIN)}; for example {EXAMPLE}")
        wanted[column.strip()] = value.strip()
    if "indicator_id" not in wanted and "value_key" not in wanted:
        raise TraceError(f"{text!r} names no indicator_id; for example {EXAMPLE}")
    return wanted


def find_figure(db: duckdb.DuckDBPyConnection, wanted: Mapping[str, str]) -> dict[str, Any]:
    """The mart's row, unsuppressed. What is not said means: the district, all grades, all students, the year to date, the newest, the only profile.

    Raises TraceError naming what there is to choose from.
    """
    if "value_key" in wanted:
        conditions, values = ["value_key = ?"], [wanted["value_key"]]
    else:
        asked = {"group_family": "all", "period_type": "year_to_date"} | dict(wanted)
        if asked["group_family"] == "all":
            asked.setdefault("group_value", "all")
        asked = {c: v for c, v in asked.items() if v or c in ("school_id", "grade_level")}
        whole = {"": None, "district": None, "all": None}
        place = {c: whole.get(asked.get(c, ""), asked.get(c)) for c in ("school_id", "grade_level")}
        rest = {c: v for c, v in asked.items() if c not in place}
        conditions = [f"{c} is not distinct from ?" for c in place] + [f"{c}::varchar = ?" for c in rest]
        values = [*place.values(), *rest.values()]  # type: ignore[list-item]  # null is the district, and all grades
    found = dicts(db, f"select * from marts.{MART} where {' and '.join(conditions)} order by school_year desc, period_start desc", values)
    if not found:
        raise TraceError(_nothing_there(db, wanted))
    latest = [f for f in found if (f["school_year"], f["period_start"]) == (found[0]["school_year"], found[0]["period_start"])]
    if len(latest) > 1:
        column = next(c for c in GRAIN if len({f[c] for f in latest}) > 1)
        choices = ", ".join(sorted({str(f[column]) for f in latest}))
        raise TraceError(f"{len(latest)} figures answer to that; say which {column}: {choices}")
    return latest[0]


def _nothing_there(db: duckdb.DuckDBPyConnection, wanted: Mapping[str, str]) -> str:
    """The first column whose value is nowhere in the mart, with what is there."""
    for column, value in wanted.items():
        if value in ("", "district", "all"):
            continue
        there = [str(v) for (v,) in db.execute(f"select distinct {column} from marts.{MART} where {column} is not null order by 1").fetchall()]
        if value not in there:
            some = ", ".join(there[:12]) + (f" and {len(there) - 12} more" if len(there) > 12 else "")
            return f"no figure has {column}={value}; there are {some or 'none'}"
    return "there is no such figure: each value exists, but not together (nothing was counted for it)"


def trace(db: duckdb.DuckDBPyConnection, ledger: Ledger, figure: Mapping[str, Any], limit: int | None = 20) -> Trace:
    """Recompute `figure` (a row of the mart) from its fact rows; at most `limit` rows are given back, or all of them. Raises TraceError."""
    indicator = one(db, "select * from registry.indicators where indicator_id = ?", [figure["indicator_id"]])
    names = [figure["indicator_id"], figure["profile_id"]]
    profile = one(db, "select * from registry.indicator_profiles where indicator_id = ? and profile_id = ?", names)
    for kind, mine in (("indicators", indicator), ("indicator_profiles", profile)):
        if missing := set(registry(kind)[0]) - set(mine):
            raise TraceError(f"the build is older than this version (its {kind} do not say {', '.join(sorted(missing))}); run the nightly job again")
    _name_files(db, ledger)
    _name_dates(db, figure)
    if indicator["rollup"] == "flags_together":
        over = under = dict(_FLAGS)
        choose_together(db, figure, profile)
    elif indicator["rollup"] == "per_school_day":
        over, under, days = choose_daily(db, figure, profile)
    else:
        over, under = find_evidence(db, indicator, profile)
        choose = choose_summed if indicator["rollup"] in ("sum", "latest_in_term") else choose_judged
        choose(db, figure, indicator, profile, (int(over["scale"]), int(under["scale"])))

    scales = Decimal(int(over["scale"])), Decimal(int(under["scale"]))
    n, d, subjects = db.execute("select coalesce(sum(n), 0)::bigint, coalesce(sum(d), 0)::bigint, count(*) from trace_subjects").fetchall()[0]
    if indicator["rollup"] == "per_school_day":  # over the days of the school, which are no person's
        d = days
    people = Decimal(1)
    of_figure = {
        "share": scales,
        "share_of_people": (people, people),
        "mean": (Decimal(THOUSANDTHS) if indicator["rollup"] == "ratio_per_person" else scales[0], people),
        "mean_change": (scales[0], people),
        "daily_average": (scales[0], people),
    }[indicator["value_kind"]]
    files = _files(db)
    return Trace(
        figure=dict(figure),
        indicator=indicator,
        profile=profile,
        numerator_measure=over,
        denominator_measure=under,
        numerator=_exact(n, of_figure[0]),
        denominator=_exact(d, of_figure[1]),
        n_subjects=int(subjects),
        n_rows=sum(f.n_rows for f in files),
        files=files,
        rows=_rows(db, scales, limit),
        failed_checks=_failed_checks(ledger, [f.delivery_id for f in files], str(figure["indicator_id"])),
    )


def _exact(quantity: int, scale: Decimal) -> Decimal:
    return (Decimal(int(quantity)) / scale).quantize(Decimal("0.001"))


def _name_files(db: duckdb.DuckDBPyConnection, ledger: Ledger) -> None:
    """`trace_files`: the ledger's deliveries, for the rows to be joined with."""
    kinds = {"delivery_id": pa.string(), "name": pa.string(), "table_name": pa.string(), "business_date": pa.date32(), "sha256": pa.string(),
             "raw_path": pa.string(), "status": pa.string(), "precedence": pa.int64()}  # fmt: skip
    deliveries = ledger.deliveries()
    db.register("trace_known", pa.table({c: pa.array([getattr(x, c) for x in deliveries], t) for c, t in kinds.items()}))
    db.execute("create or replace temp table trace_files as select * from trace_known")
    db.unregister("trace_known")


def _name_dates(db: duckdb.DuckDBPyConnection, figure: Mapping[str, Any]) -> None:
    """`trace_dates`: the days of the figure's period. A week belongs to the school year in which its days lie."""
    where = {
        "week": "week_start = $start",
        "month": "month_start = $start",
        "term": "term_id = (select term_id from core.dim_dates where calendar_date = $start and school_year = $year)",
        "year_to_date": "calendar_date >= $start",
    }[str(figure["period_type"])]
    db.execute(
        f"create or replace temp table trace_dates as select calendar_date, school_year from core.dim_dates where school_year = $year and {where}",
        {"start": figure["period_start"], "year": figure["school_year"]},
    )


def _files(db: duckdb.DuckDBPyConnection) -> tuple[FileShare, ...]:
    found = db.execute("""
        select f.name, f.business_date, r.delivery_id, f.sha256, f.raw_path, f.status, count(*), min(r.line_number), max(r.line_number)
        from trace_rows r left join trace_files f on f.delivery_id = r.delivery_id
        group by all order by f.business_date, f.name, r.delivery_id""").fetchall()
    return tuple(FileShare(*row) for row in found)


def _rows(db: duckdb.DuckDBPyConnection, scales: tuple[Decimal, Decimal], limit: int | None) -> tuple[TracedRow, ...]:
    """Those who are in the numerator come first where people are counted, and who has most in it where their totals or ratios are."""
    most = "" if limit is None else f"limit {int(limit)}"
    found = db.execute(f"""
        select r.subject_key, r.school_key, r.on_date, r.what, r.n, r.d, f.name, r.line_number
        from trace_rows r left join trace_files f on f.delivery_id = r.delivery_id
        order by r.place, r.subject_key, r.on_date, r.section_key, f.name, r.line_number {most}""").fetchall()
    over, under = scales
    return tuple(TracedRow(s, at, on, what, _exact(n, over), _exact(d, under), name, line) for s, at, on, what, n, d, name, line in found)


def _failed_checks(ledger: Ledger, deliveries: Sequence[str], indicator_id: str) -> tuple[Mapping[str, Any], ...]:
    """What failed on those files, and on the figure's indicator in the newest run: each check once, with `n_times`."""
    known = set(deliveries)
    columns = "gate, subject, check_id, severity, message, school_id"
    newest = "(select run_id from runs order by started_at desc limit 1)"
    found = [c for c in ledger.rows(f"select {columns}, delivery_id from checks where passed = 0 and delivery_id <> ''") if c["delivery_id"] in known]
    found += ledger.rows(f"select {columns} from checks where passed = 0 and indicator_id = ? and run_id = {newest}", [indicator_id])
    times: Counter[tuple[str, ...]] = Counter(tuple(str(c[k]) for k in columns.split(", ")) for c in found)
    return tuple({**dict(zip(columns.split(", "), c, strict=True)), "n_times": n} for c, n in sorted(times.items()))
