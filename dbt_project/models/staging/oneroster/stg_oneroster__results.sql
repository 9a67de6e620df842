select
    sourced_id as result_id,
    line_item_sourced_id as line_item_id,
    student_sourced_id as student_id,
    score_status,
    {{ try_cast_decimal('score') }} as points_earned,
    late = 'true' as is_late,
    missing = 'true' as is_missing,
    score_date as scored_on,
    _withdrawn_on as withdrawn_on,
    metadata,
    _known_on as known_on,
    _precedence as precedence,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'oneroster__results') }}
where _is_open
