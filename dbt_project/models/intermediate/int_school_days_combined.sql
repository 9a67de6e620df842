-- One shape for a day of a calendar. A calendar is a school's own (code, track and grade level blank), or one for those of its students whom it names.
select
    calendar.school_id as school_key,
    calendar.calendar_code,
    calendar.track,
    coalesce(grades.grade_level, calendar.grade_level) as grade_level,
    calendar.calendar_date,
    codes.is_instructional = 'true' as is_instructional
from {{ ref('stg_extract__calendar') }} as calendar
inner join {{ source('settings', 'calendar_codes') }} as codes on calendar.day_type = codes.code
left join {{ source('settings', 'grade_levels') }} as grades on calendar.grade_level = grades.code
