select
    sourced_id as class_resource_id,
    title,
    class_sourced_id as class_id,
    resource_sourced_id as resource_id,
    metadata,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'oneroster__class_resources') }}
where _is_open
