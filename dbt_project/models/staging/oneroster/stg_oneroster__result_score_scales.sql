select
    sourced_id as result_score_scale_id,
    title,
    result_sourced_id as result_id,
    score_scale_sourced_id as score_scale_id,
    metadata,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'oneroster__result_score_scales') }}
where _is_open
