select
    sourced_id as resource_id,
    vendor_resource_id,
    title,
    roles as user_roles,
    importance,
    vendor_id,
    application_id,
    metadata,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'oneroster__resources') }}
where _is_open
