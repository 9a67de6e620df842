{{ config(materialized='table', meta={'carries_lineage': false}) }}
-- The student-days whose attendance rows changed since the last finished build: daily rows, period rows, and days whose scheduled classes are other ones.
with schedules as (
    select student_id from {{ source('changes', 'extract__schedules') }}
    union
    select schedules.student_id
    from {{ source('changes', 'extract__sections') }} as changed
    inner join {{ ref('stg_extract__schedules') }} as schedules on changed.section_id = schedules.section_id
),

changed as (
    select
        student_id as student_key,
        school_id as school_key,
        {{ try_cast_date('attendance_date') }} as attendance_date
    from {{ source('changes', 'extract__attendance') }}
    union
    select
        student_id as student_key,
        school_id as school_key,
        {{ try_cast_date('attendance_date') }} as attendance_date
    from {{ source('changes', 'extract__attendance_periods') }}
    union
    select
        periods.student_id as student_key,
        periods.school_id as school_key,
        periods.attendance_date
    from {{ ref('stg_extract__attendance_periods') }} as periods
    inner join schedules on periods.student_id = schedules.student_id
    union
    select
        student_unique_id as student_key,
        school_id as school_key,
        {{ try_cast_date('event_date') }} as attendance_date
    from {{ source('changes', 'edfi__student_school_attendance_events') }}
    union
    -- which classes meet on the day, by the calendar
    select
        periods.student_id as student_key,
        periods.school_id as school_key,
        periods.attendance_date
    from {{ ref('stg_extract__attendance_periods') }} as periods
    inner join {{ source('changes', 'extract__calendar') }} as changed
        on periods.school_id = changed.school_id and periods.attendance_date = {{ try_cast_date('changed.calendar_date') }}
)

-- the date besides as the files write it, for what reads the accepted rows by it
select student_key, school_key, attendance_date, cast(attendance_date as {{ dbt.type_string() }}) as attendance_date_text
from changed
