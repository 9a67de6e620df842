select
    record_id,
    natural_key,
    course_code,
    education_organization_id,
    course_title,
    academic_subjects,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'edfi__courses') }}
where _is_open
