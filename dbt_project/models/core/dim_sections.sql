select
    section_key,
    section_id,
    course_id,
    course_title,
    school_key,
    term_id,
    subject,
    delivery_id,
    line_number
from {{ ref('int_sections_combined') }}
