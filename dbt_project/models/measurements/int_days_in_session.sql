{{ config(
    materialized='touched',
    touched='dim_periods',
    touched_key=['school_year', 'period_type', 'period_start'],
    keeps_difference=true
) }}
-- On how many days of each period so far a school was in session, and (`school_key` null) any school of the district. A day is one where any calendar that
-- its students follow says so and attendance is known of anybody there: by a row or, where only exceptions are reported, by a file of the day or an Ed-Fi
-- event of that day or a later one. It is a row a school and period, and made anew each night; what changed is found in the difference.
with followed as (
    select calendar_key, min(entry_date) as first_entry, max(exit_date) as last_exit
    from {{ ref('dim_stints') }}
    where calendar_key is not null
    group by calendar_key
),

taken as (
    select distinct {{ try_cast_date('scope') }} as calendar_date
    from {{ source('held', 'bulk_scopes') }}
    where table_name in ('extract__attendance', 'extract__attendance_periods')
),

days as (
    select distinct school_days.school_key, dates.calendar_date, dates.school_year, dates.term_id
    from {{ ref('dim_school_days') }} as school_days
    inner join followed
        on
            school_days.calendar_key = followed.calendar_key
            and school_days.calendar_date >= followed.first_entry
            and school_days.calendar_date < followed.last_exit
    inner join {{ ref('dim_dates') }} as dates on school_days.calendar_date = dates.calendar_date
    inner join {{ source('settings', 'night') }} as night on dates.calendar_date <= night.as_of
    cross join {{ source('settings', 'district') }} as district
    left join {{ ref('fct_attendance_day_counts') }} as counts
        on school_days.school_key = counts.school_key and school_days.calendar_date = counts.attendance_date and counts.n_students > 0
    left join taken on school_days.calendar_date = taken.calendar_date
    left join {{ ref('dim_attendance_known') }} as said
        on school_days.school_key = said.school_key and dates.school_year = said.school_year and dates.calendar_date <= said.known_until
    left join {{ source('settings', 'positive_schools') }} as positive on school_days.school_key = positive.school_id
    where
        school_days.is_instructional
        and (
            counts.school_key is not null
            or (
                district.attendance_reporting = 'exceptions'
                and positive.school_id is null
                and (taken.calendar_date is not null or said.school_key is not null)
            )
        )
),

placed as (
    select periods.school_year, periods.period_type, periods.period_start, days.school_key, days.calendar_date
    from days
    inner join {{ ref('dim_periods') }} as periods
        on
            days.school_year = periods.school_year
            and days.calendar_date >= periods.period_start
            and days.calendar_date <= periods.period_end
            and (periods.period_type <> 'term' or days.term_id is not null)
)

select school_year, period_type, period_start, school_key, count(*) as n_days
from placed
group by school_year, period_type, period_start, school_key
union all
select
    placed.school_year, placed.period_type, placed.period_start, cast(null as {{ dbt.type_string() }}) as school_key,
    count(distinct placed.calendar_date) as n_days
from placed
left join {{ ref('dim_schools') }} as schools on placed.school_key = schools.school_key
where coalesce(schools.is_in_district, true)
group by placed.school_year, placed.period_type, placed.period_start
