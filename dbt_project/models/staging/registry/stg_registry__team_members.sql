select
    team_id,
    person_id,
    function,
    nullif(role, '') as role,
    {{ try_cast_date('start_date') }} as start_date,
    {{ try_cast_date('end_date') }} as end_date,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'registry__team_members') }}
where _is_open
