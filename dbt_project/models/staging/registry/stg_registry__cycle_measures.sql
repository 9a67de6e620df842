select
    cycle_id,
    name,
    kind,
    nullif(indicator_id, '') as indicator_id,
    {{ try_cast_date('measured_on') }} as measured_on,
    {{ try_cast_decimal('predicted') }} as predicted,
    {{ try_cast_decimal('value') }} as value,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'registry__cycle_measures') }}
where _is_open
