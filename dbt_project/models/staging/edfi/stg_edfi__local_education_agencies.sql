select
    record_id,
    natural_key,
    local_education_agency_id,
    agency_name,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'edfi__local_education_agencies') }}
where _is_open
