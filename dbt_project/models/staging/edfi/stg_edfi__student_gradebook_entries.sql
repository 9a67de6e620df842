select
    record_id,
    natural_key,
    {{ concat_key(["'edfi'", "namespace", "gradebook_entry_identifier"]) }} as assignment_key,
    student_unique_id as student_id,
    gradebook_entry_identifier,
    namespace,
    submission_status_descriptor,
    late_status_descriptor,
    {{ try_cast_decimal('points_earned') }} as points_earned,
    {{ try_cast_decimal('numeric_grade') }} as numeric_grade,
    letter_grade,
    {{ try_cast_date('fulfilled_date') }} as fulfilled_date,
    _known_on as known_on,
    _precedence as precedence,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'edfi__student_gradebook_entries') }}
where _is_open
