"""Whose rows a figure is made of: the rules of the registry a second time, straight on the facts, for `trace.py`.

Belongs here: temporary tables `trace_evidence` (an indicator's fact rows), `trace_subjects` (people with their numerator and denominator) and `trace_rows`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from pipelines.lineage.evidence import EVIDENCE

THOUSANDTHS = 1000  # of what a person's ratio is a whole number


class TraceError(Exception):
    """The figure cannot be traced; the message says what to name instead."""


def find_evidence(db: duckdb.DuckDBPyConnection, indicator: Mapping[str, Any], profile: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """`trace_evidence`: the rows of the indicator's facts, each with what it adds to the numerator (n), the denominator (d) and what is in doubt (q).
    Returns the two measures. Raises TraceError.
    """
    sides = (profile["numerator_measure"] or indicator["numerator_measure"], indicator["denominator_measure"])
    over, under = (one(db, "select * from registry.measures where measure_id = ?", [measure]) for measure in sides)
    if over["model"] != under["model"] or over["model"] not in EVIDENCE:
        raise TraceError(f"{indicator['indicator_id']}: pipelines/lineage/evidence.py does not say which rows {over['model']} counts")
    doubt, population = (f"e.{indicator[side]}" if indicator[side] else "0" for side in ("doubt_measure", "population_measure"))
    columns = f"e.{over['measure_id']} as n, e.{under['measure_id']} as d, {doubt} as q"
    # a row that says nothing of any side is none of this indicator; of the latest state it may be what the state is made of
    counts = "true" if indicator["rollup"] == "latest_in_term" else f"(n <> 0 or d <> 0 or q <> 0 or {population} <> 0)"
    db.execute(f"create or replace temp table trace_evidence as select e.* exclude ({_quantities(db, over['model'])}), {columns} "
               f"from ({EVIDENCE[over['model']]}) e where {counts}")  # fmt: skip
    return over, under


def _quantities(db: duckdb.DuckDBPyConnection, model: str) -> str:
    return ", ".join(m for (m,) in db.execute("select measure_id from registry.measures where model = ? order by 1", [model]).fetchall())


# Whose figures a school's rows are in: '' the district's, else those of the agency that the school is of.
_AGENCY = "coalesce((select k.agency_id from core.dim_schools k where k.school_key = {} and not k.is_in_district), '')"


def choose_summed(
    db: duckdb.DuckDBPyConnection, figure: Mapping[str, Any], indicator: Mapping[str, Any], profile: Mapping[str, Any], scales: tuple[int, int]
) -> None:
    """Totals are sums over the cell's rows: `trace_rows`, and `trace_subjects` (those with something in the denominator)."""
    group = {
        "all": "true",
        "modality": "e.modality = $value",
    }.get(
        str(figure["group_family"]),
        "exists (select 1 from core.dim_student_groups g where g.student_key = e.subject_key and g.group_family = $family "
        "and g.group_value = $value and e.on_date >= g.valid_from and e.on_date < g.valid_to)",
    )
    counted = "true" if indicator["rollup"] == "latest_in_term" else "(e.d <> 0 or e.n <> 0)"  # a mark rests on rows that are no mark themselves
    _create(
        db,
        "trace_rows",
        f"""select e.*, 1 as place from trace_evidence e
            where {counted} and {group} and (e.school_key = $school or $school is null and {_AGENCY.format("e.school_key")} = '')
                and ($grade is null or e.grade_level = $grade)""",
        figure,
    )
    db.execute("create or replace temp table trace_subjects as select subject_key, sum(n) as n, sum(d) as d from trace_rows group by 1 having sum(d) > 0")


def choose_judged(
    db: duckdb.DuckDBPyConnection, figure: Mapping[str, Any], indicator: Mapping[str, Any], profile: Mapping[str, Any], scales: tuple[int, int]
) -> None:
    """Each person is judged on the total of all their days (or of those at the school, as the profile says) and then counted once, or with their total or
    ratio.
    """
    own = figure["school_id"] is not None and profile["grain"] == "school"
    totalled = "e.school_key = $school" if own else f"{_AGENCY.format('e.school_key')} = {_AGENCY.format('$school')}"
    here = "($school is null or e.subject_key in (select subject_key from trace_evidence where school_key = $school))"
    _create(db, "trace_pool", f"select e.* from trace_evidence e where {totalled} and {here} and ($grade is null or e.grade_level = $grade)", figure)
    facts = {**figure, "membership": profile["membership_rule"], "minimum": int(profile["minimum_denominator"]) * scales[1],
             "over": profile["threshold_numerator"], "under": profile["threshold_denominator"],
             "part": profile["below_numerator"], "whole": profile["below_denominator"], "equal": profile["operator"] == "at_least",
             "came": bool(profile["must_have_attended"]), "these": profile["grades"]}  # fmt: skip
    of_person = {
        "total_per_person": "t.n",
        "ratio_per_person": f"(2 * {THOUSANDTHS} * t.n + t.d) // (2 * t.d)",  # half rounded up
    }.get(str(indicator["rollup"]), _is_flagged("t.n", scales))
    _create(
        db,
        "trace_subjects",
        f"""with t as (select subject_key, min(grade_level) as grade_level, sum(n) as n, sum(d) as d, sum(q) as q from trace_pool group by 1)
            select t.subject_key, 1::bigint as d, ({of_person})::bigint as n from t
            where t.d >= $minimum and t.d > 0 and (not $came or t.n < t.d)
                and (t.q = 0 or ({_is_flagged("t.n", scales)}) = ({_is_flagged("(t.n + t.q)", scales)}))
                and ($these::varchar is null or list_contains(string_split($these::varchar, ' '), t.grade_level))
                and {_in_the_group(figure)} and {_is_here(own, profile)}""",
        facts,
    )
    db.execute("""create or replace temp table trace_rows as
        select p.*, 1 - s.n as place from trace_pool p join trace_subjects s on s.subject_key = p.subject_key""")


def _is_flagged(total: str, scales: tuple[int, int]) -> str:
    """Whether a total reaches the line: a share of the denominator, or (a line without a denominator) a total; without a line anything does."""
    over, under = scales
    share, line = f"{total} * $under::bigint * {under}", f"t.d * $over::bigint * {over}"
    number = f"$over::bigint * {over}"
    return f"""coalesce(case when $under::bigint is null then {total} > {number} or ($equal and {total} = {number})
                else {share} > {line} or ($equal and {share} = {line}) end, {total} > 0)
            and coalesce({total} * $whole::bigint * {under} < t.d * $part::bigint * {over}, true)"""


def _is_here(own: bool, profile: Mapping[str, Any]) -> str:
    """That person `t` has a stay (at the school, or where the figure's days are pooled) that is not over while school goes on; by the profile all may be."""
    if profile["leaver_rule"] in (None, "", "counted"):
        return "true"
    place = "s.school_key = $school" if own else f"{_AGENCY.format('s.school_key')} = {_AGENCY.format('$school')}"
    return f"""exists (select 1 from core.dim_stints s cross join settings.night n
            join settings.school_years y on y.school_year = $year and s.entry_date <= y.end_date and s.exit_date > y.start_date
            where s.student_key = t.subject_key and {place} and s.entry_date <= n.as_of
                and (s.exit_date > n.as_of or s.exit_date > (
                    select coalesce(max(c.calendar_date), y.end_date) from core.dim_school_days c
                    where c.calendar_key = s.calendar_key and c.is_instructional and c.calendar_date between y.start_date and y.end_date)))"""


def _in_the_group(figure: Mapping[str, Any]) -> str:
    """That person `t` is in the figure's group by the membership rule."""
    if figure["group_family"] == "modality":
        return "false"  # a judgement over the year has no modality
    if figure["group_family"] == "all":
        return "true"
    return """exists (select 1 from core.dim_student_years y join core.dim_group_signatures g on g.signature = y.signature
            where y.student_key = t.subject_key and y.school_year = $year and y.membership_rule = $membership
                and g.group_family = $family and g.group_value = $value)"""


def choose_together(db: duckdb.DuckDBPyConnection, figure: Mapping[str, Any], profile: Mapping[str, Any]) -> None:
    """Each part is judged by itself; then the flags that are as the profile wants them are counted, where as many are known as it asks for."""
    parts = dicts(db, "select * from registry.indicator_parts where indicator_id = ? and profile_id = ?", [profile["indicator_id"], profile["profile_id"]])
    for nth, part in enumerate(parts):
        named = [part["part_indicator_id"], part["part_profile_id"]]
        indicator = one(db, "select * from registry.indicators where indicator_id = ?", named[:1])
        own = one(db, "select * from registry.indicator_profiles where indicator_id = ? and profile_id = ?", named)
        over, under = find_evidence(db, indicator, own)
        scales = int(over["scale"]), int(under["scale"])
        choose_judged(db, {**figure, "group_family": "all", "group_value": "all"}, indicator, own, scales)
        met = "n" if part["counts_when"] == "raised" else "1 - n"
        verdicts = f"select subject_key, {met} as met from trace_subjects"
        rows = f"""select * replace (n * {THOUSANDTHS} // {scales[0]} as n, d * {THOUSANDTHS} // {scales[1]} as d, '{named[0]}: ' || what as what)
                   from trace_rows"""
        for table, sql in (("trace_verdicts", verdicts), ("trace_of_parts", rows)):
            db.execute(f"insert into {table} {sql}" if nth else f"create or replace temp table {table} as {sql}")
    facts = {**figure, "membership": profile["membership_rule"], "minimum": int(profile["minimum_denominator"]), "over": profile["threshold_numerator"],
             "these": profile["grades"]}  # fmt: skip
    _create(
        db,
        "trace_subjects",
        f"""with t as (
                select v.subject_key, any_value(r.grade_level) as grade_level, sum(v.met) as met, count(*) as known
                from trace_verdicts v
                join (select subject_key, min(grade_level) as grade_level from trace_of_parts group by 1) r using (subject_key)
                group by 1
            )
            select t.subject_key, 1::bigint as d, (t.met >= $over::bigint)::bigint as n from t
            where t.known >= $minimum and ($these::varchar is null or list_contains(string_split($these::varchar, ' '), t.grade_level))
                and {_in_the_group(figure)}""",
        facts,
    )
    db.execute("""create or replace temp table trace_rows as
        select p.* replace (1 - s.n as place) from trace_of_parts p join trace_subjects s on s.subject_key = p.subject_key""")


def choose_daily(db: duckdb.DuckDBPyConnection, figure: Mapping[str, Any], profile: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any], int]:
    """What a side of another indicator adds up to over the cell's rows. Returns the two measures, the side's own twice, and the number of days on which anyone
    is counted at the figure's school, or at a school of the district.
    """
    part = one(db, "select * from registry.indicator_parts where indicator_id = ? and profile_id = ?", [profile["indicator_id"], profile["profile_id"]])
    indicator = one(db, "select * from registry.indicators where indicator_id = ?", [part["part_indicator_id"]])
    own = one(db, "select * from registry.indicator_profiles where indicator_id = ? and profile_id = ?", [part["part_indicator_id"], part["part_profile_id"]])
    over, under = find_evidence(db, indicator, own)
    choose_summed(db, figure, indicator, own, (int(over["scale"]), int(under["scale"])))
    if part["counts_when"] == "denominator":
        over = under
        db.execute("update trace_subjects set n = d")
    _create(db, "trace_days", f"""select count(distinct e.on_date) as n from trace_evidence e
            where e.d <> 0 and (e.school_key = $school or $school is null and {_AGENCY.format("e.school_key")} = '')""", figure)  # fmt: skip
    return over, under, int(db.execute("select n from trace_days").fetchall()[0][0])


def _create(db: duckdb.DuckDBPyConnection, name: str, sql: str, facts: Mapping[str, Any]) -> None:
    """A temporary table from a query that uses some of the facts as parameters."""
    values = {"school": facts["school_id"], "grade": facts["grade_level"], "family": facts["group_family"], "value": facts["group_value"],
              "year": facts["school_year"], **{k: facts[k] for k in ("membership", "minimum", "over", "under", "part", "whole", "equal", "came",
                                                                             "these") if k in facts}}  # fmt: skip
    db.execute(f"create or replace temp table {name} as {sql}", {k: v for k, v in values.items() if f"${k}" in sql})


def one(db: duckdb.DuckDBPyConnection, sql: str, values: Sequence[Any]) -> dict[str, Any]:
    found = dicts(db, sql, values)
    if not found:
        raise TraceError(f"the registry in the build has no {' '.join(map(str, values))}; run the nightly job again")
    return found[0]


def dicts(db: duckdb.DuckDBPyConnection, sql: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
    result = db.execute(sql, list(values))
    names = [c[0] for c in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
