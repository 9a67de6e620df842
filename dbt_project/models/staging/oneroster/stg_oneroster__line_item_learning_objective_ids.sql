select
    sourced_id as line_item_objective_id,
    line_item_sourced_id as line_item_id,
    source as objective_source,
    learning_objective_id,
    metadata,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'oneroster__line_item_learning_objective_ids') }}
where _is_open
