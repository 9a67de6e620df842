{{ config(
    materialized='touched',
    touched='int_attendance_changed',
    touched_key=['student_key', 'school_key', 'attendance_date']
) }}
-- A day made of its periods, by the district's day rule, in whole numbers: `missed_thousandths` is the share of the scheduled periods (by the rule
-- `minutes`, of the scheduled minutes) that was missed, `absent_thousandths` what the day counts. Where attendance is reported by exceptions, and the
-- school is not named as positive, the student's other classes of the day are scheduled and were attended; a class is scheduled in the term of its section,
-- where that is a term of ours, and where the schedule names days of the cycle (A/B days) on those days of the school's calendar. Minutes offered and
-- missed are those of all the day's classes, and not known where nobody says how long one of them is, or how much of it was missed. The row keeps the code,
-- delivery and line of the period of which most was missed; of equals, the first by period and section.
with periods as (
    select
        attendance.student_key,
        attendance.school_key,
        attendance.section_key,
        attendance.attendance_date,
        attendance.period,
        attendance.attendance_code,
        attendance.absent_thousandths,
        attendance.minutes_absent,
        attendance.minutes_scheduled,
        attendance.is_tardy,
        attendance.delivery_id,
        attendance.line_number
    from {{ ref('int_period_attendance_combined') }} as attendance
    {% if is_touched_build() %}
        inner join {{ ref('int_attendance_changed') }} as changed
            on
                attendance.student_key = changed.student_key
                and attendance.school_key = changed.school_key
                and attendance.attendance_date = changed.attendance_date
    {% endif %}
),

meetings as (
    select
        schedules.student_id as student_key,
        sections.school_key,
        sections.section_key,
        terms.start_date as term_start,
        terms.end_date as term_end,
        schedules.begin_date,
        coalesce(schedules.end_date, cast('9999-12-31' as date)) as end_date,
        schedules.minutes_per_meeting,
        replace(schedules.cycle_days, ' ', '') as cycle_days
    from {{ ref('stg_extract__schedules') }} as schedules
    inner join {{ ref('int_sections_combined') }} as sections on schedules.section_id = sections.section_id
    left join {{ source('settings', 'terms') }} as terms on sections.term_id = terms.term_id
),

cycles as (
    select school_id as school_key, calendar_date, min(cycle_day) as cycle_day
    from {{ ref('stg_extract__calendar') }}
    where calendar_code = '' and track = '' and grade_level = ''
    group by school_id, calendar_date
),

days as (
    select distinct student_key, school_key, attendance_date from periods
),

scheduled as (
    select
        days.student_key,
        days.school_key,
        days.attendance_date,
        meetings.section_key,
        max(meetings.minutes_per_meeting) as minutes_per_meeting
    from days
    inner join meetings
        on
            days.student_key = meetings.student_key
            and days.school_key = meetings.school_key
            and days.attendance_date >= meetings.begin_date
            and days.attendance_date < meetings.end_date
            and days.attendance_date between coalesce(meetings.term_start, days.attendance_date) and coalesce(meetings.term_end, days.attendance_date)
    left join cycles on days.school_key = cycles.school_key and days.attendance_date = cycles.calendar_date
    where
        meetings.cycle_days is null
        or cycles.cycle_day is null
        or instr(',' || meetings.cycle_days || ',', ',' || cycles.cycle_day || ',') > 0
    group by days.student_key, days.school_key, days.attendance_date, meetings.section_key
),

timed as (
    select
        periods.*,
        coalesce(periods.minutes_scheduled, scheduled.minutes_per_meeting, 0) as period_minutes,
        cast(floor(coalesce(
            periods.minutes_absent * 1000,
            periods.absent_thousandths * coalesce(periods.minutes_scheduled, scheduled.minutes_per_meeting, 0)
        )) as bigint) as missed_minute_thousandths,
        row_number() over (
            partition by periods.student_key, periods.school_key, periods.attendance_date
            order by periods.absent_thousandths desc, periods.period asc, periods.section_key asc
        ) as place
    from periods
    left join scheduled
        on
            periods.student_key = scheduled.student_key
            and periods.school_key = scheduled.school_key
            and periods.attendance_date = scheduled.attendance_date
            and periods.section_key = scheduled.section_key
),

unreported as (
    select
        scheduled.student_key,
        scheduled.school_key,
        scheduled.attendance_date,
        count(*) as n_periods,
        {{ sum_bigint('case when scheduled.minutes_per_meeting > 0 then 0 else 1 end') }} as n_untimed,
        cast(sum(coalesce(scheduled.minutes_per_meeting, 0)) * 1000 as bigint) as minutes
    from scheduled
    cross join {{ source('settings', 'district') }} as district
    left join periods
        on
            scheduled.student_key = periods.student_key
            and scheduled.school_key = periods.school_key
            and scheduled.attendance_date = periods.attendance_date
            and scheduled.section_key = periods.section_key
    left join {{ source('settings', 'positive_schools') }} as positive on scheduled.school_key = positive.school_id
    where district.attendance_reporting = 'exceptions' and positive.school_id is null and periods.student_key is null
    group by scheduled.student_key, scheduled.school_key, scheduled.attendance_date
),

reported as (
    select
        student_key,
        school_key,
        attendance_date,
        count(*) as n_periods,
        {{ sum_bigint('absent_thousandths') }} as absent_periods,
        {{ sum_bigint('missed_minute_thousandths') }} as absent_minutes,
        {{ sum_bigint('case when period_minutes > 0 and missed_minute_thousandths is not null then 0 else 1 end') }} as n_untimed,
        {{ sum_bigint('greatest(0, least(missed_minute_thousandths, cast(floor(period_minutes * 1000) as bigint)))') }} as missed_minutes,
        cast(sum(period_minutes) * 1000 as bigint) as minutes,
        {{ bool_any('is_tardy') }} as is_tardy,
        min(case when place = 1 then attendance_code end) as attendance_code,
        min(case when place = 1 then delivery_id end) as delivery_id,
        min(case when place = 1 then line_number end) as line_number
    from timed
    group by student_key, school_key, attendance_date
),

totals as (
    select
        reported.student_key,
        reported.school_key,
        reported.attendance_date,
        reported.attendance_code,
        reported.is_tardy,
        reported.delivery_id,
        reported.line_number,
        district.day_rule,
        district.day_numerator,
        district.day_denominator,
        case
            when district.day_rule = 'minutes' and reported.minutes + coalesce(unreported.minutes, 0) > 0 then reported.absent_minutes
            else reported.absent_periods
        end as missed,
        case
            when district.day_rule = 'minutes' and reported.minutes + coalesce(unreported.minutes, 0) > 0
                then reported.minutes + coalesce(unreported.minutes, 0)
            else (reported.n_periods + coalesce(unreported.n_periods, 0)) * 1000
        end as scheduled,
        case
            when reported.n_untimed + coalesce(unreported.n_untimed, 0) = 0 then reported.minutes + coalesce(unreported.minutes, 0)
        end as offered_minute_thousandths,
        case when reported.n_untimed + coalesce(unreported.n_untimed, 0) = 0 then reported.missed_minutes end as missed_minute_thousandths
    from reported
    cross join {{ source('settings', 'district') }} as district
    left join unreported
        on
            reported.student_key = unreported.student_key
            and reported.school_key = unreported.school_key
            and reported.attendance_date = unreported.attendance_date
)

select
    student_key,
    school_key,
    attendance_date,
    attendance_code,
    cast('in_person' as {{ dbt.type_string() }}) as modality,
    {{ day_absent('missed', 'scheduled') }} as absent_thousandths,
    least(1000, {{ thousandths('missed', 'scheduled') }}) as missed_thousandths,
    offered_minute_thousandths,
    missed_minute_thousandths,
    is_tardy,
    delivery_id,
    line_number
from totals
