{{ config(materialized='view', meta={'carries_lineage': false}) }}
-- The schools of which tonight's changes may have moved the day until which attendance is known: between the last event that did not change and the last
-- that did, as it was or as it is.
with night as (
    select as_of, coalesce(previous_as_of, cast('1900-01-01' as date)) as previous_as_of
    from {{ source('settings', 'night') }}
),

changed as (
    select
        said.school_key,
        dates.school_year,
        max(dates.calendar_date) as changed_until
    from (
        select school_id as school_key, {{ try_cast_date('event_date') }} as event_date
        from {{ source('changes', 'edfi__student_school_attendance_events') }}
        union all
        -- an event that was entered ahead speaks from its day on
        select events.school_id as school_key, events.event_date
        from {{ ref('stg_edfi__student_school_attendance_events') }} as events
        inner join night on events.event_date > night.previous_as_of and events.event_date <= night.as_of
    ) as said
    inner join {{ ref('dim_dates') }} as dates on said.event_date = dates.calendar_date
    group by said.school_key, dates.school_year
),

kept as (
    select
        events.school_id as school_key,
        dates.school_year,
        max(events.event_date) as known_before
    from {{ ref('stg_edfi__student_school_attendance_events') }} as events
    inner join {{ ref('dim_dates') }} as dates on events.event_date = dates.calendar_date
    inner join night on events.event_date <= night.previous_as_of
    left join {{ source('changes', 'edfi__student_school_attendance_events') }} as changed on events.record_id = changed.record_id
    where changed.record_id is null
    group by events.school_id, dates.school_year
),

years as (
    select school_year, min(calendar_date) as first_day
    from {{ ref('dim_dates') }}
    group by school_year
)

select
    changed.school_key,
    coalesce(kept.known_before, years.first_day) as known_before,
    changed.changed_until
from changed
inner join years on changed.school_year = years.school_year
left join kept on changed.school_key = kept.school_key and changed.school_year = kept.school_year
where coalesce(kept.known_before, years.first_day) <= changed.changed_until
