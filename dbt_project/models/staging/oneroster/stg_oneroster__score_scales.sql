select
    sourced_id as score_scale_id,
    title,
    type as scale_type,
    org_sourced_id as org_id,
    course_sourced_id as course_id,
    class_sourced_id as class_id,
    score_scale_value,
    metadata,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'oneroster__score_scales') }}
where _is_open
