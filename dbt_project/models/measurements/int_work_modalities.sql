{{ config(meta={'carries_lineage': false}) }}
-- In which modality each touched student was at a school on a day, where the district says (`[gradebook] work_modality`) that its attendance tells it. It only
-- says which of the modality's figures work belongs to: where a day's attendance does not come, the work counts all the same, and its modality is unknown.
with wanted as (
    select touched.subject_key as student_key, touched.piece_start
    from {{ ref('int_touched_pieces') }} as touched
    inner join {{ source('settings', 'gradebook') }} as gradebook on gradebook.work_modality = 'attendance'
    where touched.subject_type = 'student'
)

select attendance.student_key, attendance.school_key, attendance.attendance_date, attendance.modality
from {{ ref('fct_attendance_days') }} as attendance
inner join wanted on attendance.student_key = wanted.student_key and attendance.piece_start = wanted.piece_start
