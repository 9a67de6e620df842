{{ config(materialized='view', meta={'carries_lineage': false}) }}
-- Each instructional day of each school so far: how many students were enrolled, and of how many attendance is known. A day that is `is_taken` was
-- spoken for by a file, or has attendance of some school: on any other day nobody's attendance has come yet.
with moves as (
    select school_key, entry_date as on_date, count(*) as change
    from {{ ref('dim_stints') }}
    group by school_key, entry_date
    union all
    select school_key, exit_date as on_date, -count(*) as change
    from {{ ref('dim_stints') }}
    group by school_key, exit_date
),

days as (
    select days.school_key, days.calendar_date, dates.school_year
    from {{ ref('dim_school_days') }} as days
    inner join {{ ref('dim_dates') }} as dates on days.calendar_date = dates.calendar_date
    inner join {{ source('settings', 'night') }} as night on days.calendar_date <= night.as_of
    where days.is_instructional
),

enrolled as (
    select days.school_key, days.calendar_date, days.school_year, {{ sum_bigint('moves.change') }} as n_enrolled
    from days
    inner join moves on days.school_key = moves.school_key and days.calendar_date >= moves.on_date
    group by days.school_key, days.calendar_date, days.school_year
),

taken as (
    select {{ try_cast_date('scope') }} as calendar_date
    from {{ source('held', 'bulk_scopes') }}
    where table_name in ('extract__attendance', 'extract__attendance_periods')
    union
    select attendance_date as calendar_date
    from {{ ref('fct_attendance_day_counts') }}
)

select
    enrolled.school_key,
    enrolled.calendar_date,
    enrolled.school_year,
    enrolled.n_enrolled,
    coalesce(counts.n_students, 0) as n_students,
    coalesce(counts.n_absent, 0) as n_absent,
    coalesce(counts.n_unmapped, 0) as n_unmapped,
    taken.calendar_date is not null as is_taken
from enrolled
left join {{ ref('fct_attendance_day_counts') }} as counts
    on enrolled.school_key = counts.school_key and enrolled.calendar_date = counts.attendance_date
left join taken on enrolled.calendar_date = taken.calendar_date
