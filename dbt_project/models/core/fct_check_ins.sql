-- Check-ins of a school with a student or the family, as the team's sheet says: scheduled, held or missed, and what was agreed. A sheet of a few hundred rows,
-- read whole.
select
    {{ concat_key(["check_ins.student_id", "check_ins.check_in_on", "check_ins.with_whom"]) }} as check_in_key,
    check_ins.student_id as student_key,
    check_ins.check_in_on,
    dates.school_year,
    check_ins.with_whom,
    check_ins.topic,
    check_ins.status,
    check_ins.responsible,
    check_ins.action,
    check_ins.action_on,
    check_ins.delivery_id,
    check_ins.line_number
from {{ ref('stg_registry__check_ins') }} as check_ins
inner join {{ ref('dim_dates') }} as dates on check_ins.check_in_on = dates.calendar_date
