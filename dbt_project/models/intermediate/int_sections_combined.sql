-- One shape for a class section. `section_key` says which source's section it is, as in `int_section_enrollments_combined`. What the district's map of course
-- codes says of the subject goes before what the file says.
select
    {{ concat_key(["'extract'", "sections.section_id"]) }} as section_key,
    sections.section_id,
    sections.course_id,
    sections.course_title,
    sections.school_id as school_key,
    sections.term_id,
    coalesce(courses.subject, sections.subject) as subject,
    sections.delivery_id,
    sections.line_number
from {{ ref('stg_extract__sections') }} as sections
left join {{ source('settings', 'course_codes') }} as courses on sections.course_id = courses.course_id
