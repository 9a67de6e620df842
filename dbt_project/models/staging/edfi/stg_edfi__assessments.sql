select
    record_id,
    natural_key,
    {{ edfi_assessment_id() }} as assessment_id,
    assessment_identifier,
    namespace,
    assessment_title,
    academic_subjects,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'edfi__assessments') }}
where _is_open
