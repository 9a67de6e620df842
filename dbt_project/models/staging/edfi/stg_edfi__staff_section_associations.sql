select
    record_id,
    natural_key,
    {{ edfi_section_key() }} as section_key,
    staff_unique_id as staff_id,
    local_course_code,
    school_id,
    school_year,
    section_identifier,
    session_name,
    {{ try_cast_date('begin_date') }} as begin_date,
    {{ try_cast_date('end_date') }} as end_date,
    classroom_position_descriptor,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'edfi__staff_section_associations') }}
where _is_open
