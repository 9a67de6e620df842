select
    team_id,
    name,
    nullif(school_id, '') as school_id,
    nullif(strategy_id, '') as strategy_id,
    cadence,
    {{ try_cast_decimal('ownership') }} as ownership,
    {{ try_cast_decimal('depth') }} as depth,
    {{ try_cast_decimal('spread') }} as spread,
    {{ try_cast_decimal('sustainability') }} as sustainability,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'registry__teams') }}
where _is_open
