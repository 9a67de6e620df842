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

union all

-- Ed-Fi: a calendar is one for those who are enrolled in it by name, and all of a school's together are the school's own
select
    events.school_id as school_key,
    events.calendar_code,
    '' as track,
    '' as grade_level,
    events.calendar_date,
    codes.is_instructional = 'true' as is_instructional
from (
    select school_id, calendar_code, calendar_date, {{ json_items('calendar_events') }} as item
    from {{ ref('stg_edfi__calendar_dates') }}
    union all
    select school_id, '' as calendar_code, calendar_date, {{ json_items('calendar_events') }} as item
    from {{ ref('stg_edfi__calendar_dates') }}
) as events
inner join {{ source('settings', 'calendar_codes') }} as codes on {{ json_field('events.item', 'calendarEventDescriptor') }} = codes.code
