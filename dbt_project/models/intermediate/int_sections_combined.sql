-- One shape for a class section. `section_key` says which source's section it is, as in `int_section_enrollments_combined`.
select
    {{ concat_key(["'extract'", "section_id"]) }} as section_key,
    section_id,
    course_id,
    course_title,
    school_id as school_key,
    term_id,
    subject,
    delivery_id,
    line_number
from {{ ref('stg_extract__sections') }}
