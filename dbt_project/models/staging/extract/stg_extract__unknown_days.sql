-- Student-days of which the last word is in quarantine: neither absent nor present.
select
    student_id,
    school_id,
    {{ try_cast_date('attendance_date') }} as attendance_date
from {{ source('held', 'unknown_days') }}
