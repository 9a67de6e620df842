"""Expected coverage: what should be there and is not, by school and dates, on the first night on which it is missing, and what it does to the figures.

Belongs here: holes in attendance (a school whose days stopped coming, or came with far too few students) and in the code map (rows whose code means
nothing), as issues for the gate and as rows of `operations.coverage`. How much must be there is the district's to say (`[coverage]`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import groupby
from typing import Literal

import duckdb
import pyarrow as pa

from pipelines.district import Coverage, District
from pipelines.lineage.graph import registry
from pipelines.lineage.ledger import Severity
from pipelines.publication.verdicts import Issue

ATTENDANCE = "extract__attendance"
Kind = Literal["attendance", "code_map"]


@dataclass(frozen=True)
class SchoolDay:
    """A day on which a school was in session: students enrolled, students whose attendance is known, rows with a code that is not mapped."""

    school_id: str
    day: date
    school_year: int
    n_enrolled: int
    n_known: int
    n_absent: int
    is_taken: bool


@dataclass(frozen=True)
class Hole:
    """What is missing of one school. `n_expected` and `n_found` count student-days (attendance) or rows (code map)."""

    kind: Kind
    school_id: str
    school_year: int
    first: date
    last: date
    n_days: int
    n_expected: int
    n_found: int
    severity: Severity

    @property
    def n_lost(self) -> int:
        return self.n_expected - self.n_found

    @property
    def words(self) -> str:
        span = self.first.isoformat() if self.first == self.last else f"{self.first.isoformat()} to {self.last.isoformat()}"
        days = "1 school day" if self.n_days == 1 else f"{self.n_days} school days"
        if self.kind == "code_map":
            what = "attendance rows have a code that is not in codes/attendance_codes.csv"
            return f"school {self.school_id}, {span}: {self.n_lost:,} of {self.n_expected:,} {what}"
        return f"school {self.school_id}, {days}, {span}: attendance of {self.n_lost:,} of {self.n_expected:,} student-days is missing"


@dataclass(frozen=True)
class Effect:
    """A hole beside a published figure: where the figure would lie if all that is missing counted against it, or for it."""

    hole: Hole
    indicator_id: str
    value: float | None
    low: float | None
    high: float | None


def attendance_holes(days: Iterable[SchoolDay], rules: Coverage, *, positive: bool) -> list[Hole]:
    """Runs of school days of one school that are holes. A day that nothing has spoken for yet is no hole: its file is late, not thin.

    Positive reporting: fewer students known than the share that must be. Exceptions only: nobody absent on a day on which the school's other days
    would have at least `silence` (its absences over its enrollment, times that day's enrollment); the day counts as full presence, so it is critical.
    """
    holes: list[Hole] = []
    for (school, year), some in groupby(sorted(days, key=lambda d: (d.school_id, d.school_year, d.day)), key=lambda d: (d.school_id, d.school_year)):
        taken = [d for d in some if d.is_taken and d.n_enrolled >= rules.min_enrolled]
        is_hole = _too_few(taken, rules) if positive else _silent(taken, rules)
        for bad, run in groupby(zip(taken, is_hole, strict=True), key=lambda pair: pair[1]):
            if bad:
                lost = [d for d, _ in run]
                expected, found = sum(d.n_enrolled for d in lost), sum(d.n_known for d in lost)
                holes.append(Hole("attendance", school, year, lost[0].day, lost[-1].day, len(lost), expected, found, "warning" if positive else "critical"))
    return holes


def _too_few(days: Sequence[SchoolDay], rules: Coverage) -> list[bool]:
    return [Fraction(d.n_known, d.n_enrolled) < rules.attendance for d in days]


def _silent(days: Sequence[SchoolDay], rules: Coverage) -> list[bool]:
    """Days without any exception where the school's other days would lead one to expect `silence` of them."""
    heard = [d for d in days if d.n_known]
    enrolled = sum(d.n_enrolled for d in heard)
    if not enrolled:
        return [False] * len(days)
    habit = Fraction(sum(d.n_known for d in heard), enrolled)
    return [not d.n_known and habit * d.n_enrolled >= rules.silence for d in days]


def code_map_holes(rows: Iterable[tuple[str, int, date, date, int, int, int]], rules: Coverage) -> list[Hole]:
    """Schools of whose rows too many have a code that is not mapped. `rows`: school, year, first and last day, days, mapped rows, unmapped rows."""
    holes = []
    for school, year, first, last, n_days, mapped, unmapped in rows:
        share = Fraction(unmapped, mapped + unmapped) if unmapped else Fraction(0)
        if share >= rules.unmapped_warning:
            severity: Severity = "critical" if share >= rules.unmapped_held else "warning"
            holes.append(Hole("code_map", school, year, first, last, n_days, mapped + unmapped, mapped, severity))
    return holes


def find_holes(db: duckdb.DuckDBPyConnection, district: District) -> list[Hole]:
    """The holes as the build database stands after the models."""
    days = db.execute("select school_key, calendar_date, school_year, n_enrolled, n_students, n_absent, is_taken from core.fct_attendance_coverage").fetchall()
    mapped = db.execute("""
        with unmapped as (
            select school_key, attendance_date, n_unmapped as n, 0 as n_older from core.fct_attendance_day_counts where n_unmapped > 0
            union all
            -- set aside tonight: not counted twice where what is held of the day is unmapped too, and the last word where it is not
            select q.school_id, try_cast(q.attendance_date as date), 1, (h.student_id is not null)::int
            from (select distinct student_id, school_id, attendance_date from quarantine.extract__attendance where _rule = 'code_is_mapped') q
            left join held.extract__attendance h
                on h.student_id = q.student_id and h.school_id = q.school_id and h.attendance_date = q.attendance_date and h._is_open
            left join settings.attendance_codes k on k.code = h.attendance_code
            where h.student_id is null or k.code is not null
        ), by_school as (
            select u.school_key, d.school_year, min(attendance_date) as first_day, max(attendance_date) as last_day,
                count(distinct attendance_date) as n_days, sum(n)::bigint as n_unmapped, sum(n_older)::bigint as n_older
            from unmapped u join core.dim_dates d on d.calendar_date = u.attendance_date group by all
        )
        select b.school_key, b.school_year, first_day, last_day, b.n_days, coalesce(sum(c.n_students), 0)::bigint - b.n_older, b.n_unmapped
        from by_school b left join core.fct_attendance_day_counts c
            on c.school_key = b.school_key and c.attendance_date between b.first_day and b.last_day
        group by b.school_key, b.school_year, first_day, last_day, b.n_days, b.n_unmapped, b.n_older order by all""").fetchall()
    positive = district.attendance.reporting == "positive"
    found = attendance_holes((SchoolDay(*d) for d in days), district.coverage, positive=positive)
    return [*found, *code_map_holes(mapped, district.coverage)]


def issues_of(holes: Sequence[Hole], behind: Mapping[str, frozenset[str]]) -> list[Issue]:
    """One issue a hole, on the indicators that stand on attendance, local to its school."""
    touched = frozenset(i for i, tables in behind.items() if ATTENDANCE in tables)
    return [Issue(touched, h.severity, h.words, h.school_year, h.school_id) for h in holes]


def effects(db: duckdb.DuckDBPyConnection, holes: Sequence[Hole], behind: Mapping[str, frozenset[str]], min_n: int) -> list[Effect]:
    """Each hole with every indicator of sums whose unit one missing row would add to (`row_units`); other indicators have no figure to set beside it."""
    units = {r["measure_id"] for r in registry("row_units") if r["table_name"] == ATTENDANCE}
    indicators = [i["indicator_id"] for i in registry("indicators") if i["denominator_measure"] in units and i["rollup"] == "sum"]
    others = [i for i, tables in behind.items() if ATTENDANCE in tables and i not in indicators]
    found = []
    for hole in holes:
        found += [Effect(hole, indicator, *bounds(_figure(db, indicator, hole), hole.n_lost, min_n)) for indicator in indicators]
        found += [Effect(hole, indicator, None, None, None) for indicator in others]
    return found


def _figure(db: duckdb.DuckDBPyConnection, indicator: str, hole: Hole) -> tuple[Decimal, Decimal, int] | None:
    rows = db.execute(
        """select numerator, denominator, n_subjects from marts.agg_indicator_values
           where indicator_id = ? and school_year = ? and school_id = ? and grade_level is null and group_family = 'all' and period_type = 'year_to_date'""",
        [indicator, hole.school_year, hole.school_id],
    ).fetchall()
    return rows[0] if rows else None


def bounds(figure: tuple[Decimal, Decimal, int] | None, n_lost: int, min_n: int) -> tuple[float | None, float | None, float | None]:
    """The figure, and where it would lie if none or all of `n_lost` more units were in the numerator. Nothing for fewer than `min_n` people."""
    if figure is None or figure[2] < min_n:
        return None, None, None
    numerator, denominator, _ = figure
    total = denominator + n_lost
    return float(numerator / denominator), float(numerator / total), float((numerator + n_lost) / total)


COLUMNS: tuple[tuple[str, pa.DataType], ...] = (
    ("kind", pa.string()), ("table_name", pa.string()), ("school_id", pa.string()), ("school_year", pa.int64()), ("first_date", pa.date32()),
    ("last_date", pa.date32()), ("n_days", pa.int64()), ("n_expected", pa.int64()), ("n_found", pa.int64()), ("severity", pa.string()),
    ("indicator_id", pa.string()), ("value", pa.float64()), ("value_if_none", pa.float64()), ("value_if_all", pa.float64()), ("message", pa.string()),
)  # fmt: skip


def coverage_table(found: Sequence[Effect]) -> pa.Table:
    """`operations.coverage`: a row a hole and indicator. `value_if_none` and `value_if_all` are the figure's bounds over what is missing."""
    rows = [
        (e.hole.kind, ATTENDANCE, e.hole.school_id, e.hole.school_year, e.hole.first, e.hole.last, e.hole.n_days, e.hole.n_expected, e.hole.n_found,
         e.hole.severity, e.indicator_id, e.value, e.low, e.high, e.hole.words)
        for e in found
    ]  # fmt: skip
    return pa.table({name: pa.array([r[i] for r in rows], kind) for i, (name, kind) in enumerate(COLUMNS)})
