{{ config(
    materialized='touched',
    touched='int_marks_changed',
    touched_key=['record_id']
) }}
-- One row a mark that a student was given in a class section for a grading period: final, semester, period and the other kinds of grade.
select
    grades.record_id,
    grades.student_id as student_key,
    grades.section_key,
    grades.school_id as school_key,
    grades.school_year,
    types.code as mark_type,
    grades.grading_period_descriptor,
    grades.grading_period,
    grades.letter_grade,
    grades.numeric_grade,
    grades.delivery_id,
    grades.line_number
from {{ ref('stg_edfi__grades') }} as grades
inner join {{ source('settings', 'edfi_descriptors') }} as types on types.field = 'grade_type' and grades.grade_type_descriptor = types.descriptor
{% if is_touched_build() %}
    inner join {{ ref('int_marks_changed') }} as changed on grades.record_id = changed.record_id
{% endif %}
