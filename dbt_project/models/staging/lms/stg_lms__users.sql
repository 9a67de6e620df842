select
    source_system,
    source_system_identifier as lms_user_id,
    sis_user_identifier as student_id,
    user_role,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'lms__users') }}
where _is_open
