select
    record_id,
    natural_key,
    namespace,
    survey_identifier,
    survey_response_identifier,
    question_code,
    lower(is_no_response) in ('true', '1') as is_no_response,
    response_values,
    matrix_responses,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'edfi__survey_question_responses') }}
where _is_open
