select
    record_id,
    natural_key,
    staff_unique_id as staff_id,
    {{ try_cast_decimal('teaching_experience_years') }} as teaching_experience_years,
    highest_education_descriptor,
    lower(is_highly_qualified) in ('true', '1') as is_highly_qualified,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'edfi__staff') }}
where _is_open
