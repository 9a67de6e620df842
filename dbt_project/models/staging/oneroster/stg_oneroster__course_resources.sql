select
    sourced_id as course_resource_id,
    title,
    course_sourced_id as course_id,
    resource_sourced_id as resource_id,
    metadata,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'oneroster__course_resources') }}
where _is_open
