select
    source_system,
    source_system_identifier as submission_id,
    assignment_source_system_identifier as assignment_id,
    lms_user_source_system_identifier as lms_user_id,
    submission_status,
    {{ try_cast_decimal('earned_points') }} as points_earned,
    submission_date_time as submitted_at,
    _known_on as known_on,
    _precedence as precedence,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'lms__submissions') }}
where _is_open
