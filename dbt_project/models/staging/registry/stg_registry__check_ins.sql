select
    student_id,
    {{ try_cast_date('check_in_on') }} as check_in_on,
    with_whom,
    topic,
    status,
    nullif(responsible, '') as responsible,
    nullif(action, '') as action,
    {{ try_cast_date('action_on') }} as action_on,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'registry__check_ins') }}
where _is_open
