select
    record_id,
    natural_key,
    incident_identifier,
    school_id,
    {{ try_cast_date('incident_date') }} as incident_date,
    incident_location_descriptor,
    lower(is_reported_to_law_enforcement) in ('true', '1') as is_reported_to_law_enforcement,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'edfi__discipline_incidents') }}
where _is_open
