select
    record_id,
    natural_key,
    school_id,
    school_year,
    grading_period_descriptor,
    grading_period,
    {{ try_cast_date('begin_date') }} as begin_date,
    {{ try_cast_date('end_date') }} as end_date,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'edfi__grading_periods') }}
where _is_open
