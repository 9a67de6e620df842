select
    sourced_id as course_id,
    school_year_sourced_id as school_year_session_id,
    title as course_title,
    course_code,
    grades,
    org_sourced_id as org_id,
    subjects,
    subject_codes,
    metadata,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'oneroster__courses') }}
where _is_open
