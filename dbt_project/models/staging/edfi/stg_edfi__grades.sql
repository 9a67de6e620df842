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
    grade_type_descriptor,
    grading_period_descriptor,
    grading_period,
    grading_period_school_year,
    letter_grade,
    {{ try_cast_decimal('numeric_grade') }} as numeric_grade,
    _known_on as known_on,
    _first_seen_on as first_seen_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'edfi__grades') }}
where _is_open
