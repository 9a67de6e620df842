"""The results of assessments that the measures of learning count: a part of `evidence.py`, by its rules.

Belongs here: the query of `msr_assessments` alone. Its columns are those that the registry (`learning_measures`) describes.
"""

from __future__ import annotations

from collections.abc import Mapping

from pipelines.lineage.graph import registry

# What each kind of learning measure counts of a row of `ASSESSMENTS`; in thousandths of a level, or one each.
_OF_RESULT = {
    "levels_behind": "if(r.is_last_level, r.behind, 0)", "level_known": "r.is_last_level::bigint",
    "stay_with_level": "r.is_stay::bigint",
    "levels_gained": "if(r.is_last_gain, r.level - r.first_level, 0)", "levels_advanced": "if(r.is_last_gain, greatest(0, r.level - r.first_level), 0)",
    "gain_known": "r.is_last_gain::bigint",
    "levels_behind_at_first": "if(r.is_last_gain and r.behind is not null, r.first_behind, 0)",
    "levels_caught_up": "if(r.is_last_gain and r.behind is not null, greatest(0, r.first_behind - r.behind), 0)",
    "pace_known": "r.is_last_pace::bigint",
    "levels_short": "if(r.is_last_pace, greatest(0, -r.over_by) // r.days_apart, 0)",
    "levels_over": "if(r.is_last_pace, greatest(0, r.over_by) // r.days_apart, 0)",
    "result_judged": "r.is_last_judged::bigint", "result_proficient": "(r.is_last_judged and r.is_proficient)::bigint",
    "evidence_awaited": "r.is_awaited::bigint", "evidence_overdue": "(r.is_awaited and r.is_overdue)::bigint",
}  # fmt: skip
# How many days two results are apart from which on a pace is known: one number for all measures of it.
(_PACE_DAYS,) = {int(m["least"]) for m in registry("learning_measures") if m["counted"] in ("pace_known", "levels_short", "levels_over")}


def _of_learning(m: Mapping[str, str]) -> str:
    """The column of one measure of learning as the registry describes it: what it counts, of which area and (where it says one) of which kind."""
    of = f"r.learning_area = '{m['learning_area']}'" + (f" and r.assessment_kind = '{m['assessment_kind']}'" if m["assessment_kind"] else "")
    return f"case when {of} then coalesce({_OF_RESULT[m['counted']]}, 0) else 0 end::bigint as {m['measure_id']}"


# Results of assessments, and the stays of whom a level is expected. Of a student's results in an area only the last of each sort says something: the last
# with a level that can be held against what is expected, the last with an earlier one on the same assessment (and the first of these, by what it left), the
# last of a kind that is judged, and the last of all, or the day on which the student came or came back, from which on evidence is awaited.
_LEARNING_MEASURES = ",\n        ".join(_of_learning(m) for m in registry("learning_measures") if m["counted"] in _OF_RESULT)
ASSESSMENTS = f"""
    with expected as (
        select l.assessment_id, coalesce(l.subject, '') as subject, l.grade_level, lower(k.learning_area) as learning_area,
            (l.start_level::decimal(12, 3) * 1000)::bigint as low, (l.end_level::decimal(12, 3) * 1000)::bigint as high
        from settings.learning_levels l
        join settings.assessment_kinds k on k.assessment_id = l.assessment_id and k.subject is not distinct from l.subject
    ), year as (
        select *, end_date - start_date as days from settings.school_years where school_year = (select max(school_year) from trace_dates)
    ), given as (
        select r.* exclude (level_number), coalesce(r.subject, '') as area_subject, y.days,
            case when r.is_on_continuum then round(r.level_number * 1000)::bigint end as level,
            (greatest(0, y.days * (e.low - round(r.level_number * 1000)::bigint) + (r.administered_on - y.start_date) * (e.high - e.low)) // y.days)::bigint
                as gap, e.low, e.high, r.administered_on - y.start_date as nth_day
        from core.fct_assessment_results r
        join trace_dates d on d.calendar_date = r.administered_on
        cross join year y
        left join core.dim_student_grades st on st.student_key = r.student_key and st.school_year = y.school_year
        left join expected e on e.assessment_id = r.assessment_id and e.subject = coalesce(r.subject, '') and e.grade_level = st.grade_level
        where r.learning_area is not null and r.administered_on <= (select as_of from settings.night)
    ), behind as (
        select * exclude (gap), case when low is not null and level is not null then gap end as behind from given
    ), firsts as (
        select student_key, learning_area, assessment_id, area_subject, min(administered_on) as first_on,
            arg_min(level, administered_on) as first_level, arg_min(coalesce(behind, -1), administered_on) as first_behind
        from behind where level is not null group by all
    ), results as (
        select b.*, f.first_on, f.first_level, nullif(f.first_behind, -1) as first_behind,
            b.level is not null and b.administered_on > f.first_on as has_gain,
            coalesce(b.behind is not null and b.administered_on - f.first_on >= {_PACE_DAYS}, false) as has_pace,
            (b.administered_on - f.first_on)::bigint as days_apart,
            (b.level - b.high) * (b.administered_on - f.first_on) + (b.level - f.first_level) * (b.days - b.nth_day) as over_by
        from behind b left join firsts f using (student_key, learning_area, assessment_id, area_subject)
    ), ranked as (
        select *,
            behind is not null and 1 = row_number() over (
                partition by student_key, learning_area, behind is null order by administered_on desc, behind) as is_last_level,
            has_gain and 1 = row_number() over (
                partition by student_key, learning_area, has_gain
                order by administered_on desc, first_on, level - first_level desc, assessment_id, area_subject) as is_last_gain,
            has_pace and 1 = row_number() over (
                partition by student_key, learning_area, has_pace
                order by administered_on desc, first_on, level - first_level desc, assessment_id, area_subject) as is_last_pace,
            is_proficient is not null and 1 = row_number() over (
                partition by student_key, learning_area, assessment_kind, is_proficient is null
                order by administered_on desc, is_proficient desc) as is_last_judged,
            row_number() over (partition by student_key, learning_area order by administered_on desc, assessment_id, area_subject) = 1 as is_last
        from results
    ), last_days as (
        select c.calendar_key, max(c.calendar_date) as last_day from core.dim_school_days c cross join year y
        where c.is_instructional and c.calendar_date between y.start_date and y.end_date group by 1
    ), placed as (
        select s.student_key, s.school_key, s.entry_date, s.exit_date, a.learning_area, greatest(s.entry_date, y.start_date) as on_date,
            least(s.exit_date - 1, coalesce(l.last_day, y.end_date)) as known_to
        from core.dim_stints s
        cross join year y
        join core.dim_student_grades st on st.student_key = s.student_key and st.school_year = y.school_year
        join (select distinct grade_level, learning_area from expected) a on a.grade_level = st.grade_level
        left join last_days l on l.calendar_key = s.calendar_key
        where s.entry_date <= y.end_date and s.exit_date > y.start_date
            and exists (select 1 from settings.fed_tables where table_name in ('extract__assessments', 'edfi__student_assessments'))
    ), stays as (
        select p.*, not exists (
            select 1 from placed o where o.student_key = p.student_key and o.learning_area = p.learning_area and o.on_date < p.on_date
                and o.exit_date >= p.on_date) as is_start
        from placed p
    ), times as (
        select b.*, (select max(s.known_to) from stays s where s.student_key = b.student_key and s.learning_area = b.learning_area
            and s.on_date >= b.begins and s.on_date < b.until) as known_to
        from (
            select student_key, learning_area, on_date as begins, coalesce(lead(on_date) over (
                partition by student_key, learning_area order by on_date), date '9999-12-31') as until
            from (select distinct student_key, learning_area, on_date from stays where is_start)
        ) b
    ), waits as (
        select w.*, least((select as_of from settings.night), w.known_to) as known_until
        from (
            select t.student_key, t.learning_area, t.known_to, max(r.administered_on) as last_on, coalesce(max(r.administered_on), t.begins) as since
            from times t left join ranked r on r.student_key = t.student_key and r.learning_area = t.learning_area
                and r.administered_on >= t.begins and r.administered_on < t.until
            group by t.student_key, t.learning_area, t.known_to, t.begins
        ) w
        join trace_dates d on d.calendar_date = w.since and w.since <= (select as_of from settings.night)
        qualify 1 = row_number() over (partition by w.student_key, w.learning_area order by w.since desc)
    ), rows as (
        select r.student_key, null as school_key, r.administered_on as on_date, r.learning_area, r.assessment_kind, r.level, r.behind, r.first_level,
            r.first_behind, r.is_proficient, r.is_last_level, r.is_last_gain, r.is_last_pace, r.days_apart, r.over_by, r.is_last_judged,
            false as is_stay,
            r.is_last and w.last_on is not null as is_awaited, w.since + (select evidence_days from settings.learning) <= w.known_until as is_overdue,
            r.assessment_id || coalesce(', ' || nullif(r.subject, ''), '') || coalesce(': level ' || (r.level / 1000)::decimal(12, 3), ': ' ||
                r.performance_level, '') as what, r.delivery_id, r.line_number
        from ranked r left join waits w on w.student_key = r.student_key and w.learning_area = r.learning_area
        union all
        select student_key, school_key, on_date, learning_area, null, null, null, null, null, null, false, false, false, null, null, false, true, false, false,
            'enrolled since ' || entry_date, '', null
        from stays join trace_dates d on d.calendar_date = on_date
        union all
        select student_key, null, since, learning_area, null, null, null, null, null, null, false, false, false, null, null, false, false, true,
            since + (select evidence_days from settings.learning) <= known_until, 'no result since ' || since, '', null
        from waits where last_on is null
    ), at_school as (
        select s.student_key, d.calendar_date, arg_min(s.school_key, (not coalesce(s.is_primary, false), s.entry_date, s.school_key)) as school_key
        from core.dim_stints s join trace_dates d on d.calendar_date >= s.entry_date and d.calendar_date < s.exit_date
        where (s.student_key, d.calendar_date) in (select (student_key, on_date) from rows)
        group by 1, 2
    )
    select r.student_key as subject_key, coalesce(r.school_key, p.school_key, '') as school_key, coalesce(st.grade_level, 'unknown') as grade_level,
        null::varchar as modality, r.on_date, '' as section_key, r.what, r.delivery_id, r.line_number,
        {_LEARNING_MEASURES}
    from rows r
    left join at_school p on p.student_key = r.student_key and p.calendar_date = r.on_date
    left join core.dim_student_grades st on st.student_key = r.student_key and st.school_year = (select max(school_year) from trace_dates)
    where r.on_date <= (select as_of from settings.night)"""
