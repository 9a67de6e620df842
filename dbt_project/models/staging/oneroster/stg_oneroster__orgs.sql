select
    sourced_id as org_id,
    name as org_name,
    type as org_type,
    parent_sourced_id as parent_org_id,
    metadata,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'oneroster__orgs') }}
where _is_open
