-- The school days of each calendar, numbered within the school year: two that follow one another have no school day between them, whatever weekends and
-- holidays there are.
select
    days.calendar_key,
    days.calendar_date,
    dates.school_year,
    dates.piece_start,
    row_number() over (partition by days.calendar_key, dates.school_year order by days.calendar_date) as nth
from {{ ref('dim_school_days') }} as days
inner join {{ ref('dim_dates') }} as dates on days.calendar_date = dates.calendar_date
where days.is_instructional
