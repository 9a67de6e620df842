{{ config(materialized='table', meta={'carries_lineage': false}) }}
-- Marks that changed since the last finished build.
select distinct
    student_id as student_key,
    {{ concat_key(["'extract'", "section_id"]) }} as section_key,
    term_id,
    mark_type
from {{ source('changes', 'extract__marks') }}
union
select
    grades.student_unique_id as student_key,
    {{ edfi_section_key('grades') }} as section_key,
    {{ concat_key(["grades.grading_period_descriptor", "grades.grading_period"]) }} as term_id,
    types.code as mark_type
from {{ source('changes', 'edfi__grades') }} as grades
inner join {{ source('settings', 'edfi_descriptors') }} as types on types.field = 'grade_type' and grades.grade_type_descriptor = types.descriptor
