{{ config(
    materialized='touched',
    touched='int_results_changed',
    touched_key=['assignment_key', 'result_id']
) }}
select
    results.assignment_key,
    results.result_id,
    results.student_key,
    assignments.section_key,
    assignments.school_key,
    assignments.due_date,
    assignments.piece_start,
    assignments.school_year,
    assignments.term_id,
    results.points_earned,
    assignments.points_possible,
    results.is_expected,
    results.is_missing,
    results.is_submitted,
    results.is_late,
    results.delivery_id,
    results.line_number
from {{ ref('int_results_combined') }} as results
inner join {{ ref('dim_assignments') }} as assignments on results.assignment_key = assignments.assignment_key
{% if is_touched_build() %}
    inner join {{ ref('int_results_changed') }} as changed
        on results.assignment_key = changed.assignment_key and results.result_id = changed.result_id
{% endif %}
