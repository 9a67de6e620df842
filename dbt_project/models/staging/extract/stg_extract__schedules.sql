select
    student_id,
    section_id,
    coalesce({{ try_cast_date('begin_date') }}, _first_seen_on) as begin_date,
    {{ least_ignoring_null(add_days(try_cast_date('end_date'), 1), '_withdrawn_on') }} as end_date,
    {{ try_cast_decimal('minutes_per_meeting') }} as minutes_per_meeting,
    cycle_days,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'extract__schedules') }}
where _is_open
