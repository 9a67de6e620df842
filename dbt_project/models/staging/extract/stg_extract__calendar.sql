select
    school_id,
    {{ try_cast_date('calendar_date') }} as calendar_date,
    day_type,
    calendar_code,
    track,
    grade_level,
    cycle_day,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'extract__calendar') }}
where _is_open
