select
    record_id,
    natural_key,
    namespace,
    survey_identifier,
    question_code,
    question_text,
    question_form_descriptor,
    response_choices,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'edfi__survey_questions') }}
where _is_open
