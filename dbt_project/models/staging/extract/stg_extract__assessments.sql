select
    student_id,
    assessment_id,
    {{ try_cast_date('administered_on') }} as administered_on,
    subject,
    {{ try_cast_decimal('scale_score') }} as scale_score,
    performance_level,
    {{ try_cast_decimal('level_number') }} as level_number,
    {{ try_cast_decimal('growth_percentile') }} as growth_percentile,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'extract__assessments') }}
where _is_open
