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
    {{ try_cast_date('begin_date') }} as begin_date,
    {{ try_cast_date('end_date') }} as end_date,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'edfi__student_section_associations') }}
where _is_open
