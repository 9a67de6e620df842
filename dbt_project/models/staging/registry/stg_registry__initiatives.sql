select
    initiative_id,
    strategy_id,
    school_id,
    name,
    nullif(focus, '') as focus,
    status,
    nullif(responsible, '') as responsible,
    {{ try_cast_date('start_date') }} as start_date,
    {{ try_cast_date('end_date') }} as end_date,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'registry__initiatives') }}
where _is_open
