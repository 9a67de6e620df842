"""The fact rows of stays and of what befalls students in them (suspensions, incidents, surveys that ask them), for `evidence.py`, whose rules hold here."""

from __future__ import annotations

# A stay at a school on its first day of the year, and each suspension with its days; of what no source sends nothing is measured.
DISCIPLINE = """
    with rows as (
        select s.student_key, s.school_key, d.calendar_date, 'enrolled since ' || s.entry_date as what, '' as delivery_id, null::bigint as line_number,
            1 as stays_enrolled, (select count(*) > 0 from settings.fed_tables where table_name like '%days')::bigint as stays_days_known,
            0 as out_of_school, 0 as in_school, 0 as days
        from core.dim_stints s
        join settings.school_years y on s.entry_date <= y.end_date and s.exit_date > y.start_date
        join trace_dates d on d.calendar_date = greatest(s.entry_date, y.start_date)
        union all
        select a.student_key, coalesce(a.school_key, ''), a.incident_date,
            'suspension, code ' || a.action_code || coalesce(' of ' || a.action_days::decimal(18, 3) || ' days', ', its days are not known'),
            a.delivery_id, a.line_number, 0, 0, (not a.is_in_school)::bigint, a.is_in_school::bigint,
            round(greatest(0, least(coalesce(a.action_days, 0), m.row_maximum)) * m.scale)::bigint
        from core.fct_discipline_actions a
        join registry.measures m on m.measure_id = case when a.is_in_school then 'days_suspended_in_school' else 'days_suspended_out_of_school' end
        join trace_dates d on d.calendar_date = a.incident_date where a.is_suspension
    )
    select r.student_key as subject_key, r.school_key, coalesce(st.grade_level, 'unknown') as grade_level, null::varchar as modality,
        r.calendar_date as on_date, '' as section_key, r.what, r.delivery_id, r.line_number,
        r.stays_enrolled, r.stays_days_known, r.out_of_school + r.in_school as suspensions,
        r.out_of_school as suspensions_out_of_school, r.in_school as suspensions_in_school,
        r.out_of_school * r.days as days_suspended_out_of_school, r.in_school * r.days as days_suspended_in_school
    from rows r
    left join core.dim_student_grades st on st.student_key = r.student_key and st.school_year = (select max(school_year) from trace_dates)
    where r.calendar_date <= (select as_of from settings.night)
        and exists (select 1 from settings.fed_tables where table_name in ('extract__discipline', 'edfi__discipline_actions'))"""

# Whom a wave asked whose answers lead back to a student, on the day that it opened; a student's first answer stands for all of them.
REACH = """
    with asked as (
        select a.survey_id, a.wave_id, a.student_key, a.opened_on, min(a.school_key) as school_key
        from core.fct_survey_asked a where a.respondent_kind = 'linked' group by all
    ), answered as (
        select a.survey_id, a.wave_id, a.respondent_key, arg_min(a.delivery_id, a.line_number) as delivery_id, min(a.line_number) as line_number
        from core.fct_survey_answers a where a.answer is not null group by all
    )
    select s.student_key as subject_key, s.school_key, coalesce(st.grade_level, 'unknown') as grade_level, null::varchar as modality, s.opened_on as on_date,
        '' as section_key, 'survey ' || s.survey_id || ', wave ' || s.wave_id || case when a.wave_id is null then ': no answer' else ': answered' end as what,
        coalesce(a.delivery_id, '') as delivery_id, a.line_number, 1 as surveys_asked, (a.wave_id is not null)::bigint as surveys_answered
    from asked s
    join trace_dates d on d.calendar_date = s.opened_on
    left join answered a on a.survey_id = s.survey_id and a.wave_id = s.wave_id and a.respondent_key = s.student_key
    semi join (select o.survey_id, o.wave_id from asked o join answered r on r.survey_id = o.survey_id and r.wave_id = o.wave_id
        and r.respondent_key = o.student_key) told on told.survey_id = s.survey_id and told.wave_id = s.wave_id
    left join core.dim_student_grades st on st.student_key = s.student_key and st.school_year = (select max(school_year) from trace_dates)
    where s.opened_on <= (select as_of from settings.night)"""

# A stay on its first day of the year, and on the first day without the student where school went on.
STAYS = """
    with stays as (
        select s.*, y.school_year, greatest(s.entry_date, y.start_date) as begins,
            coalesce((select max(c.calendar_date) from core.dim_school_days c where c.calendar_key = s.calendar_key and c.is_instructional
                and c.calendar_date between y.start_date and y.end_date), y.end_date) as last_day
        from core.dim_stints s
        join settings.school_years y on s.entry_date <= y.end_date and s.exit_date > y.start_date
    ), rows as (
        select s.*, s.begins as on_date, 'enrolled since ' || s.entry_date as what, 1 as begun from stays s
        union all
        select s.*, s.exit_date, 'left before ' || s.exit_date, 0 from stays s where s.exit_date > s.begins and s.exit_date <= s.last_day
    )
    select r.student_key as subject_key, r.school_key, coalesce(st.grade_level, 'unknown') as grade_level, null::varchar as modality, r.on_date,
        '' as section_key, r.what, '' as delivery_id, null::bigint as line_number, r.begun as stays_begun, 1 - r.begun as stays_left
    from rows r
    join trace_dates d on d.calendar_date = r.on_date
    left join core.dim_student_grades st on st.student_key = r.student_key and st.school_year = r.school_year
    where r.on_date <= (select as_of from settings.night)"""

# A stay at a school on its first day of the year, and each student in an incident once, by the first row that says so.
INCIDENTS = """
    with rows as (
        select s.student_key, s.school_key, d.calendar_date, 'enrolled since ' || s.entry_date as what, '' as delivery_id, null::bigint as line_number, 0 as n
        from core.dim_stints s
        join settings.school_years y on s.entry_date <= y.end_date and s.exit_date > y.start_date
        join trace_dates d on d.calendar_date = greatest(s.entry_date, y.start_date)
        union all
        select i.student_key, coalesce(i.school_key, ''), i.incident_date, 'incident ' || split_part(i.incident_id, '|', 1), i.delivery_id, i.line_number, 1
        from core.fct_discipline_incidents i
        join trace_dates d on d.calendar_date = i.incident_date
    )
    select r.student_key as subject_key, r.school_key, coalesce(st.grade_level, 'unknown') as grade_level, null::varchar as modality,
        r.calendar_date as on_date, '' as section_key, r.what, r.delivery_id, r.line_number, r.n as incidents, 1 - r.n as stays_incidents_known
    from rows r
    left join core.dim_student_grades st on st.student_key = r.student_key and st.school_year = (select max(school_year) from trace_dates)
    where r.calendar_date <= (select as_of from settings.night)
        and (exists (select 1 from settings.fed_tables where table_name = 'extract__discipline')
            or (select count(*) from settings.fed_tables where table_name in ('edfi__discipline_behaviors', 'edfi__discipline_incidents')) = 2)"""
