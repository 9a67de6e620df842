select
    source_system,
    source_system_identifier as lms_section_id,
    sis_section_identifier as class_id,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'lms__sections') }}
where _is_open
