{{ config(
    materialized='touched',
    touched='int_assessments_changed',
    touched_key=['student_key', 'assessment_id', 'administered_on'],
    keeps_difference=true
) }}
select
    assessments.student_key,
    assessments.assessment_id,
    assessments.administered_on,
    dates.piece_start,
    dates.school_year,
    assessments.subject,
    assessments.learning_area,
    assessments.assessment_kind,
    assessments.scale_score,
    assessments.performance_level,
    assessments.level_number,
    assessments.growth_percentile,
    assessments.is_on_continuum,
    assessments.is_proficient,
    assessments.delivery_id,
    assessments.line_number
from {{ ref('int_assessments_combined') }} as assessments
inner join {{ ref('dim_dates') }} as dates on assessments.administered_on = dates.calendar_date
{% if is_touched_build() %}
    inner join {{ ref('int_assessments_changed') }} as changed
        on
            assessments.student_key = changed.student_key
            and assessments.assessment_id = changed.assessment_id
            and assessments.administered_on = changed.administered_on
{% endif %}
