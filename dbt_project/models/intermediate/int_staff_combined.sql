-- One shape for a member of staff; names are not kept.
select
    staff_id as staff_key,
    years_experience,
    hire_date,
    delivery_id,
    line_number
from {{ ref('stg_extract__staff') }}
