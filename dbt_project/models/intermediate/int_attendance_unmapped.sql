-- Accepted attendance rows whose code the code map does not have (any more): they are in no figure.
select
    attendance.school_id as school_key,
    attendance.attendance_date,
    attendance.attendance_code
from {{ ref('stg_extract__attendance') }} as attendance
left join {{ source('settings', 'attendance_codes') }} as codes on attendance.attendance_code = codes.code
where codes.code is null
