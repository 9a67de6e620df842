select
    cycle_id,
    nullif(team_id, '') as team_id,
    nullif(initiative_id, '') as initiative_id,
    nullif(school_id, '') as school_id,
    aim,
    change_idea,
    nullif(prediction, '') as prediction,
    {{ try_cast_date('start_date') }} as start_date,
    {{ try_cast_date('end_date') }} as end_date,
    nullif(result, '') as result,
    decision,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'registry__cycles') }}
where _is_open
