select
    incident_id,
    student_id,
    school_id,
    {{ try_cast_date('incident_date') }} as incident_date,
    action_id,
    action_code,
    behavior_code,
    {{ try_cast_date('begin_date') }} as begin_date,
    {{ try_cast_decimal('days') }} as action_days,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'extract__discipline') }}
where _is_open
