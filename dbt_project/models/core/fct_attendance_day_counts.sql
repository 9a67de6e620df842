{{ config(
    materialized='touched',
    touched='int_attendance_days_changed',
    touched_key=['school_key', 'attendance_date']
) }}
-- How many students of a school have attendance on a day, how many of those were absent at all, and of how many some row has a code that is not in the code
-- map (`n_unmapped`), among these those whose other rows made a day all the same (`n_partly_mapped`).
with counted as (
    select
        attendance.school_key,
        attendance.attendance_date,
        count(*) as n_students,
        {{ sum_bigint('case when attendance.absent_thousandths > 0 then 1 else 0 end') }} as n_absent,
        cast(0 as bigint) as n_unmapped,
        cast(0 as bigint) as n_partly_mapped
    from {{ ref('fct_attendance_days') }} as attendance
    {% if is_touched_build() %}
        inner join {{ ref('int_attendance_days_changed') }} as changed
            on attendance.school_key = changed.school_key and attendance.attendance_date = changed.attendance_date
    {% endif %}
    group by attendance.school_key, attendance.attendance_date
    union all
    select
        unmapped.school_key,
        unmapped.attendance_date,
        cast(0 as bigint) as n_students,
        cast(0 as bigint) as n_absent,
        count(*) as n_unmapped,
        count(attendance.student_key) as n_partly_mapped
    from {{ ref('int_attendance_unmapped') }} as unmapped
    left join {{ ref('fct_attendance_days') }} as attendance
        on
            unmapped.student_key = attendance.student_key
            and unmapped.school_key = attendance.school_key
            and unmapped.attendance_date = attendance.attendance_date
    {% if is_touched_build() %}
        inner join {{ ref('int_attendance_days_changed') }} as changed
            on unmapped.school_key = changed.school_key and unmapped.attendance_date_text = changed.attendance_date_text
    {% endif %}
    group by unmapped.school_key, unmapped.attendance_date
)

select
    school_key,
    attendance_date,
    {{ sum_bigint('n_students') }} as n_students,
    {{ sum_bigint('n_absent') }} as n_absent,
    {{ sum_bigint('n_unmapped') }} as n_unmapped,
    {{ sum_bigint('n_partly_mapped') }} as n_partly_mapped
from counted
group by school_key, attendance_date
