select
    record_id,
    natural_key,
    local_course_code,
    school_id,
    school_year,
    session_name,
    course_code,
    course_education_organization_id,
    course_title,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'edfi__course_offerings') }}
where _is_open
