select
    staff_key,
    years_experience,
    hire_date,
    delivery_id,
    line_number
from {{ ref('int_staff_combined') }}
