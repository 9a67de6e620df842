select
    record_id,
    natural_key,
    {{ edfi_section_key() }} as section_key,
    local_course_code,
    school_id,
    school_year,
    section_identifier,
    session_name,
    section_name,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'edfi__sections') }}
where _is_open
