-- depends_on: {{ ref('int_touched_pieces') }}
{{ config(
    materialized='touched',
    touched='int_touched_pieces',
    touched_key=['subject_type', 'subject_key', 'piece_start'],
    keeps_difference=true
) }}
-- The one shape of every measure: a subject, where and in which groups it was, a week piece, a measure, a quantity in the measure's unit times its scale.
-- A student is in the grade of the school year, so that measure models leave it out; a survey response, or a review, is in the grade that it names.
{% set measure_models = [
    'msr_attendance', 'msr_minutes', 'msr_assignments', 'msr_marks', 'msr_final_marks', 'msr_discipline', 'msr_incidents', 'msr_assessments', 'msr_growth',
    'msr_stays', 'msr_survey_reach', 'msr_survey_answers', 'msr_assignment_reviews'
] %}
with measured as (
    {% for model in measure_models -%}
        select subject_type, subject_key, school_key, grade_level, signature, modality, piece_start, measure_id, cast(quantity as bigint) as quantity
        from {{ ref(model) }}
        {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    measured.subject_type,
    measured.subject_key,
    measured.school_key,
    coalesce(measured.grade_level, grades.grade_level, 'unknown') as grade_level,
    measured.signature,
    measured.modality,
    pieces.school_year,
    pieces.term_id,
    pieces.month_start,
    pieces.week_start,
    measured.piece_start,
    measured.measure_id,
    measured.quantity
from measured
inner join {{ ref('dim_week_pieces') }} as pieces on measured.piece_start = pieces.piece_start
left join {{ ref('dim_student_grades') }} as grades
    on
        measured.subject_type = 'student'
        and measured.subject_key = grades.student_key
        and pieces.school_year = grades.school_year
