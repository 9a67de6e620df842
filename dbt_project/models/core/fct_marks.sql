{{ config(
    materialized='touched',
    touched='int_marks_changed',
    touched_key=['student_key', 'section_key', 'term_id', 'mark_type'],
    keeps_difference=true
) }}
-- A term's name belongs to one school year; a name that two years use says no year. A final mark stands (`final_on`) from the day on which a file first had it,
-- and not after its term: the last term of that name that had begun by then.
with terms as (
    select
        term_id,
        end_date,
        case when count(*) over (partition by term_id) = 1 then school_year end as school_year,
        case when lag(start_date) over (partition by term_id order by start_date) is null then cast('1900-01-01' as date) else start_date end as seen_from,
        coalesce(lead(start_date) over (partition by term_id order by start_date), cast('9999-12-31' as date)) as seen_to
    from {{ source('settings', 'terms') }}
),

marks as (
    select
        marks.*,
        terms.school_year as term_year,
        case when marks.is_final then least(marks.first_seen_on, coalesce(terms.end_date, marks.first_seen_on)) end as final_on
    from {{ ref('int_marks_combined') }} as marks
    left join terms
        on marks.term_id = terms.term_id and marks.first_seen_on >= terms.seen_from and marks.first_seen_on < terms.seen_to
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
    marks.delivery_id,
    marks.line_number
from marks
left join {{ ref('dim_dates') }} as dates on marks.final_on = dates.calendar_date
