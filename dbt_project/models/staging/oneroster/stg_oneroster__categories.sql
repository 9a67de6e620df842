select
    sourced_id as category_id,
    title as category_title,
    {{ try_cast_decimal('weight') }} as weight,
    metadata,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'oneroster__categories') }}
where _is_open
