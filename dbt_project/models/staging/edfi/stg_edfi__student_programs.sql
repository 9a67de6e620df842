select
    record_id,
    natural_key,
    program_resource,
    student_unique_id as student_id,
    education_organization_id,
    program_education_organization_id,
    program_name,
    program_type_descriptor,
    {{ try_cast_date('begin_date') }} as begin_date,
    {{ try_cast_date('end_date') }} as end_date,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'edfi__student_programs') }}
where _is_open
