select
    record_id,
    natural_key,
    {{ edfi_section_key() }} as section_key,
    student_unique_id as student_id,
    local_course_code,
    school_id,
    school_year,
    section_identifier,
    session_name,
    {{ try_cast_date('event_date') }} as event_date,
    attendance_category_descriptor,
    {{ try_cast_decimal('event_duration_days') }} as event_duration_days,
    {{ try_cast_decimal('attendance_minutes') }} as attendance_minutes,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'edfi__student_section_attendance_events') }}
where _is_open
