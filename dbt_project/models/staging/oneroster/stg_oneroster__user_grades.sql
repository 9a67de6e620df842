-- Grade levels of a user in a school year, as that year's rosters said them.
select
    student_id as user_id,
    school_year,
    grade_level as grade_levels,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'student_grades') }}
where table_name = 'oneroster__users'
