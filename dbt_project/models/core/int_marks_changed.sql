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
    {{ concat_key(["'edfi'", "grades.school_id", "grades.school_year", "grades.session_name", "grades.local_course_code",
        "grades.section_identifier"]) }} as section_key,
    {{ concat_key(["grades.grading_period_descriptor", "grades.grading_period"]) }} as term_id,
    types.code as mark_type
from {{ source('changes', 'edfi__grades') }} as grades
inner join {{ source('settings', 'edfi_descriptors') }} as types on types.field = 'grade_type' and grades.grade_type_descriptor = types.descriptor
