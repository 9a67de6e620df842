select
    review_id,
    school_id,
    nullif(section_id, '') as section_id,
    nullif(grade_level, '') as grade_level,
    nullif(subject, '') as subject,
    {{ try_cast_date('reviewed_on') }} as reviewed_on,
    {{ try_cast_decimal('score') }} as score,
    {{ try_cast_decimal('max_score') }} as max_score,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'registry__reviewed_assignments') }}
where _is_open
