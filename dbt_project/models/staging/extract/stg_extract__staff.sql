select
    staff_id,
    {{ try_cast_decimal('years_experience') }} as years_experience,
    {{ try_cast_date('hire_date') }} as hire_date,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'extract__staff') }}
where _is_open
