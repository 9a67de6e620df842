select
    student_id,
    grade_level,
    sex,
    {{ try_cast_date('birth_date') }} as birth_date,
    hispanic,
    races,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'extract__students') }}
where _is_open
