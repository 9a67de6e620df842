"""The results of assessments that the measures of growth count: a part of `evidence.py`, by its rules.

Belongs here: the query of `msr_growth` alone. The line through the pairs is fitted by DuckDB's own regression functions, not from the sums of the models.
"""

from __future__ import annotations

from collections.abc import Mapping

from pipelines.lineage.graph import registry

_MEASURES = [m for m in registry("learning_measures") if m["counted"].startswith("growth_")]
_BETTER = "r.growth_percentile desc, r.assessment_id, r.of_subject"  # of results of one day
_SCALES = {m["measure_id"]: m["scale"] for m in registry("measures")}


def _of_growth(m: Mapping[str, str]) -> str:
    """The column of one measure as the registry describes it, of the last row of its area that says it."""
    scale = _SCALES[m["measure_id"]]
    says, counts = {
        "growth_percentile": ("r.growth_percentile is not null", f"round(r.growth_percentile * {scale})"),
        "growth_percentile_known": ("r.growth_percentile is not null", scale),
        "growth_pair": ("r.n_pairs is not null", scale),
        "growth_index": (f"r.growth_index is not null and r.n_pairs >= {m['least'] or 0}", f"round(r.growth_index * {scale})"),
        "growth_known": (f"r.growth_index is not null and r.n_pairs >= {m['least'] or 0}", scale),
    }[m["counted"]]
    says = f"r.learning_area = '{m['learning_area']}' and {says}"
    last = f"1 = row_number() over (partition by r.student_key, {says} order by r.on_date desc, r.n_pairs desc, {_BETTER})"
    return f"case when {says} and {last} then {counts} else 0 end::bigint as {m['measure_id']}"


_COLUMNS = ",\n        ".join(_of_growth(m) for m in _MEASURES)
GROWTH = f"""
    with windows as (
        select assessment_id, first_day::date as first_day, last_day::date as last_day from settings.assessment_windows
        where last_day::date <= (select as_of from settings.night)
    ), taken as (
        select r.*, coalesce(r.subject, '') as of_subject, w.first_day as window_start, round(r.scale_score, 3)::double as score
        from core.fct_assessment_results r
        join windows w on w.assessment_id = r.assessment_id and r.administered_on between w.first_day and w.last_day
        where r.scale_score is not null and r.learning_area is not null
        qualify 1 = row_number() over (partition by r.student_key, r.assessment_id, of_subject, r.administered_on order by w.first_day desc)
    ), lasts as (
        select * from taken
        qualify 1 = row_number() over (partition by student_key, assessment_id, of_subject, window_start order by administered_on desc)
    ), paired as (
        select l.*, lag(score) over in_order as earlier, lag(window_start) over in_order as earlier_start
        from lasts l window in_order as (partition by student_key, assessment_id, of_subject order by window_start)
    ), graded as (
        select p.*, st.grade_level from paired p
        join core.dim_student_grades st on st.student_key = p.student_key and st.school_year = p.school_year
        where p.earlier is not null
    ), fitted as (
        select assessment_id, of_subject, school_year, grade_level, earlier_start, window_start, count(*) as n_pairs,
            regr_slope(score, earlier) as slope, regr_intercept(score, earlier) as intercept, regr_syy(score, earlier) as syy,
            regr_syy(score, earlier) - pow(regr_sxy(score, earlier), 2) / nullif(regr_sxx(score, earlier), 0) as left_over
        from graded group by all
    ), rows as (
        select g.student_key, g.administered_on as on_date, g.learning_area, g.assessment_id, g.of_subject, null::decimal(18, 6) as growth_percentile,
            f.n_pairs, case when f.n_pairs > 2 and f.left_over > f.syy * 1e-9
                then (g.score - f.intercept - f.slope * g.earlier) / sqrt(f.left_over / (f.n_pairs - 2)) end as growth_index,
            g.assessment_id || coalesce(', ' || nullif(g.of_subject, ''), '') || ': ' || g.score || ' after ' || g.earlier as what, g.delivery_id, g.line_number
        from graded g join fitted f using (assessment_id, of_subject, school_year, grade_level, earlier_start, window_start)
        union all
        select student_key, administered_on, learning_area, assessment_id, coalesce(subject, ''), growth_percentile, null, null,
            assessment_id || coalesce(', ' || nullif(subject, ''), '') || ': growth percentile ' || growth_percentile::int, delivery_id, line_number
        from core.fct_assessment_results
        where growth_percentile is not null and learning_area is not null and administered_on <= (select as_of from settings.night)
    ), at_school as (
        select s.student_key, d.calendar_date, arg_min(s.school_key, (not coalesce(s.is_primary, false), s.entry_date, s.school_key)) as school_key
        from core.dim_stints s join trace_dates d on d.calendar_date >= s.entry_date and d.calendar_date < s.exit_date
        where (s.student_key, d.calendar_date) in (select (student_key, on_date) from rows)
        group by 1, 2
    )
    select r.student_key as subject_key, coalesce(p.school_key, '') as school_key, coalesce(st.grade_level, 'unknown') as grade_level,
        null::varchar as modality, r.on_date, '' as section_key, r.what, r.delivery_id, r.line_number,
        {_COLUMNS}
    from rows r
    join trace_dates d on d.calendar_date = r.on_date
    left join at_school p on p.student_key = r.student_key and p.calendar_date = r.on_date
    left join core.dim_student_grades st on st.student_key = r.student_key and st.school_year = (select max(school_year) from trace_dates)"""
