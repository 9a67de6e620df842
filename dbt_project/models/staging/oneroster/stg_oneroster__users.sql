select
    sourced_id as user_id,
    role as user_role,
    org_sourced_ids as org_ids,
    grades as grade_levels,
    {{ email_digest('email') }} as email_digest,
    metadata,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'oneroster__users') }}
where _is_open
