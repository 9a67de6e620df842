-- One shape for a day of a school's calendar.
select
    calendar.school_id as school_key,
    calendar.calendar_date,
    codes.is_instructional = 'true' as is_instructional
from {{ ref('stg_extract__calendar') }} as calendar
inner join {{ source('settings', 'calendar_codes') }} as codes on calendar.day_type = codes.code
