select
    school_key,
    calendar_date,
    {{ bool_any("is_instructional") }} as is_instructional
from {{ ref('int_school_days_combined') }}
group by school_key, calendar_date
