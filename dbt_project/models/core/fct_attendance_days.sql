{{ config(
    materialized='touched',
    touched='int_attendance_changed',
    touched_key=['student_key', 'school_key', 'attendance_date']
) }}
select
    attendance.student_id as student_key,
    attendance.school_id as school_key,
    attendance.attendance_date,
    dates.piece_start,
    attendance.attendance_code,
    attendance.modality,
    cast({{ try_cast_decimal('codes.absent_share') }} * 1000 as bigint) as absent_thousandths,
    codes.is_tardy = 'true' as is_tardy,
    attendance.delivery_id,
    attendance.line_number
from {{ ref('stg_extract__attendance') }} as attendance
inner join {{ source('settings', 'attendance_codes') }} as codes on attendance.attendance_code = codes.code
inner join {{ ref('dim_dates') }} as dates on attendance.attendance_date = dates.calendar_date
{% if is_touched_build() %}
    inner join {{ ref('int_attendance_changed') }} as changed
        on
            attendance.student_id = changed.student_key
            and attendance.school_id = changed.school_key
            and attendance.attendance_date = changed.attendance_date
{% endif %}
