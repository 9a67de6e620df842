select
    sourced_id as role_id,
    user_sourced_id as user_id,
    role as user_role,
    role_type,
    org_sourced_id as org_id,
    {{ try_cast_date('begin_date') }} as begin_date,
    {{ least_ignoring_null(try_cast_date('end_date'), '_withdrawn_on') }} as end_date,
    metadata,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'oneroster__roles') }}
where _is_open
