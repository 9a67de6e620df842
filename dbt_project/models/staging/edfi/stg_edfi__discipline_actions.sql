select
    record_id,
    natural_key,
    student_unique_id as student_id,
    discipline_action_identifier,
    {{ try_cast_date('discipline_date') }} as discipline_date,
    school_id,
    disciplines,
    {{ try_cast_decimal('assigned_days') }} as assigned_days,
    {{ try_cast_decimal('actual_days') }} as actual_days,
    incidents,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'edfi__discipline_actions') }}
where _is_open
