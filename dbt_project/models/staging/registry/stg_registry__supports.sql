select
    support_id,
    school_id,
    kind,
    need,
    nullif(responsible, '') as responsible,
    {{ try_cast_date('raised_on') }} as raised_on,
    {{ try_cast_date('resolved_on') }} as resolved_on,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'registry__supports') }}
where _is_open
