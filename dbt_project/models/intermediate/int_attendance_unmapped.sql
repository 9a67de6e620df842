-- Students' days of which an accepted row of attendance (of a day, of a period, of an Ed-Fi event) has a code that the code map does not have (any more): that
-- row is in no figure.
with spoken as (
    select
        student_id as student_key,
        school_id as school_key,
        attendance_date,
        attendance_date_text,
        attendance_code
    from {{ ref('stg_extract__attendance') }}
    union all
    select
        student_id as student_key,
        school_id as school_key,
        attendance_date,
        cast(attendance_date as {{ dbt.type_string() }}) as attendance_date_text,
        attendance_code
    from {{ ref('stg_extract__attendance_periods') }}
    union all
    select
        student_id as student_key,
        school_id as school_key,
        event_date as attendance_date,
        cast(event_date as {{ dbt.type_string() }}) as attendance_date_text,
        attendance_category_descriptor as attendance_code
    from {{ ref('stg_edfi__student_school_attendance_events') }}
)

select distinct
    spoken.student_key,
    spoken.school_key,
    spoken.attendance_date,
    spoken.attendance_date_text
from spoken
left join {{ source('settings', 'attendance_codes') }} as codes on spoken.attendance_code = codes.code
where codes.code is null and spoken.attendance_date is not null
