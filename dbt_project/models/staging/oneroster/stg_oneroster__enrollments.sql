select
    sourced_id as enrollment_id,
    user_sourced_id as user_id,
    class_sourced_id as class_id,
    school_sourced_id as school_id,
    role as user_role,
    {{ try_cast_date('begin_date') }} as begin_date,
    {{ least_ignoring_null(try_cast_date('end_date'), '_withdrawn_on') }} as end_date,
    metadata,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'oneroster__enrollments') }}
where _is_open
