select
    survey_id,
    wave_id,
    response_id,
    respondent_id,
    {{ try_cast_date('answered_on') }} as answered_on,
    role as respondent_role,
    school_id,
    grade as grade_level,
    score_name,
    {{ try_cast_decimal('score') }} as score,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'survey__scores') }}
where _is_open
