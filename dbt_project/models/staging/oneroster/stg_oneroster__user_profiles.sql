select
    sourced_id as profile_id,
    user_sourced_id as user_id,
    profile_type,
    vendor_id,
    application_id,
    description,
    credential_type,
    metadata,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'oneroster__user_profiles') }}
where _is_open
