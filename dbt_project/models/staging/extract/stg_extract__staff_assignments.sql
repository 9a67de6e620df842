select
    staff_id,
    section_id,
    school_id,
    role as staff_role,
    coalesce({{ try_cast_date('begin_date') }}, _first_seen_on) as begin_date,
    {{ least_ignoring_null(add_days(try_cast_date('end_date'), 1), '_withdrawn_on') }} as end_date,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'extract__staff_assignments') }}
where _is_open
