-- One shape for a student's attendance on a day at a school, as each source's code map has it: the share of the day absent, in thousandths.
select
    attendance.student_id as student_key,
    attendance.school_id as school_key,
    attendance.attendance_date,
    attendance.attendance_code,
    attendance.modality,
    cast({{ try_cast_decimal('codes.absent_share') }} * 1000 as bigint) as absent_thousandths,
    codes.is_tardy = 'true' as is_tardy,
    attendance.delivery_id,
    attendance.line_number
from {{ ref('stg_extract__attendance') }} as attendance
inner join {{ source('settings', 'attendance_codes') }} as codes on attendance.attendance_code = codes.code

union all

select
    student_key,
    school_key,
    attendance_date,
    attendance_code,
    modality,
    absent_thousandths,
    is_tardy,
    delivery_id,
    line_number
from {{ ref('int_edfi_attendance_days') }}
