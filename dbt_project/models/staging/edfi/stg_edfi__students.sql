select
    record_id,
    natural_key,
    student_unique_id as student_id,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'edfi__students') }}
where _is_open
