{{ config(
    materialized='touched',
    touched='int_marks_changed',
    touched_key=['student_key', 'section_key', 'term_id', 'mark_type']
) }}
-- A term's name belongs to one school year; a name that two years use says no year.
with terms as (
    select term_id, case when count(*) = 1 then min(school_year) end as school_year
    from {{ source('settings', 'terms') }}
    group by term_id
)

select
    marks.student_key,
    marks.section_key,
    marks.school_key,
    marks.term_id,
    coalesce(marks.school_year, terms.school_year) as school_year,
    marks.mark_type,
    marks.letter,
    marks.percent,
    marks.credits_attempted,
    marks.credits_earned,
    marks.is_final,
    marks.grade_points,
    marks.is_in_gpa,
    marks.is_d_or_f,
    marks.delivery_id,
    marks.line_number
from {{ ref('int_marks_combined') }} as marks
left join terms on marks.term_id = terms.term_id
{% if is_touched_build() %}
    inner join {{ ref('int_marks_changed') }} as changed
        on
            marks.student_key = changed.student_key
            and marks.section_key = changed.section_key
            and marks.term_id = changed.term_id
            and marks.mark_type = changed.mark_type
{% endif %}
