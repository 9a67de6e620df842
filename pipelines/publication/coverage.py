"""Expected coverage: what should be there and is not, by school and dates, on the first night on which it is missing, and what it does to the figures.

Belongs here: holes in attendance (a school whose days stopped coming, or came with far too few students), in the code map (rows whose code means
nothing), in gradebooks (a class without work, or whose marks stopped) and in surveys (a school that hardly answered), as issues for the gate and as rows
of `operations.coverage`. How much must be there is the district's to say (`[coverage]`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import groupby
from typing import Literal

import duckdb
import pyarrow as pa

from pipelines.district import District
from pipelines.lineage.graph import registry
from pipelines.lineage.ledger import Severity
from pipelines.publication.verdicts import Issue
from pipelines.thresholds import Coverage

ATTENDANCE = "extract__attendance"
RESULTS, SUBMISSIONS = "oneroster__results", "lms__submissions"
ANSWERS = "survey__answers"
Kind = Literal["attendance", "code_map", "gradebook", "survey"]
_NAMED = 3  # classes that a message names; operations.coverage has them all


@dataclass(frozen=True)
class SchoolDay:
    """A day on which a school was in session: students enrolled, students whose attendance is known, and of these the absent."""

    school_id: str
    day: date
    school_year: int
    n_enrolled: int
    n_known: int
    n_absent: int
    is_taken: bool


@dataclass(frozen=True)
class SectionTerm:
    """A class in a term so far: students enrolled, assignments due, the first of them, the last that anyone handed in, and those due after that one (all,
    where nobody has handed in any). `start` to `end` is the term, `last` its last day so far.
    """

    school_id: str
    section_id: str
    school_year: int
    start: date
    end: date
    last: date
    n_enrolled: int
    n_due: int
    first_due: date | None
    last_answered: date | None
    n_due_since: int
    is_of_a_learning_system: bool = False


@dataclass(frozen=True)
class Wave:
    """A survey's wave at one school (or "", in the district): people asked and people who answered. It is judged by school where its people are students
    and its answers say their school, else in the district.
    """

    survey_id: str
    wave_id: str
    school_id: str
    school_year: int
    opens: date
    closes: date | None
    n_eligible: int
    n_responses: int
    is_by_school: bool


@dataclass(frozen=True)
class Hole:
    """What is missing of one school, or of its class or survey wave (`subject_id`). `n_expected` and `n_found` count student-days (attendance, code
    map), assignments due and of these the ones with any work handed in (gradebook), or people asked and people who answered (survey). `n_days` are
    school days (attendance, code map) or days of the calendar. `n_students` are those whom it concerns, where that is known.
    """

    kind: Kind
    school_id: str
    school_year: int
    first: date
    last: date
    n_days: int
    n_expected: int
    n_found: int
    severity: Severity
    table_name: str = ATTENDANCE
    subject_id: str = ""
    n_students: int | None = None

    @property
    def n_lost(self) -> int:
        return self.n_expected - self.n_found

    @property
    def is_counted(self) -> bool:
        """Whether what is missing is counted in the units of a figure, so that its effect has bounds."""
        return self.kind in ("attendance", "code_map")

    @property
    def words(self) -> str:
        span = self.first.isoformat() if self.first == self.last else f"{self.first.isoformat()} to {self.last.isoformat()}"
        days = "1 school day" if self.n_days == 1 else f"{self.n_days} school days"
        where = f"school {self.school_id}" if self.school_id else "the district"
        if self.kind == "gradebook":
            what = f"none of {_counted(self.n_expected, 'assignment')} due has work handed in" if self.n_expected else "no assignment is due"
            return f"{where}, class {self.subject_id}, {span}: {what}; {_counted(self.n_students or 0, 'student')} enrolled"
        if self.kind == "survey":
            who = "nobody has" if not self.n_found else f"{self.n_found:,} have"
            return f"{where}, survey {self.subject_id}, {span}: of {self.n_expected:,} asked {who} answered"
        if self.kind == "code_map":
            what = "days of students have an attendance code that is not in codes/attendance_codes.csv"
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
    """Schools of whose days of students too many have a code that is not mapped. `rows`: see `unmapped_of`."""
    holes = []
    for school, year, first, last, n_days, mapped, unmapped in rows:
        share = Fraction(unmapped, mapped + unmapped) if unmapped else Fraction(0)
        if share >= rules.unmapped_warning:
            severity: Severity = "critical" if share >= rules.unmapped_held else "warning"
            holes.append(Hole("code_map", school, year, first, last, n_days, mapped + unmapped, mapped, severity))
    return holes


def gradebook_holes(terms: Sequence[SectionTerm], rules: Coverage) -> list[Hole]:
    """Classes whose gradebook is not used, or no longer: work that nobody entered reads as work that nobody owed.

    No assignment due although `gradebook_share` of the term has passed; or none with work handed in for `gradebook_silence` days, from the first that was
    due, or from the last that had some. A district without any assignment sends no gradebook at all, and none of its classes is named.
    """
    if not any(t.n_due for t in terms):
        return []
    holes = []
    for t in sorted(terms, key=lambda t: (t.school_id, t.section_id, t.start)):
        if t.n_enrolled < rules.gradebook_students:
            continue
        if not t.n_due:
            passed = Fraction((t.last - t.start).days + 1, (t.end - t.start).days + 1)
            since = t.start if passed >= rules.gradebook_share else None
        else:
            quiet = t.last_answered + timedelta(days=1) if t.last_answered else t.first_due
            since = quiet if quiet and (t.last - quiet).days + 1 >= rules.gradebook_silence else None
        if since:
            table = SUBMISSIONS if t.is_of_a_learning_system else RESULTS
            n_days = (t.last - since).days + 1
            holes.append(Hole("gradebook", t.school_id, t.school_year, since, t.last, n_days, t.n_due_since, 0, "warning", table, t.section_id, t.n_enrolled))
    return holes


def survey_holes(waves: Iterable[Wave], rules: Coverage, as_of: date) -> list[Hole]:
    """Schools (the district, where only that is known) of which fewer have answered than the share that must, once a wave has been open for `survey_days`."""
    holes = []
    for w in sorted(waves, key=lambda w: (w.survey_id, w.wave_id, w.school_id)):
        judged_from = min(w.opens + timedelta(days=rules.survey_days - 1), w.closes or date.max)
        if as_of < judged_from or w.n_eligible < rules.min_enrolled or bool(w.school_id) != w.is_by_school:
            continue
        if Fraction(w.n_responses, w.n_eligible) < rules.survey_response:
            last = max(w.opens, min(as_of, w.closes or as_of))
            subject = f"{w.survey_id}/{w.wave_id}"
            days = (last - w.opens).days + 1
            holes.append(
                Hole("survey", w.school_id, w.school_year, w.opens, last, days, w.n_eligible, w.n_responses, "warning", ANSWERS, subject, w.n_eligible)
            )
    return holes


def find_holes(db: duckdb.DuckDBPyConnection, district: District) -> list[Hole]:
    """The holes as the build database stands after the models."""
    days = db.execute("select school_key, calendar_date, school_year, n_enrolled, n_students, n_absent, is_taken from core.fct_attendance_coverage").fetchall()
    sections = db.execute("""
        select school_key, section_id, school_year, start_date, end_date, last_date, n_enrolled, n_due, first_due, last_answered, n_due_since,
            is_of_a_learning_system
        from core.fct_gradebook_coverage""").fetchall()
    ((as_of,),) = db.execute("select as_of from settings.night").fetchall()
    rules = district.coverage
    return [
        *attendance_holes((SchoolDay(*d) for d in days), rules, positive=district.attendance.reporting == "positive"),
        *code_map_holes(unmapped_of(db), rules),
        *gradebook_holes([SectionTerm(*s) for s in sections], rules),
        *survey_holes(waves_of(db), rules, as_of),
    ]


def unmapped_of(db: duckdb.DuckDBPyConnection) -> list[tuple[str, int, date, date, int, int, int]]:
    """Of each school and year with unmapped codes: first and last day, days, and in days of students those with mapped codes alone and the unmapped ones.

    Those set aside tonight count too, once where what is held of the day is unmapped as well; where it is not, their word is the last one.
    """
    return db.execute("""
        with aside as (
            select student_id as student_key, school_id as school_key, try_cast(attendance_date as date) as attendance_date
            from quarantine.extract__attendance where _rule = 'code_is_mapped'
            union
            select student_id, school_id, try_cast(attendance_date as date) from quarantine.extract__attendance_periods where _rule = 'code_is_mapped'
            union
            select student_unique_id, school_id, try_cast(event_date as date)
            from quarantine.edfi__student_school_attendance_events where _rule = 'code_is_mapped'
        ), unmapped as (
            select school_key, attendance_date, n_unmapped as n, n_partly_mapped as n_mapped_too
            from core.fct_attendance_day_counts where n_unmapped > 0
            union all
            select a.school_key, a.attendance_date, 1, (d.student_key is not null)::int
            from aside a
            anti join intermediate.int_attendance_unmapped u using (student_key, school_key, attendance_date)
            left join core.fct_attendance_days d using (student_key, school_key, attendance_date)
        ), by_school as (
            select u.school_key, d.school_year, min(attendance_date) as first_day, max(attendance_date) as last_day,
                count(distinct attendance_date) as n_days, sum(n)::bigint as n_unmapped, sum(n_mapped_too)::bigint as n_mapped_too
            from unmapped u join core.dim_dates d on d.calendar_date = u.attendance_date group by all
        )
        select b.school_key, b.school_year, first_day, last_day, b.n_days, coalesce(sum(c.n_students), 0)::bigint - b.n_mapped_too, b.n_unmapped
        from by_school b left join core.fct_attendance_day_counts c
            on c.school_key = b.school_key and c.attendance_date between b.first_day and b.last_day
        group by b.school_key, b.school_year, first_day, last_day, b.n_days, b.n_unmapped, b.n_mapped_too order by all""").fetchall()


def waves_of(db: duckdb.DuckDBPyConnection) -> list[Wave]:
    """Every wave that says when it opened and whom it asked, by school and in the district."""
    rows = db.execute("""
        with located as (
            select survey_id, wave_id, coalesce(sum(n_responses) filter (where school_key <> ''), 0) > 0 or sum(n_responses) = 0 as says_schools
            from core.fct_survey_response_rates group by all
        )
        select r.survey_id, r.wave_id, r.school_key, y.school_year, w.opens, w.closes, r.n_eligible, r.n_responses, w.role = 'student' and l.says_schools
        from core.fct_survey_response_rates r
        join settings.survey_waves w on w.survey_id = r.survey_id and w.wave_id = r.wave_id
        join located l on l.survey_id = r.survey_id and l.wave_id = r.wave_id
        join settings.school_years y on w.opens between y.start_date and y.end_date
        where r.n_eligible > 0""").fetchall()
    return [Wave(*row) for row in rows]


def issues_of(holes: Sequence[Hole], behind: Mapping[str, frozenset[str]]) -> list[Issue]:
    """One issue a hole, on the indicators that stand on its table, local to its school; of a school's classes one for them all."""
    issues = [Issue(_standing_on(h, behind), h.severity, h.words, h.school_year, h.school_id) for h in holes if h.kind != "gradebook"]
    classes = sorted((h for h in holes if h.kind == "gradebook"), key=_by_school)
    for (school, year, _), some in groupby(classes, key=_by_school):
        mine = list(some)
        words = [h.words.removeprefix(f"school {school}, ") for h in mine[:_NAMED]]
        more = f"; and {_counted(len(mine) - _NAMED, 'class', 'classes')} more, see operations.coverage" if len(mine) > _NAMED else ""
        issues.append(Issue(_standing_on(mine[0], behind), mine[0].severity, f"school {school}, {'; '.join(words)}{more}", year, school))
    return issues


def _by_school(hole: Hole) -> tuple[str, int, str]:
    return hole.school_id, hole.school_year, hole.table_name


def _standing_on(hole: Hole, behind: Mapping[str, frozenset[str]]) -> frozenset[str]:
    return frozenset(i for i, tables in behind.items() if hole.table_name in tables)


def _counted(n: int, one: str, many: str = "") -> str:
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def effects(db: duckdb.DuckDBPyConnection, holes: Sequence[Hole], behind: Mapping[str, frozenset[str]], min_n: int) -> list[Effect]:
    """Each hole with every indicator that stands on its table. Bounds have those of sums whose unit one missing row would add to (`row_units`), where what is
    missing is counted in such units; for the others there is no figure to set beside it.
    """
    found = []
    for hole in holes:
        units = {r["measure_id"] for r in registry("row_units") if r["table_name"] == hole.table_name}
        bounded = {i["indicator_id"] for i in registry("indicators") if hole.is_counted and i["denominator_measure"] in units and i["rollup"] == "sum"}
        for indicator in sorted(_standing_on(hole, behind) | bounded, key=lambda i: (i not in bounded, i)):
            figure = _figure(db, indicator, hole) if indicator in bounded else None
            found.append(Effect(hole, indicator, *bounds(figure, hole.n_lost, min_n)))
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
    ("subject_id", pa.string()), ("n_students", pa.int64()), ("indicator_id", pa.string()), ("value", pa.float64()),
    ("value_if_none", pa.float64()), ("value_if_all", pa.float64()), ("message", pa.string()),
)  # fmt: skip


def coverage_table(found: Sequence[Effect]) -> pa.Table:
    """`operations.coverage`: a row a hole and indicator. `value_if_none` and `value_if_all` are the figure's bounds over what is missing; `subject_id` is the
    class, or survey and wave; `school_id` "" the district.
    """
    rows = [
        (e.hole.kind, e.hole.table_name, e.hole.school_id, e.hole.school_year, e.hole.first, e.hole.last, e.hole.n_days, e.hole.n_expected, e.hole.n_found,
         e.hole.severity, e.hole.subject_id or None, e.hole.n_students, e.indicator_id, e.value, e.low, e.high, e.hole.words)
        for e in found
    ]  # fmt: skip
    return pa.table({name: pa.array([r[i] for r in rows], kind) for i, (name, kind) in enumerate(COLUMNS)})
