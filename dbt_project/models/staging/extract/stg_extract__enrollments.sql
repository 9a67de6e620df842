select
    student_id,
    school_id,
    {{ try_cast_date('entry_date') }} as entry_date,
    {{ try_cast_date('exit_date') }} as exit_date,
    exit_code,
    grade_level,
    track,
    calendar_code,
    {{ try_cast_decimal('share') }} as share,
    coalesce(is_primary = 'true', false) as is_primary,
    _withdrawn_on as withdrawn_on,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'extract__enrollments') }}
where _is_open
