select
    position_code,
    title as position_title,
    {{ try_cast_decimal('annual_cost_usd') }} as annual_cost_usd,
    cast({{ try_cast_decimal('fiscal_year') }} as int) as fiscal_year,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'extract__positions') }}
where _is_open
