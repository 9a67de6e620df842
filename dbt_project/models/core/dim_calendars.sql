-- Every calendar that has a day: a school's own, or one for the students of a calendar code, track or grade.
select distinct
    {{ concat_key(["school_key", "calendar_code", "track", "grade_level"]) }} as calendar_key,
    school_key,
    calendar_code,
    track,
    grade_level
from {{ ref('int_school_days_combined') }}
