select
    section_id,
    course_id,
    course_title,
    school_id,
    term_id,
    subject,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'extract__sections') }}
where _is_open
