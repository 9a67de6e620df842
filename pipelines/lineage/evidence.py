"""The fact rows that a measure counts, one query for each measure model: what `trace.py` recomputes a figure from.

Belongs here: SQL that goes from the facts straight to the subject's days, assignments or answers. It states each measure's rule a second time and reads
neither `fct_measurements` nor any `msr_` model, so that a figure and its trace can disagree. A measure model without a query here cannot be traced.

Every query gives one row for each fact row, over the dates in `trace_dates`:
subject_key, school_key ("" where none is said), grade_level, modality, on_date (the day that decides the group), section_key, what (in words),
delivery_id, line_number, and one column of quantity (in the measure's unit times its scale) for each of the model's measures.
"""

from __future__ import annotations

from collections.abc import Mapping

from pipelines.lineage.evidence_growth import GROWTH
from pipelines.lineage.evidence_learning import ASSESSMENTS
from pipelines.lineage.evidence_stays import DISCIPLINE, INCIDENTS, REACH, STAYS
from pipelines.lineage.graph import registry

# Days that count: in session, enrolled, and attendance known. A day that is known only because the day's exceptions file came has that file and no line.
# A student in part or at two schools at once has less than a whole day at a school, as `day_counts` says. A run of so many absences counts on the day on
# which it comes to that number: the school days of the calendar up to it, so many, were all missed, and the one before them was not.
_RUNS = [(r["measure_id"], int(r["school_days"])) for r in registry("absence_runs")]
_SHARES = {m["measure_id"]: (m["whole_from_numerator"], m["whole_from_denominator"]) for m in registry("measures")}
_MISSED = ", ".join(f"(a.absent_thousandths * {_SHARES[m][1]} >= 1000 * {_SHARES[m][0]})::int as {m}" for m, _ in _RUNS)
_ENDS = ", ".join(
    f"""(sum({m}) over (in_order range between {n - 1} preceding and current row) = {n}
            and coalesce(sum({m}) over (in_order range between {n} preceding and {n} preceding), 0) = 0)::bigint as {m}"""
    for m, n in _RUNS
)
_ATTENDANCE = f"""
    with numbered as (
        select calendar_key, calendar_date, rank() over (partition by calendar_key order by calendar_date) as nth
        from core.dim_school_days join trace_dates using (calendar_date) where is_instructional
    ), at_school as (
        select s.student_key, s.school_key, d.calendar_date, max(s.share_thousandths) as share, bool_or(s.is_primary) as is_primary,
            min(s.entry_date) as entry_date, bool_or(s.is_shared) as is_shared, min_by(s.calendar_key, (s.entry_date, s.calendar_key)) as calendar_key
        from trace_dates d
        join core.dim_stints s on d.calendar_date >= s.entry_date and d.calendar_date < s.exit_date
        join core.dim_school_days c on c.calendar_key = s.calendar_key and c.calendar_date = d.calendar_date and c.is_instructional
        where d.calendar_date <= (select as_of from settings.night)
        group by all
    ), placed as (
        select *, sum(share) over student_day as shares,
            row_number() over (student_day order by is_primary desc, coalesce(share, 1000) desc, entry_date, school_key) as nth
        from at_school window student_day as (partition by student_key, calendar_date)
    ), parts as (
        select *, case when share is null then 1000 when shares > 1000 then share * 1000 // shares else share end as part from placed
    ), enrolled as (
        select *, case
            when not is_shared or (select day_counts from settings.district) = 'at_each_school' then 1000
            when (select day_counts from settings.district) = 'once_at_primary' then 1000 * (nth = 1)::int
            when shares > 1000 and nth = 1 then part + 1000 - sum(part) over (partition by student_key, calendar_date)
            else part end::bigint as day
        from parts
    ), missed as (
        select s.student_key, s.school_key, s.calendar_date, s.calendar_key, n.nth, {_MISSED}
        from at_school s
        join numbered n on n.calendar_key = s.calendar_key and n.calendar_date = s.calendar_date
        join core.fct_attendance_days a on a.student_key = s.student_key and a.school_key = s.school_key and a.attendance_date = s.calendar_date
    ), runs as (
        select student_key, school_key, calendar_date, {_ENDS}
        from missed window in_order as (partition by student_key, school_key, calendar_key order by nth)
    ), files as (
        select try_cast(b.scope as date) as calendar_date, max(b.precedence) as precedence
        from held.bulk_scopes b where b.table_name in ('extract__attendance', 'extract__attendance_periods') group by 1
    )
    select e.student_key as subject_key, e.school_key, coalesce(st.grade_level, 'unknown') as grade_level, coalesce(a.modality, 'in_person') as modality,
        e.calendar_date as on_date,
        '' as section_key,
        case when a.student_key is null then 'no exception reported: present'
             else 'code ' || a.attendance_code || case when a.is_tardy then ', tardy' else '' end
                || ': absent ' || (a.absent_thousandths / 1000.0)::decimal(5, 3) || ' of the day' end
            || case when e.day < 1000 then ', which counts ' || (e.day / 1000.0)::decimal(5, 3) || ' at this school' else '' end as what,
        coalesce(a.delivery_id, f.delivery_id, '') as delivery_id, a.line_number,
        e.day as days_enrolled, (e.day * coalesce(a.absent_thousandths, 0) + 500)::bigint // 1000 as days_absent,
        case when coalesce(a.absent_thousandths, 0) * h.whole_from_denominator >= 1000 * h.whole_from_numerator
             then e.day else 0 end::bigint as days_absent_by_half,
        e.day - (e.day * coalesce(a.absent_thousandths, 0) + 500)::bigint // 1000 as days_present,
        case when a.is_tardy then e.day - (e.day * a.absent_thousandths + 500)::bigint // 1000 else 0 end as days_tardy,
        case when exists (select 1 from settings.attendance_codes where is_tardy = 'true')
             then e.day - (e.day * coalesce(a.absent_thousandths, 0) + 500)::bigint // 1000 else 0 end as days_tardy_known,
        {", ".join(f"coalesce(r.{m}, 0) as {m}" for m, _ in _RUNS)}
    from enrolled e
    left join runs r on r.student_key = e.student_key and r.school_key = e.school_key and r.calendar_date = e.calendar_date
    cross join (select * from registry.measures where measure_id = 'days_absent_by_half') h
    left join core.dim_student_grades st on st.student_key = e.student_key and st.school_year = (select max(school_year) from trace_dates)
    left join core.fct_attendance_days a
        on a.student_key = e.student_key and a.school_key = e.school_key and a.attendance_date = e.calendar_date
    left join files n on n.calendar_date = e.calendar_date
    left join core.dim_attendance_known k on k.school_key = e.school_key and e.calendar_date <= k.known_until
        and k.school_year = (select y.school_year from settings.school_years y where e.calendar_date between y.start_date and y.end_date)
    left join trace_files f on f.table_name in ('extract__attendance', 'extract__attendance_periods') and f.precedence = n.precedence
    where {" + ".join(f"coalesce(r.{m}, 0)" for m, _ in _RUNS)} > 0 or e.day > 0 and (a.student_key is not null
        or ((n.calendar_date is not null or k.school_key is not null) and (select attendance_reporting from settings.district) = 'exceptions'
            and e.school_key not in (select school_id from settings.positive_schools)
            and not exists (select 1 from held.unknown_days u where u.student_id = e.student_key and u.school_id = e.school_key
                            and try_cast(u.attendance_date as date) = e.calendar_date)))"""

# Days with minutes of their own, or of their periods, where attendance is taken of everybody, the school was in session and the student enrolled.
_MINUTES = """
    with days as (
        select a.student_key, a.school_key, a.attendance_date, a.modality, a.attendance_code, a.delivery_id, a.line_number,
            coalesce(a.offered_minute_thousandths, p.offered_minute_thousandths) as said,
            if(a.offered_minute_thousandths is null, p.missed_minute_thousandths, a.missed_minute_thousandths) as said_missed
        from core.fct_attendance_days a
        join trace_dates d on d.calendar_date = a.attendance_date
        left join intermediate.int_days_from_periods p
            on p.student_key = a.student_key and p.school_key = a.school_key and p.attendance_date = a.attendance_date
        where a.attendance_date <= (select as_of from settings.night)
            and ((select attendance_reporting from settings.district) = 'positive' or a.school_key in (select school_id from settings.positive_schools))
            and exists (select 1 from core.dim_stints s
                        join core.dim_school_days c on c.calendar_key = s.calendar_key and c.calendar_date = a.attendance_date and c.is_instructional
                        where s.student_key = a.student_key and s.school_key = a.school_key
                            and a.attendance_date >= s.entry_date and a.attendance_date < s.exit_date)
    ), bounded as (
        select x.*, least(said, m.row_maximum * m.scale) as offered, least(said_missed, said, m.row_maximum * m.scale) as missed
        from days x cross join (select * from registry.measures where measure_id = 'minutes_offered') m where said > 0 and said_missed is not null
    )
    select b.student_key as subject_key, b.school_key, coalesce(st.grade_level, 'unknown') as grade_level, b.modality, b.attendance_date as on_date,
        '' as section_key, 'code ' || b.attendance_code || ': missed ' || (b.missed / 1000.0)::decimal(9, 3) || ' of '
            || (b.offered / 1000.0)::decimal(9, 3) || ' minutes' as what,
        b.delivery_id, b.line_number,
        b.offered::bigint as minutes_offered, (b.offered - b.missed)::bigint as minutes_attended, b.missed::bigint as minutes_missed
    from bounded b
    left join core.dim_student_grades st on st.student_key = b.student_key and st.school_year = (select max(school_year) from trace_dates)"""

# Work that has come due, is not excused, and whose student was in the class on the due date. The same result twice counts once.
_ASSIGNMENTS = """
    with due as (
        select r.*, round(greatest(0, least(coalesce(r.points_possible, 0), m.row_maximum)) * m.scale)::bigint as points, row_number() over (
            partition by r.assignment_key, r.student_key, r.school_key, r.due_date, r.is_missing, r.is_submitted, r.is_late
            order by r.delivery_id, r.line_number) as nth
        from core.fct_assignment_results r
        join trace_dates d on d.calendar_date = r.due_date
        cross join (select * from registry.measures where measure_id = 'points_expected') m
        where r.is_expected and r.due_date <= (select as_of from settings.night)
            and exists (select 1 from intermediate.int_section_enrollments_combined e
                        where e.student_key = r.student_key and e.section_key = r.section_key
                            and r.due_date >= e.begin_date and r.due_date < e.end_date)
    )
    select r.student_key as subject_key, coalesce(r.school_key, '') as school_key, coalesce(st.grade_level, 'unknown') as grade_level,
        case (select work_modality from settings.gradebook) when 'attendance' then coalesce(a.modality, 'unknown') end as modality, r.due_date as on_date,
        r.section_key, r.assignment_key || case when r.nth > 1 then ': the same again' when r.is_missing then ': missing'
            when r.is_submitted and r.is_late then ': late' when r.is_submitted then ': handed in' else ': due' end as what,
        r.delivery_id, r.line_number,
        (r.nth = 1)::bigint as assignments_expected,
        (r.nth = 1 and not r.is_missing)::bigint as assignments_completed,
        (r.nth = 1 and r.is_submitted)::bigint as assignments_submitted,
        (r.nth = 1 and r.is_submitted and r.is_late)::bigint as assignments_late,
        (r.nth = 1 and r.is_missing)::bigint as assignments_missing,
        (r.nth = 1 and r.is_submitted and not r.is_late)::bigint as assignments_on_time,
        case when r.nth = 1 then r.points else 0 end as points_expected,
        case when r.nth = 1 and r.is_missing then r.points else 0 end as points_missing
    from due r
    left join core.fct_attendance_days a on a.student_key = r.student_key and a.school_key = r.school_key and a.attendance_date = r.due_date
    left join core.dim_student_grades st on st.student_key = r.student_key and st.school_year = (select max(school_year) from trace_dates)"""

# Marks stand at the last week piece of the period in which the student had graded work, and rest on all graded work of that term up to it. A section is
# one mark, carried by its first row; the other rows are what the mark is made of.
_MARKS = """
    with graded as (
        select r.* exclude (points_earned, points_possible), s.section_key is not null as by_standards,
            if(s.section_key is null, r.points_earned, null) as points_earned, if(s.section_key is null, r.points_possible, null) as points_possible
        from core.fct_assignment_results r
        left join (select distinct section_key from core.dim_assignments where is_by_standards) s on s.section_key = r.section_key
        where r.is_expected and (s.section_key is not null or r.points_earned is not null and r.points_possible > 0)
            and r.due_date <= (select as_of from settings.night)
    ), standing as (
        select student_key, max(piece_start) as piece_start
        from graded where due_date in (select calendar_date from trace_dates) group by student_key
    ), counted as (
        select g.*, s.piece_start as on_date,
            sum(g.points_earned) over section as earned, sum(g.points_possible) over section as possible,
            row_number() over (partition by g.student_key, coalesce(g.school_key, ''), g.section_key order by g.delivery_id, g.line_number) as nth
        from standing s
        join core.dim_week_pieces p on p.piece_start = s.piece_start
        join graded g on g.student_key = s.student_key and g.school_year = p.school_year
            and g.term_id is not distinct from p.term_id and g.piece_start <= s.piece_start
        window section as (partition by g.student_key, coalesce(g.school_key, ''), g.section_key)
    )
    select g.student_key as subject_key, coalesce(g.school_key, '') as school_key, coalesce(st.grade_level, 'unknown') as grade_level,
        null::varchar as modality, g.on_date,
        g.section_key, g.assignment_key || coalesce(': ' || g.points_earned || ' of ' || g.points_possible || ' points', ': graded by standards') as what,
        g.delivery_id, g.line_number,
        (g.nth = 1 and not by_standards)::bigint as marks, (g.nth = 1 and by_standards)::bigint as sections_by_standards,
        if(g.nth = 1 and not by_standards, round(greatest(g.earned, 0) * 1000), 0)::bigint as points_earned_so_far,
        if(g.nth = 1 and not by_standards, round(g.possible * 1000), 0)::bigint as points_graded_so_far,
        (g.nth = 1 and not by_standards
            and g.earned * 100 < (select min(min_percent) from registry.grade_scale where not is_d_or_f) * g.possible)::bigint as marks_d_f
    from counted g
    left join core.dim_student_grades st on st.student_key = g.student_key and st.school_year = (select max(school_year) from trace_dates)"""

# Final marks, on the day from which they stand; the stays of whom marks are known; and how much of the year a student's marks cover: of the terms of the
# year that have ended as many as there are up to the last one that has marks, where each of these has some.
_FINAL_MARKS = """
    with stands as (
        select * replace (is_in_gpa and not by_standards as is_in_gpa) from (
            select m.*, a.is_core, a.is_math_or_english, coalesce(m.school_key, '') as at_school,
                exists (select 1 from settings.standards_graded k where k.school_id in ('*', coalesce(m.school_key, s.school_key, ''))
                        and k.course_id in ('*', coalesce(s.course_id, ''))) as by_standards,
                coalesce(w.extra_points::decimal(18, 6), 0) as extra_points,
                exists (select 1 from settings.terms t where t.school_year = m.school_year and t.term_id = m.term_id
                        and t.end_date <= (select as_of from settings.night)) as has_ended
            from core.fct_marks m
            left join core.dim_sections s on s.section_key = m.section_key
            left join settings.course_weights w on w.course_id = s.course_id
            left join registry.subject_areas a on a.subject = trim(lower(replace(regexp_replace(s.subject, '^.*#', ''), '_', ' ')))
            where m.is_final and m.final_on <= (select as_of from settings.night)
        )
    ), year_terms as (
        select term_id, start_date, end_date, rank() over (order by start_date) as nth, count(*) over () as n_terms, min(start_date) over () as year_start
        from settings.terms where school_year = (select max(school_year) from trace_dates)
    ), most as (
        select scale, max(row_maximum) over () as row_maximum, measure_id from registry.measures where model = 'msr_final_marks'
    ), rows as (
        select m.student_key, m.at_school, m.final_on as on_date, m.section_key,
            m.section_key || ', ' || m.term_id || ': ' || coalesce(m.letter, 'no letter')
                || coalesce(' (' || m.grade_points::decimal(18, 3) || ' points)', '')
                || coalesce(', ' || m.credits_attempted::decimal(18, 3) || ' credits', '') || coalesce(', earned ' || m.credits_earned::decimal(18, 3), '')
                as what,
            m.delivery_id, m.line_number,
            case when m.is_in_gpa and m.grade_points is not null and m.credits_attempted > 0
                 then round(least(m.credits_attempted, g.row_maximum) * g.scale)::bigint else 0 end as gpa_credits,
            m.grade_points, m.by_standards::bigint as by_standards, if(m.grade_points > 0, m.extra_points, 0) as extra_points,
            if(m.credits_attempted is null or m.credits_earned is null, 0, round(least(m.credits_attempted, c.row_maximum) * c.scale)) as attempted,
            if(m.credits_earned is null, 0, round(least(m.credits_earned, coalesce(m.credits_attempted, m.credits_earned), c.row_maximum) * c.scale)) as earned,
            case when not m.has_ended or m.credits_earned is null or m.credits_earned > m.credits_attempted then 0
                 else round(least(m.credits_earned, c.row_maximum) * c.scale) end as on_pace,
            case when not m.has_ended or m.credits_earned <= coalesce(m.credits_attempted, m.credits_earned) then 0
                 else round(least(coalesce(m.credits_earned, m.credits_attempted, c.row_maximum), c.row_maximum) * c.scale) end as not_said,
            (m.credits_earned is not null)::bigint as says_credits, m.is_core, m.is_math_or_english, m.is_failed, 0 as covers, 0 as stays,
            m.credits_attempted is not null and m.credits_earned is not null as says_both
        from stands m
        join trace_dates d on d.calendar_date = m.final_on
        cross join (select * from most where measure_id = 'gpa_credits') g
        cross join (select * from most where measure_id = 'credits_earned') c
        union all
        select m.student_key, min(m.at_school), t.year_start, '', 'final marks of ' || count(distinct t.nth) || ' of ' || any_value(t.n_terms) || ' terms', '',
            null, 0, null, 0, 0, 0, 0, 0, 0, 0, false, false, false,
            case when list_sort(list(distinct t.nth)) = range(1, max(t.nth) + 1)
                 then (select scale from most where measure_id = 'school_years_marked') * max(t.nth) / any_value(t.n_terms) else 0 end, 0, false
        from stands m
        join year_terms t on t.term_id = m.term_id and t.end_date <= (select as_of from settings.night)
        left join core.dim_schools k on k.school_key = m.school_key
        where m.school_year = (select max(school_year) from trace_dates) and t.year_start in (select calendar_date from trace_dates)
        group by m.student_key, t.year_start, if(coalesce(k.is_in_district, true), '', k.agency_id)
        union all
        select s.student_key, s.school_key, d.calendar_date, '', 'enrolled since ' || s.entry_date, '', null, 0, null, 0, 0, 0, 0, 0, 0, 0, false, false, false,
            0, 1, false
        from core.dim_stints s
        join settings.school_years y on s.entry_date <= y.end_date and s.exit_date > y.start_date
        join trace_dates d on d.calendar_date = greatest(s.entry_date, y.start_date)
        where exists (select 1 from settings.fed_tables where table_name in ('extract__marks', 'edfi__grades'))
    )
    select r.student_key as subject_key, r.at_school as school_key, coalesce(st.grade_level, 'unknown') as grade_level,
        null::varchar as modality, r.on_date, r.section_key, r.what, r.delivery_id, r.line_number,
        coalesce(round(r.grade_points * r.gpa_credits)::bigint, 0) as grade_points_by_credit, r.gpa_credits, r.by_standards as marks_by_standards,
        if(u.is_weighted, coalesce(round((r.grade_points + r.extra_points) * r.gpa_credits)::bigint, 0), 0) as weighted_points_by_credit,
        if(u.is_weighted, r.gpa_credits, 0) as weighted_gpa_credits,
        r.attempted::bigint as credits_attempted, if(r.says_both, least(r.earned, r.attempted), 0)::bigint as credits_earned_of_attempted,
        r.earned::bigint as credits_earned, r.says_credits as marks_with_credits,
        r.on_pace::bigint * u.units as year_courses_earned, r.not_said::bigint * u.units as year_courses_not_said,
        round(r.covers)::bigint as school_years_marked, r.stays as stays_marks_known,
        coalesce(r.is_core and r.is_failed is not null, false)::bigint as core_marks,
        coalesce(r.is_core and r.is_failed, false)::bigint as core_marks_failed,
        ((r.is_core and r.is_failed) is null)::bigint as core_marks_in_doubt,
        coalesce(r.is_math_or_english and r.is_failed is not null, false)::bigint as math_english_marks,
        coalesce(r.is_math_or_english and r.is_failed, false)::bigint as math_english_marks_failed,
        ((r.is_math_or_english and r.is_failed) is null)::bigint as math_english_marks_in_doubt
    from rows r
    cross join (
        select y.scale * d.year_course_denominator // (c.scale * d.year_course_numerator) as units,
            exists (select 1 from settings.course_weights) as is_weighted
        from most y, most c, settings.district d where y.measure_id = 'year_courses_earned' and c.measure_id = 'credits_earned'
    ) u
    left join core.dim_student_grades st on st.student_key = r.student_key and st.school_year = (select max(school_year) from trace_dates)
    where r.on_date <= (select as_of from settings.night)"""


def _of_answer(m: Mapping[str, str]) -> str:
    """The column of one measure of survey answers as the registry describes it: of whom, of which construct, on which scale, and from which share of the
    construct's questions on it counts, and what of an answer.
    """
    value = {"valid": "1", "favorable": "a.is_favorable::bigint", "value": "a.item_value"}[m["counted"]]
    counts = "a.is_valid"
    if m["respondent_role"]:
        counts += f" and w.role = '{m['respondent_role']}'"
    if m["construct"]:
        on_scale = f"and q.low = {m['scale_from']} and q.high = {m['scale_to']}" if m["scale_from"] else ""
        mine = f"q.survey_id = a.survey_id and q.construct = '{m['construct']}'"
        counts += f" and exists (select 1 from questions q where {mine} and q.item_id = a.item_id {on_scale})"
        if m["least_numerator"]:
            counts += f""" and {m["least_denominator"]} * (
                select count(distinct b.item_id) from core.fct_survey_answers b join questions q on q.item_id = b.item_id and {mine} {on_scale}
                where b.response_key = a.response_key and b.is_valid
            ) >= {m["least_numerator"]} * (select count(distinct q.item_id) from questions q where {mine})"""
    return f"case when {counts} then round({value} * {m['scale']}) else 0 end::bigint as {m['measure_id']}"


_SURVEY_MEASURES = ",\n        ".join(_of_answer(m) for m in registry("measures") if m["model"] == "msr_survey_answers")
_SURVEY_ANSWERS = f"""
    with questions as (
        select m.survey_id, m.item_id, m.construct, min(s.minimum::decimal(18, 6)) as low, max(s.maximum::decimal(18, 6)) as high
        from (select survey_id, item_id, scale_id, unnest([construct] || string_split(coalesce(also_in, ''), ' ')) as construct
              from settings.survey_items where kind = 'single') m
        join settings.survey_scales s on s.scale_id = m.scale_id
        group by all
    )
    select a.response_key as subject_key, coalesce(a.school_key, '') as school_key, coalesce(a.grade_level, 'unknown') as grade_level,
        null::varchar as modality, a.answered_on as on_date, '' as section_key,
        a.item_id || case when not a.is_valid then ': not on the scale' when a.is_favorable then ': favorable' else ': not favorable' end as what,
        a.delivery_id, a.line_number,
        {_SURVEY_MEASURES}
    from core.fct_survey_answers a
    join settings.survey_waves w on w.survey_id = a.survey_id and w.wave_id = a.wave_id
    join trace_dates d on d.calendar_date = a.answered_on"""

# Reviews with a score and a maximum, on the day of the review.
_REVIEWS = """
    select r.review_id as subject_key, coalesce(r.school_key, '') as school_key, coalesce(r.grade_level, 'unknown') as grade_level, null::varchar as modality,
        r.reviewed_on as on_date, coalesce(r.section_id, '') as section_key,
        'review ' || r.review_id || ': ' || r.score::decimal(18, 3) || ' of ' || r.max_score::decimal(18, 3) as what, r.delivery_id, r.line_number,
        1 as assignments_reviewed, (r.score * m.whole_from_denominator >= r.max_score * m.whole_from_numerator)::bigint as assignments_worthy
    from core.fct_assignment_reviews r
    join trace_dates d on d.calendar_date = r.reviewed_on
    cross join (select * from registry.measures where measure_id = 'assignments_worthy') m
    where r.score is not null and r.max_score > 0 and r.reviewed_on <= (select as_of from settings.night)"""

EVIDENCE: Mapping[str, str] = {
    "msr_attendance": _ATTENDANCE,
    "msr_minutes": _MINUTES,
    "msr_assignments": _ASSIGNMENTS,
    "msr_marks": _MARKS,
    "msr_final_marks": _FINAL_MARKS,
    "msr_discipline": DISCIPLINE,
    "msr_stays": STAYS,
    "msr_survey_reach": REACH,
    "msr_incidents": INCIDENTS,
    "msr_assessments": ASSESSMENTS,
    "msr_growth": GROWTH,
    "msr_survey_answers": _SURVEY_ANSWERS,
    "msr_assignment_reviews": _REVIEWS,
}
