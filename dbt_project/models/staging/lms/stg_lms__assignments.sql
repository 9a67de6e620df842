select
    source_system,
    source_system_identifier as assignment_id,
    lms_section_source_system_identifier as lms_section_id,
    {{ try_cast_date('substring(due_date_time, 1, 10)') }} as due_date,
    nullif(assignment_category, '') as assignment_category,
    nullif(submission_type, '') as submission_type,
    {{ try_cast_decimal('max_points') }} as points_possible,
    _first_seen_on as first_seen_on,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'lms__assignments') }}
where _is_open
