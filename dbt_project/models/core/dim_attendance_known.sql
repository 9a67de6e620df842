-- Until which day a school's attendance is known from Ed-Fi events: the last day that any of them speaks of, no later than the night. With exceptions-only
-- reporting a school day up to then without an event is a day on which the student was present; a day after it is not known.
select
    days.school_key,
    days.school_year,
    max(days.attendance_date) as known_until
from (
    select events.school_id as school_key, dates.school_year, events.event_date as attendance_date
    from {{ ref('stg_edfi__student_school_attendance_events') }} as events
    inner join {{ ref('dim_dates') }} as dates on events.event_date = dates.calendar_date
    cross join {{ source('settings', 'night') }} as night
    where events.event_date <= night.as_of
) as days
group by days.school_key, days.school_year
