select
    record_id,
    natural_key,
    staff_unique_id as staff_id,
    education_organization_id,
    staff_classification_descriptor,
    {{ try_cast_date('begin_date') }} as begin_date,
    {{ try_cast_date('end_date') }} as end_date,
    {{ try_cast_decimal('full_time_equivalency') }} as full_time_equivalency,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'edfi__staff_assignments') }}
where _is_open
