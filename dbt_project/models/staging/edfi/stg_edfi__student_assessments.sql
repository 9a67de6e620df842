select
    record_id,
    natural_key,
    student_unique_id as student_id,
    student_assessment_identifier,
    {{ edfi_assessment_id() }} as assessment_id,
    assessment_identifier,
    namespace,
    {{ edfi_day('administration_date') }} as administration_date,
    grade_level_descriptor,
    score_results,
    performance_levels,
    _known_on as known_on,
    _first_seen_on as first_seen_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'edfi__student_assessments') }}
where _is_open
