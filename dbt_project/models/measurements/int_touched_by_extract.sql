{{ config(materialized='view', meta={'carries_lineage': false}) }}
-- What a night's extracts touch: students (all their week pieces so far, where piece_start is null), and everyone of a school on days of its calendar.
with last_days as (
    select last_days.*
    from {{ last_school_days() }} as last_days
),

began as (
    select student_key, school_year, piece_start, administered_on as on_date
    from {{ ref('fct_assessment_results') }}
    union all
    select stints.student_key, dates.school_year, dates.piece_start, dates.calendar_date as on_date
    from {{ ref('dim_stints') }} as stints
    inner join {{ source('settings', 'school_years') }} as years on stints.entry_date <= years.end_date and stints.exit_date > years.start_date
    inner join {{ ref('dim_dates') }} as dates on dates.calendar_date = greatest(stints.entry_date, years.start_date)
),

awaited as (
    select due.student_key, due.school_year, due.piece_start
    from (
        select began.*, learning.evidence_days
        from began
        cross join {{ source('settings', 'learning') }} as learning
    ) as due
    inner join {{ source('settings', 'night') }} as night on {{ add_days('due.on_date', 'due.evidence_days') }} <= night.as_of
)

select student_id as student_key, cast(null as date) as piece_start, 'programs' as cause
from {{ source('changes', 'extract__programs') }}
union
select student_id as student_key, cast(null as date) as piece_start, 'student' as cause
from {{ source('changes', 'extract__students') }}
union
select student_id as student_key, cast(null as date) as piece_start, 'enrollment' as cause
from {{ source('changes', 'extract__enrollments') }}
union
select student_id as student_key, cast(null as date) as piece_start, 'enrollment' as cause
from {{ source('changes', 'extract__schedules') }}
union
-- a calendar for some of a school's students may be new to them, or gone: all their days are other days
select stints.student_key, cast(null as date) as piece_start, 'calendar' as cause
from {{ source('changes', 'extract__calendar') }} as changed
inner join {{ ref('dim_stints') }} as stints on changed.school_id = stints.school_key
where changed.calendar_code <> '' or changed.track <> '' or changed.grade_level <> ''
union
select stints.student_key, dates.piece_start, 'calendar' as cause
from {{ source('changes', 'extract__calendar') }} as changed
inner join {{ ref('dim_dates') }} as dates on dates.calendar_date = {{ try_cast_date('changed.calendar_date') }}
inner join {{ ref('dim_stints') }} as stints
    on
        changed.school_id = stints.school_key
        and dates.calendar_date >= stints.entry_date
        and dates.calendar_date < stints.exit_date
inner join {{ source('settings', 'night') }} as night on dates.calendar_date <= night.as_of
union
-- whoever left in the year of a changed day: whether school went on after them, and, of those who came back, which days follow one another from then on
select stints.student_key, dates.piece_start, 'calendar' as cause
from {{ source('changes', 'extract__calendar') }} as changed
inner join {{ ref('dim_dates') }} as days on days.calendar_date = {{ try_cast_date('changed.calendar_date') }}
inner join {{ ref('dim_stints') }} as stints on changed.school_id = stints.school_key
inner join {{ ref('dim_dates') }} as dates on stints.exit_date = dates.calendar_date and days.school_year = dates.school_year
inner join {{ source('settings', 'night') }} as night on stints.exit_date <= night.as_of
union
-- and whoever has waited long enough for evidence of learning in the year of a changed day that is, or was, the last day of school: it is awaited until then
select stints.student_key, awaited.piece_start, 'calendar' as cause
from {{ source('changes', 'extract__calendar') }} as changed
inner join {{ ref('dim_dates') }} as days on days.calendar_date = {{ try_cast_date('changed.calendar_date') }}
inner join {{ ref('dim_stints') }} as stints on changed.school_id = stints.school_key
left join last_days on stints.calendar_key = last_days.calendar_key and days.school_year = last_days.school_year
inner join awaited on stints.student_key = awaited.student_key and days.school_year = awaited.school_year
where last_days.last_day is null or days.calendar_date >= last_days.last_day
union
-- exceptions only: the first file of a day makes everyone of that day known, those it does not name as present
select stints.student_key, dates.piece_start, 'attendance' as cause
from {{ source('changes', 'bulk_scopes') }} as scopes
inner join {{ ref('dim_dates') }} as dates on dates.calendar_date = {{ try_cast_date('scopes.scope') }}
inner join {{ ref('dim_stints') }} as stints on dates.calendar_date >= stints.entry_date and dates.calendar_date < stints.exit_date
inner join {{ source('settings', 'district') }} as district on district.attendance_reporting = 'exceptions'
where scopes.table_name in ('extract__attendance', 'extract__attendance_periods')
union
select changed.student_id as student_key, dates.piece_start, 'attendance' as cause
from {{ source('changes', 'unknown_days') }} as changed
inner join {{ ref('dim_dates') }} as dates on dates.calendar_date = {{ try_cast_date('changed.attendance_date') }}
