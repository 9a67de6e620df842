select
    student_id,
    school_id,
    {{ try_cast_date('attendance_date') }} as attendance_date,
    attendance_date as attendance_date_text,
    attendance_code,
    modality,
    {{ try_cast_decimal('minutes_absent') }} as minutes_absent,
    {{ try_cast_decimal('minutes_scheduled') }} as minutes_scheduled,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'extract__attendance') }}
where _is_open
