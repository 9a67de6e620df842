select
    sourced_id as class_id,
    title as class_title,
    course_sourced_id as course_id,
    school_sourced_id as school_id,
    term_sourced_ids as term_ids,
    metadata,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'oneroster__classes') }}
where _is_open
