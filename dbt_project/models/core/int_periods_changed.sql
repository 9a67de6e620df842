{{ config(materialized='table', meta={'carries_lineage': false}) }}
-- Period attendance rows that changed since the last finished build.
select distinct
    student_id as student_key,
    school_id as school_key,
    section_id,
    {{ try_cast_date('attendance_date') }} as attendance_date,
    period
from {{ source('changes', 'extract__attendance_periods') }}
