select
    school_id,
    school_name,
    is_charter = 'true' as is_charter,
    agency_id,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'extract__schools') }}
where _is_open
