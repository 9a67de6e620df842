select
    record_id,
    natural_key,
    school_id,
    school_name,
    local_education_agency_id,
    school_type_descriptor,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'edfi__schools') }}
where _is_open
