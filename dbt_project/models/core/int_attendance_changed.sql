{{ config(materialized='table', meta={'carries_lineage': false}) }}
-- The student-days whose attendance rows changed since the last finished build.
select
    student_id as student_key,
    school_id as school_key,
    {{ try_cast_date('attendance_date') }} as attendance_date
from {{ source('changes', 'extract__attendance') }}
union
select
    student_unique_id as student_key,
    school_id as school_key,
    {{ try_cast_date('event_date') }} as attendance_date
from {{ source('changes', 'edfi__student_school_attendance_events') }}
