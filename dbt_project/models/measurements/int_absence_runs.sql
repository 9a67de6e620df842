-- The days on which a student's absences in a row become as many as a measure asks for: of each run one day, so that the runs of a year are the sum of those
-- of its pieces. In a row are school days of the student's own calendar that follow one another, at one school, each known to be missed (whole, or by the
-- share that the measure takes for a whole day). A day of which nothing is known may have been attended: it ends a run, since what is said of a run must be
-- known of each of its days; so a piece can be measured from as few days before it as the longest run has.
with looked as (
    select distinct touched.subject_key as student_key, stints.school_key, reach.earlier_piece_start as piece_start
    from {{ ref('int_touched_pieces') }} as touched
    inner join {{ ref('dim_stints') }} as stints on touched.subject_key = stints.student_key
    inner join {{ ref('int_pieces_in_reach') }} as reach on stints.calendar_key = reach.calendar_key and touched.piece_start = reach.piece_start
    where touched.subject_type = 'student'
),

-- a student with two stays at a school on one day follows the calendar of the first
days as (
    select
        attendance.student_key,
        attendance.school_key,
        attendance.attendance_date,
        attendance.piece_start,
        attendance.modality,
        attendance.absent_thousandths,
        numbered.calendar_key,
        numbered.school_year,
        numbered.nth,
        row_number() over (
            partition by attendance.student_key, attendance.school_key, attendance.attendance_date
            order by stints.entry_date asc, stints.calendar_key asc
        ) as place
    from looked
    inner join {{ ref('fct_attendance_days') }} as attendance
        on looked.student_key = attendance.student_key and looked.school_key = attendance.school_key and looked.piece_start = attendance.piece_start
    inner join {{ source('settings', 'night') }} as night on attendance.attendance_date <= night.as_of
    inner join {{ ref('dim_stints') }} as stints
        on
            attendance.student_key = stints.student_key
            and attendance.school_key = stints.school_key
            and attendance.attendance_date >= stints.entry_date
            and attendance.attendance_date < stints.exit_date
    inner join {{ ref('int_school_days_numbered') }} as numbered
        on stints.calendar_key = numbered.calendar_key and attendance.attendance_date = numbered.calendar_date
    where attendance.absent_thousandths > 0
),

missed as (
    select
        days.*,
        runs.measure_id,
        runs.school_days,
        days.nth - row_number() over (
            partition by days.student_key, days.school_key, days.calendar_key, days.school_year, runs.measure_id
            order by days.nth
        ) as run
    from days
    cross join {{ ref('absence_runs') }} as runs
    inner join {{ ref('measures') }} as measures on runs.measure_id = measures.measure_id
    where days.place = 1 and days.absent_thousandths * measures.whole_from_denominator >= 1000 * measures.whole_from_numerator
),

counted as (
    select
        missed.*,
        row_number() over (
            partition by missed.student_key, missed.school_key, missed.calendar_key, missed.school_year, missed.measure_id, missed.run
            order by missed.nth
        ) as days_so_far
    from missed
)

select
    counted.student_key,
    counted.school_key,
    counted.attendance_date,
    counted.piece_start,
    counted.modality,
    counted.measure_id
from counted
inner join {{ ref('int_touched_pieces') }} as touched
    on touched.subject_type = 'student' and counted.student_key = touched.subject_key and counted.piece_start = touched.piece_start
where counted.days_so_far = counted.school_days
