{{ config(materialized='table', meta={'carries_lineage': false}) }}
-- The student-days whose attendance rows changed since the last finished build.
select distinct
    student_id as student_key,
    school_id as school_key,
    {{ try_cast_date('attendance_date') }} as attendance_date
from {{ source('changes', 'extract__attendance') }}
