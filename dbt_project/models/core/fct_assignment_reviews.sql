{{ config(
    materialized='touched',
    touched='int_reviews_changed',
    touched_key=['review_id'],
    keeps_difference=true
) }}
-- An assignment that a team looked at and judged, as its sheet says. It is of no student, and need not be one of the gradebook's.
select
    reviews.review_id,
    reviews.school_id as school_key,
    reviews.section_id,
    coalesce(grades.grade_level, reviews.grade_level) as grade_level,
    reviews.subject,
    reviews.reviewed_on,
    dates.piece_start,
    dates.school_year,
    reviews.score,
    reviews.max_score,
    reviews.delivery_id,
    reviews.line_number
from {{ ref('stg_registry__reviewed_assignments') }} as reviews
inner join {{ ref('dim_dates') }} as dates on reviews.reviewed_on = dates.calendar_date
{% if is_touched_build() %}
    inner join {{ ref('int_reviews_changed') }} as changed on reviews.review_id = changed.review_id
{% endif %}
left join (
    select code, min(grade_level) as grade_level
    from {{ source('settings', 'grade_levels') }}
    group by code
) as grades on reviews.grade_level = grades.code
