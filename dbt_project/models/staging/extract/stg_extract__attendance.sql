select
    student_id,
    school_id,
    {{ try_cast_date('attendance_date') }} as attendance_date,
    attendance_code,
    coalesce(modality, 'in_person') as modality,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'extract__attendance') }}
where _is_open
