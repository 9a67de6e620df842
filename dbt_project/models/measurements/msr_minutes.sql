-- Instructional minutes offered, attended and missed, of days on which the school was in session and the student enrolled. A day counts where its row, or all
-- of its classes, say how long they are; where nobody says, its minutes are unknown and in no figure. Where attendance is reported by exceptions alone the
-- days without a row say no minutes, and those with one are days of absence: there nothing is measured. Minutes are those of each school's own classes, so
-- that a student at two schools has those of both, whatever a day counts at each.
with days as (
    select
        touched.subject_key as student_key,
        attendance.school_key,
        attendance.attendance_date,
        touched.piece_start,
        attendance.modality,
        max(coalesce(attendance.offered_minute_thousandths, periods.offered_minute_thousandths)) as offered,
        max(
            case
                when attendance.offered_minute_thousandths is not null then attendance.missed_minute_thousandths
                else periods.missed_minute_thousandths
            end
        ) as missed
    from {{ ref('int_touched_pieces') }} as touched
    inner join {{ ref('fct_attendance_days') }} as attendance
        on touched.subject_key = attendance.student_key and touched.piece_start = attendance.piece_start
    inner join {{ source('settings', 'night') }} as night on attendance.attendance_date <= night.as_of
    inner join {{ ref('dim_stints') }} as stints
        on
            attendance.student_key = stints.student_key
            and attendance.school_key = stints.school_key
            and attendance.attendance_date >= stints.entry_date
            and attendance.attendance_date < stints.exit_date
    inner join {{ ref('dim_school_days') }} as school_days
        on stints.calendar_key = school_days.calendar_key and attendance.attendance_date = school_days.calendar_date and school_days.is_instructional
    cross join {{ source('settings', 'district') }} as district
    left join {{ source('settings', 'positive_schools') }} as positive on attendance.school_key = positive.school_id
    -- of a day that a daily row without minutes speaks for
    left join {{ ref('int_days_from_periods') }} as periods
        on
            attendance.student_key = periods.student_key
            and attendance.school_key = periods.school_key
            and attendance.attendance_date = periods.attendance_date
    where touched.subject_type = 'student' and (district.attendance_reporting = 'positive' or positive.school_id is not null)
    group by touched.subject_key, attendance.school_key, attendance.attendance_date, touched.piece_start, attendance.modality
),

bounded as (
    select
        days.*,
        least(days.offered, measures.row_maximum * measures.scale) as at_most
    from days
    inner join {{ ref('measures') }} as measures on measures.measure_id = 'minutes_offered'
    where days.offered > 0 and days.missed is not null
),

summed as (
    select
        bounded.student_key,
        bounded.school_key,
        versions.signature,
        bounded.modality,
        bounded.piece_start,
        {{ sum_bigint('bounded.at_most') }} as offered,
        {{ sum_bigint('least(bounded.missed, bounded.at_most)') }} as missed
    from bounded
    inner join {{ ref('dim_student_versions') }} as versions
        on
            bounded.student_key = versions.student_key
            and bounded.attendance_date >= versions.valid_from
            and bounded.attendance_date < versions.valid_to
    group by bounded.student_key, bounded.school_key, versions.signature, bounded.modality, bounded.piece_start
),

counted as (
    select
        summed.*,
        measures.measure_id,
        case measures.measure_id
            when 'minutes_offered' then summed.offered
            when 'minutes_attended' then summed.offered - summed.missed
            when 'minutes_missed' then summed.missed
        end as quantity
    from summed
    cross join {{ ref('measures') }} as measures
    where measures.model = 'msr_minutes'
)

select
    'student' as subject_type,
    student_key as subject_key,
    school_key,
    cast(null as {{ dbt.type_string() }}) as grade_level,
    signature,
    modality,
    piece_start,
    measure_id,
    quantity
from counted
where quantity <> 0
