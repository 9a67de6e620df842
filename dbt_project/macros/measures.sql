{#- What measure models of students share. -#}

{#- The first day of each of a student's stays in a school year, of those whose piece is touched, as a subquery: student_key, school_key, calendar_date,
    piece_start. -#}
{% macro stays_begun() %}
    (
        select stints.student_key, stints.school_key, dates.calendar_date, dates.piece_start
        from {{ ref('int_touched_pieces') }} as touched
        inner join {{ ref('dim_stints') }} as stints on touched.subject_key = stints.student_key
        inner join {{ source('settings', 'school_years') }} as years
            on touched.school_year = years.school_year and stints.entry_date <= years.end_date and stints.exit_date > years.start_date
        inner join {{ ref('dim_dates') }} as dates
            on dates.calendar_date = greatest(stints.entry_date, years.start_date) and touched.piece_start = dates.piece_start
        where touched.subject_type = 'student'
    )
{%- endmacro %}


{#- The last day of school of each calendar in each school year, as a subquery: calendar_key, school_year, last_day. -#}
{% macro last_school_days() %}
    (
        select school_days.calendar_key, dates.school_year, max(school_days.calendar_date) as last_day
        from {{ ref('dim_school_days') }} as school_days
        inner join {{ ref('dim_dates') }} as dates on school_days.calendar_date = dates.calendar_date
        where school_days.is_instructional
        group by school_days.calendar_key, dates.school_year
    )
{%- endmacro %}


{#- Whether the classes of a course at a school are graded by standards, by the district's map: a row names a school, a course or both, and `*` is any. -#}
{% macro is_graded_by_standards(school, courses) %}
    exists (
        select 1
        from {{ source('settings', 'standards_graded') }} as standards
        where standards.school_id in ('*', coalesce({{ school }}, '')) and standards.course_id in ('*', coalesce({{ courses | join(", ''), coalesce(") }}, ''))
    )
{%- endmacro %}
