-- Days enrolled, absent and present. A day counts where the school was in session, the student was enrolled, and attendance is known: with positive
-- reporting the student has a row; with exceptions only, the day's file came, or (Ed-Fi
-- events) the school has said something of that day or a later one. A day that is not known is in no figure, never present.
with days as (
    select distinct
        touched.subject_key as student_key,
        stints.school_key,
        dates.calendar_date,
        touched.piece_start
    from {{ ref('int_touched_pieces') }} as touched
    inner join {{ ref('dim_dates') }} as dates on touched.piece_start = dates.piece_start
    inner join {{ source('settings', 'night') }} as night on dates.calendar_date <= night.as_of
    inner join {{ ref('dim_stints') }} as stints
        on
            touched.subject_key = stints.student_key
            and dates.calendar_date >= stints.entry_date
            and dates.calendar_date < stints.exit_date
    inner join {{ ref('dim_school_days') }} as school_days
        on stints.school_key = school_days.school_key and dates.calendar_date = school_days.calendar_date and school_days.is_instructional
    where touched.subject_type = 'student'
),

taken as (
    select distinct {{ try_cast_date('scope') }} as calendar_date
    from {{ source('held', 'bulk_scopes') }}
    where table_name = 'extract__attendance'
),

years as (
    select * from {{ source('settings', 'school_years') }}
),

known as (
    select
        days.student_key,
        days.school_key,
        days.calendar_date,
        days.piece_start,
        coalesce(attendance.modality, 'in_person') as modality,
        coalesce(attendance.absent_thousandths, 0) as absent_thousandths
    from days
    cross join {{ source('settings', 'district') }} as district
    left join {{ ref('fct_attendance_days') }} as attendance
        on
            days.piece_start = attendance.piece_start
            and days.student_key = attendance.student_key
            and days.school_key = attendance.school_key
            and days.calendar_date = attendance.attendance_date
    left join taken on days.calendar_date = taken.calendar_date
    left join years on days.calendar_date >= years.start_date and days.calendar_date <= years.end_date
    left join {{ ref('dim_attendance_known') }} as said
        on days.school_key = said.school_key and years.school_year = said.school_year and days.calendar_date <= said.known_until
    where
        attendance.student_key is not null
        or (district.attendance_reporting = 'exceptions' and (taken.calendar_date is not null or said.school_key is not null))
),

summed as (
    select
        known.student_key,
        known.school_key,
        versions.signature,
        known.modality,
        known.piece_start,
        count(*) * 1000 as enrolled,
        {{ sum_bigint('known.absent_thousandths') }} as absent
    from known
    inner join {{ ref('dim_student_versions') }} as versions
        on
            known.student_key = versions.student_key
            and known.calendar_date >= versions.valid_from
            and known.calendar_date < versions.valid_to
    group by known.student_key, known.school_key, versions.signature, known.modality, known.piece_start
)

select
    'student' as subject_type,
    summed.student_key as subject_key,
    summed.school_key,
    students.grade_level,
    summed.signature,
    summed.modality,
    summed.piece_start,
    measures.measure_id,
    case measures.measure_id
        when 'days_enrolled' then summed.enrolled
        when 'days_absent' then summed.absent
        else summed.enrolled - summed.absent
    end as quantity
from summed
inner join {{ ref('dim_students') }} as students on summed.student_key = students.student_key
cross join {{ ref('measures') }} as measures
where measures.model = 'msr_attendance'
