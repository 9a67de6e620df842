select
    record_id,
    natural_key,
    calendar_code,
    school_id,
    school_year,
    {{ try_cast_date('calendar_date') }} as calendar_date,
    calendar_events,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'edfi__calendar_dates') }}
where _is_open
