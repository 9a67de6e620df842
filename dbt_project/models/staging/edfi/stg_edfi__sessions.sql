select
    record_id,
    natural_key,
    school_id,
    school_year,
    session_name,
    {{ try_cast_date('begin_date') }} as begin_date,
    {{ try_cast_date('end_date') }} as end_date,
    term_descriptor,
    {{ try_cast_decimal('total_instructional_days') }} as total_instructional_days,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'edfi__sessions') }}
where _is_open
