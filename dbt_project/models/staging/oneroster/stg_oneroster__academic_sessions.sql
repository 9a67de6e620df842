select
    sourced_id as session_id,
    title as session_title,
    type as session_type,
    {{ try_cast_date('start_date') }} as start_date,
    {{ try_cast_date('end_date') }} as end_date,
    parent_sourced_id as parent_id,
    school_year,
    metadata,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'oneroster__academic_sessions') }}
where _is_open
