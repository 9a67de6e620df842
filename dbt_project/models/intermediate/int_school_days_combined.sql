-- One shape for a day of a school's calendar.
select
    calendar.school_id as school_key,
    calendar.calendar_date,
    codes.is_instructional = 'true' as is_instructional
from {{ ref('stg_extract__calendar') }} as calendar
inner join {{ source('settings', 'calendar_codes') }} as codes on calendar.day_type = codes.code

union all

select
    events.school_id as school_key,
    events.calendar_date,
    codes.is_instructional = 'true' as is_instructional
from (
    select school_id, calendar_date, {{ json_items('calendar_events') }} as item
    from {{ ref('stg_edfi__calendar_dates') }}
) as events
inner join {{ source('settings', 'calendar_codes') }} as codes on {{ json_field('events.item', 'calendarEventDescriptor') }} = codes.code
