-- A student at a school, and the calendar that says when school is for that student: one for the student's calendar code if there is one, else one for the
-- track, else one for the grade, else the school's. A calendar is taken whole: on a day it does not name there is no school for those who follow it.
with stints as (
    select
        {{ concat_key(["stints.student_key", "stints.school_key", "stints.entry_date"]) }} as stint_key,
        stints.student_key,
        stints.school_key,
        stints.entry_date,
        stints.exit_date,
        coalesce(stints.grade_level, students.grade_level) as grade_level,
        stints.track,
        stints.calendar_code,
        stints.share_thousandths,
        stints.is_primary
    from {{ ref('int_stints_combined') }} as stints
    left join {{ ref('dim_students') }} as students on stints.student_key = students.student_key
),

followed as (
    select
        stints.stint_key,
        calendars.calendar_key,
        row_number() over (
            partition by stints.stint_key
            order by
                case when calendars.calendar_code <> '' then 0 else 1 end,
                case when calendars.track <> '' then 0 else 1 end,
                case when calendars.grade_level <> '' then 0 else 1 end,
                calendars.calendar_key
        ) as place
    from stints
    inner join {{ ref('dim_calendars') }} as calendars
        on
            stints.school_key = calendars.school_key
            and calendars.calendar_code in ('', coalesce(stints.calendar_code, ''))
            and calendars.track in ('', coalesce(stints.track, ''))
            and calendars.grade_level in ('', coalesce(stints.grade_level, ''))
),

-- students who are somewhere in part, or have two stints at once: their days are weighed and counted once
shared as (
    select distinct one.stint_key
    from stints as one
    left join stints as other
        on
            one.student_key = other.student_key
            and one.stint_key <> other.stint_key
            and one.entry_date < other.exit_date
            and other.entry_date < one.exit_date
    where one.share_thousandths <> 1000 or other.stint_key is not null
)

select
    stints.stint_key,
    stints.student_key,
    stints.school_key,
    stints.entry_date,
    stints.exit_date,
    stints.grade_level,
    stints.track,
    stints.calendar_code,
    followed.calendar_key,
    stints.share_thousandths,
    stints.is_primary,
    shared.stint_key is not null as is_shared
from stints
left join followed on stints.stint_key = followed.stint_key and followed.place = 1
left join shared on stints.stint_key = shared.stint_key
