{{ config(
    materialized='touched',
    touched='int_periods_changed',
    touched_key=['student_key', 'school_key', 'section_id', 'attendance_date', 'period']
) }}
select
    attendance.student_key,
    attendance.school_key,
    attendance.section_key,
    attendance.section_id,
    attendance.attendance_date,
    dates.piece_start,
    dates.school_year,
    attendance.period,
    attendance.attendance_code,
    attendance.absent_thousandths,
    attendance.minutes_absent,
    attendance.minutes_scheduled,
    attendance.is_tardy,
    attendance.delivery_id,
    attendance.line_number
from {{ ref('int_period_attendance_combined') }} as attendance
inner join {{ ref('dim_dates') }} as dates on attendance.attendance_date = dates.calendar_date
{% if is_touched_build() %}
    inner join {{ ref('int_periods_changed') }} as changed
        on
            attendance.student_key = changed.student_key
            and attendance.school_key = changed.school_key
            and attendance.section_id = changed.section_id
            and attendance.attendance_date = changed.attendance_date
            and attendance.period = changed.period
{% endif %}
