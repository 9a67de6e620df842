select
    record_id,
    natural_key,
    student_unique_id as student_id,
    school_id,
    {{ try_cast_date('entry_date') }} as entry_date,
    grade_level_descriptor,
    {{ try_cast_date('exit_date') }} as exit_date,
    exit_type_descriptor,
    calendar_code,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'edfi__student_school_associations') }}
where _is_open
