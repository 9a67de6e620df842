select
    {{ concat_key(["school_key", "calendar_code", "track", "grade_level"]) }} as calendar_key,
    school_key,
    calendar_date,
    {{ bool_any("is_instructional") }} as is_instructional
from {{ ref('int_school_days_combined') }}
group by school_key, calendar_code, track, grade_level, calendar_date
