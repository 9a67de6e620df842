select
    staff_key,
    years_experience,
    hire_date,
    highest_education,
    is_highly_qualified,
    delivery_id,
    line_number
from {{ ref('int_staff_combined') }}
