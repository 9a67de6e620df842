{{ config(
    materialized='touched',
    touched='int_marks_changed',
    touched_key=['student_key', 'section_key', 'term_id', 'mark_type'],
    keeps_difference=true
) }}
-- A term's name belongs to one school year; a name that two years use says no year. A final mark stands (`final_on`) from the day on which a file first had a
-- mark of its kind, and neither before its year nor after its term; one of which nobody says the year stands nowhere: it may be of a year long gone.
with terms as (
    select
        term_id,
        case when count(*) = 1 then min(school_year) end as school_year,
        case when count(*) = 1 then min(end_date) end as end_date
    from {{ source('settings', 'terms') }}
    group by term_id
),

marks as (
    select
        marks.*,
        terms.school_year as term_year,
        case
            when marks.is_final and years.school_year is not null
                then greatest(years.start_date, least(marks.first_seen_on, years.end_date, coalesce(terms.end_date, years.end_date)))
        end as final_on
    from {{ ref('int_marks_combined') }} as marks
    left join terms on marks.term_id = terms.term_id
    left join {{ source('settings', 'school_years') }} as years on coalesce(marks.school_year, terms.school_year) = years.school_year
    {% if is_touched_build() %}
        inner join {{ ref('int_marks_changed') }} as changed
            on
                marks.student_key = changed.student_key
                and marks.section_key = changed.section_key
                and marks.term_id = changed.term_id
                and marks.mark_type = changed.mark_type
    {% endif %}
)

select
    marks.student_key,
    marks.section_key,
    marks.school_key,
    marks.term_id,
    coalesce(marks.school_year, marks.term_year) as school_year,
    marks.mark_type,
    marks.letter,
    marks.percent,
    marks.credits_attempted,
    marks.credits_earned,
    marks.is_final,
    marks.final_on,
    dates.piece_start,
    marks.grade_points,
    marks.is_in_gpa,
    marks.is_d_or_f,
    marks.is_failed,
    marks.delivery_id,
    marks.line_number
from marks
left join {{ ref('dim_dates') }} as dates on marks.final_on = dates.calendar_date
