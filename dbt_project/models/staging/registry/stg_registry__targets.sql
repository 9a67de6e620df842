select
    indicator_id,
    nullif(school_id, '') as school_id,
    nullif(group_family, '') as group_family,
    nullif(group_value, '') as group_value,
    cast(nullif(school_year, '') as integer) as school_year,
    {{ try_cast_decimal('baseline') }} as baseline,
    {{ try_cast_decimal('target') }} as target,
    {{ try_cast_date('due_date') }} as due_date,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'registry__targets') }}
where _is_open
