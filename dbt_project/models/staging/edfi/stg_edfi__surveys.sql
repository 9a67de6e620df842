select
    record_id,
    natural_key,
    namespace,
    survey_identifier,
    school_year,
    session_name,
    session_school_id,
    education_organization_id,
    survey_title,
    survey_category_descriptor,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'edfi__surveys') }}
where _is_open
