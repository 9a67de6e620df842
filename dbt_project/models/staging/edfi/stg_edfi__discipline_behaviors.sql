select
    record_id,
    natural_key,
    student_unique_id as student_id,
    incident_identifier,
    school_id,
    behavior_descriptor,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'edfi__discipline_behaviors') }}
where _is_open
