select
    record_id,
    natural_key,
    namespace,
    survey_identifier,
    survey_response_identifier,
    {{ try_cast_date('response_date') }} as response_date,
    student_unique_id as student_id,
    staff_unique_id as staff_id,
    contact_unique_id,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'edfi__survey_responses') }}
where _is_open
