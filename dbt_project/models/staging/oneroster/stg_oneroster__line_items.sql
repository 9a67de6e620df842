select
    sourced_id as line_item_id,
    class_sourced_id as class_id,
    category_sourced_id as category_id,
    {{ try_cast_date('due_date') }} as due_date,
    {{ try_cast_decimal('result_value_max') }} as points_possible,
    _withdrawn_on as withdrawn_on,
    metadata,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'oneroster__line_items') }}
where _is_open
