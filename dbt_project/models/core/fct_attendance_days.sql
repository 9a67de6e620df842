{{ config(
    materialized='touched',
    touched='int_attendance_changed',
    touched_key=['student_key', 'school_key', 'attendance_date']
) }}
select
    attendance.student_key,
    attendance.school_key,
    attendance.attendance_date,
    dates.piece_start,
    attendance.attendance_code,
    attendance.modality,
    attendance.absent_thousandths,
    attendance.missed_thousandths,
    attendance.offered_minute_thousandths,
    attendance.missed_minute_thousandths,
    attendance.is_tardy,
    attendance.delivery_id,
    attendance.line_number
from {{ ref('int_attendance_combined') }} as attendance
inner join {{ ref('dim_dates') }} as dates on attendance.attendance_date = dates.calendar_date
{% if is_touched_build() %}
    inner join {{ ref('int_attendance_changed') }} as changed
        on
            attendance.student_key = changed.student_key
            and attendance.school_key = changed.school_key
            and attendance.attendance_date_text = changed.attendance_date_text
{% endif %}
