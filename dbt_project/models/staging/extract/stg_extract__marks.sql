select
    student_id,
    section_id,
    school_id,
    term_id,
    mark_type,
    letter,
    {{ try_cast_decimal('percent') }} as percent,
    {{ try_cast_decimal('credits_attempted') }} as credits_attempted,
    {{ try_cast_decimal('credits_earned') }} as credits_earned,
    coalesce(is_final = 'true', false) as is_final,
    _known_on as known_on,
    _first_seen_on as first_seen_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'extract__marks') }}
where _is_open
