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


{#- The school of the days of a relation's rows (student_key, on_date) that name none, as a subquery: the one at which the student was on that day, the
    primary one of two where `place` is 1. -#}
{% macro schools_on_days(relation, where='true') %}
    (
        select
            days.student_key,
            days.on_date,
            stints.school_key,
            row_number() over (
                partition by days.student_key, days.on_date
                order by case when stints.is_primary then 0 else 1 end, stints.entry_date, stints.school_key
            ) as place
        from (select distinct student_key, on_date from {{ relation }} where {{ where }}) as days
        inner join {{ ref('dim_stints') }} as stints
            on days.student_key = stints.student_key and days.on_date >= stints.entry_date and days.on_date < stints.exit_date
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


{#- The rollups that are worked out of each person first, as a list: by these a profile's rules leave people out. -#}
{% macro rollups_of_each_person() -%}
    ('flag_of_total', 'distinct', 'total_per_person', 'ratio_per_person')
{%- endmacro %}


{#- Whether a profile of these grades (null: all) is about a student of that grade. -#}
{% macro is_of_grades(grades, grade_level) -%}
    ({{ grades }} is null or instr(' ' || {{ grades }} || ' ', ' ' || {{ grade_level }} || ' ') > 0)
{%- endmacro %}


{#- Whether a row of `int_subject_indicators` says more of its student than that a rule leaves the student out of the figures. -#}
{% macro speaks_of_the_student(relation) -%}
    coalesce({{ relation }}.excluded_by, '') not in ('left', 'never_attended')
{%- endmacro %}


{#- Whether the classes of a course at a school are graded by standards, by the district's map: a row names a school, a course or both, and `*` is any. -#}
{% macro is_graded_by_standards(school, courses) %}
    exists (
        select 1
        from {{ source('settings', 'standards_graded') }} as standards
        where standards.school_id in ('*', {{ school }}) and standards.course_id in ('*', {{ courses | join(', ') }})
    )
{%- endmacro %}
