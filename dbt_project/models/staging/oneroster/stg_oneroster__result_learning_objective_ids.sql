select
    sourced_id as result_objective_id,
    result_sourced_id as result_id,
    source as objective_source,
    learning_objective_id,
    {{ try_cast_decimal('score') }} as score,
    text_score,
    metadata,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'oneroster__result_learning_objective_ids') }}
where _is_open
