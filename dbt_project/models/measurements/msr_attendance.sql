-- Days enrolled, absent, present and tardy, and absences in a row (`int_absence_runs`).
-- A day counts where the school was in session, the student was enrolled, and attendance is known: with positive reporting
-- (the district's, or of the schools named as positive) the student has a row; with exceptions only, the day's file came, or (Ed-Fi events) the school has
-- said something of that day or a later one. A day that is not known is in no figure, never present.
-- Quantities are thousandths of a day. A student in part, or at two schools at once, is weighed by the setting `day_counts`; everybody else's day is whole.
-- A tardy day counts for as much of it as the student was present.
{#- The day is written so that the engine knows it of a touched piece alone: else it puts all days and all stays together before it looks what is touched. -#}
{% set day_of_piece = 'greatest(dates.calendar_date, touched.piece_start)' %}
{% set in_session -%}
    {{ ref('int_touched_pieces') }} as touched
    inner join {{ ref('dim_dates') }} as dates on touched.piece_start = dates.piece_start
    inner join {{ source('settings', 'night') }} as night on dates.calendar_date <= night.as_of
    inner join {{ ref('dim_stints') }} as stints
        on
            touched.subject_key = stints.student_key
            and {{ day_of_piece }} >= stints.entry_date
            and {{ day_of_piece }} < stints.exit_date
    inner join {{ ref('dim_school_days') }} as school_days
        on stints.calendar_key = school_days.calendar_key and dates.calendar_date = school_days.calendar_date and school_days.is_instructional
{%- endset %}
with shared as (
    select
        touched.subject_key as student_key,
        stints.school_key,
        dates.calendar_date,
        touched.piece_start,
        max(stints.share_thousandths) as share_thousandths,
        {{ bool_any('stints.is_primary') }} as is_primary,
        min(stints.entry_date) as entry_date
    from {{ in_session }}
    where touched.subject_type = 'student' and stints.is_shared
    group by touched.subject_key, stints.school_key, dates.calendar_date, touched.piece_start
),

ranked as (
    select
        shared.student_key,
        shared.school_key,
        shared.calendar_date,
        shared.piece_start,
        shared.share_thousandths,
        district.day_counts,
        cast(sum(shared.share_thousandths) over (partition by shared.student_key, shared.calendar_date) as bigint) as all_shares,
        row_number() over (
            partition by shared.student_key, shared.calendar_date
            order by
                case when shared.is_primary then 0 else 1 end asc,
                coalesce(shared.share_thousandths, 1000) desc,
                shared.entry_date asc,
                shared.school_key asc
        ) as place
    from shared
    cross join {{ source('settings', 'district') }} as district
),

-- shares of more than a whole are cut down in proportion, and what rounding leaves over goes to the first; without a share a day is whole
cut as (
    select
        ranked.*,
        case
            when ranked.share_thousandths is null then 1000
            when ranked.all_shares <= 1000 then ranked.share_thousandths
            else cast(floor(ranked.share_thousandths * 1000 / ranked.all_shares) as bigint)
        end as part
    from ranked
),

weighed as (
    select
        touched.subject_key as student_key,
        stints.school_key,
        dates.calendar_date,
        touched.piece_start,
        cast(1000 as bigint) as weight
    from {{ in_session }}
    where touched.subject_type = 'student' and not stints.is_shared
    union all
    select
        student_key,
        school_key,
        calendar_date,
        piece_start,
        case
            when day_counts = 'at_each_school' then 1000
            when day_counts = 'once_at_primary' then case when place = 1 then 1000 else 0 end
            when all_shares > 1000 and place = 1
                then part + 1000 - cast(sum(part) over (partition by student_key, calendar_date) as bigint)
            else part
        end as weight
    from cut
),

taken as (
    select distinct {{ try_cast_date('scope') }} as calendar_date
    from {{ source('held', 'bulk_scopes') }}
    where table_name in ('extract__attendance', 'extract__attendance_periods')
),

years as (
    select * from {{ source('settings', 'school_years') }}
),

known as (
    select
        weighed.student_key,
        weighed.school_key,
        weighed.calendar_date,
        weighed.piece_start,
        weighed.weight,
        coalesce(attendance.modality, 'in_person') as modality,
        coalesce(attendance.absent_thousandths, 0) as share_absent,
        coalesce({{ thousandths('weighed.weight * attendance.absent_thousandths', '1000000') }}, 0) as absent_thousandths,
        coalesce(attendance.is_tardy, false) as is_tardy
    from weighed
    cross join {{ source('settings', 'district') }} as district
    left join {{ ref('fct_attendance_days') }} as attendance
        on
            weighed.piece_start = attendance.piece_start
            and weighed.student_key = attendance.student_key
            and weighed.school_key = attendance.school_key
            and weighed.calendar_date = attendance.attendance_date
    left join taken on weighed.calendar_date = taken.calendar_date
    left join years on weighed.calendar_date >= years.start_date and weighed.calendar_date <= years.end_date
    left join {{ ref('dim_attendance_known') }} as said
        on weighed.school_key = said.school_key and years.school_year = said.school_year and weighed.calendar_date <= said.known_until
    left join {{ ref('stg_extract__unknown_days') }} as unknown_days
        on
            weighed.student_key = unknown_days.student_id
            and weighed.school_key = unknown_days.school_id
            and weighed.calendar_date = unknown_days.attendance_date
    left join {{ source('settings', 'positive_schools') }} as positive on weighed.school_key = positive.school_id
    where
        weighed.weight > 0
        and (
            attendance.student_key is not null
            or (
                district.attendance_reporting = 'exceptions'
                and positive.school_id is null
                and (taken.calendar_date is not null or said.school_key is not null)
                and unknown_days.student_id is null
            )
        )
),

-- from which share of a day on that measure takes the day as missed, and whole
by_share as (
    select max(whole_from_numerator) as whole_from_numerator, max(whole_from_denominator) as whole_from_denominator
    from {{ ref('measures') }}
    where measure_id = 'days_absent_by_half'
),

summed as (
    select
        known.student_key,
        known.school_key,
        versions.signature,
        known.modality,
        known.piece_start,
        {{ sum_bigint('known.weight') }} as enrolled,
        {{ sum_bigint('known.absent_thousandths') }} as absent,
        {{ sum_bigint(
            'case when known.share_absent * by_share.whole_from_denominator >= 1000 * by_share.whole_from_numerator then known.weight else 0 end'
        ) }} as absent_by_share,
        {{ sum_bigint('case when known.is_tardy then known.weight - known.absent_thousandths else 0 end') }} as tardy
    from known
    cross join by_share
    inner join {{ ref('dim_student_versions') }} as versions
        on
            known.student_key = versions.student_key
            and known.calendar_date >= versions.valid_from
            and known.calendar_date < versions.valid_to
    group by known.student_key, known.school_key, versions.signature, known.modality, known.piece_start
),

-- codes that say tardy: where a district has none, nobody is known to have come on time
coded as (
    select count(*) as n_codes
    from {{ source('settings', 'attendance_codes') }}
    where is_tardy = 'true'
),

counted as (
    select
        summed.*,
        measures.measure_id,
        case measures.measure_id
            when 'days_enrolled' then summed.enrolled
            when 'days_absent' then summed.absent
            when 'days_absent_by_half' then summed.absent_by_share
            when 'days_present' then summed.enrolled - summed.absent
            when 'days_tardy' then summed.tardy
            when 'days_tardy_known' then case when coded.n_codes > 0 then summed.enrolled - summed.absent else 0 end
        end as quantity
    from summed
    cross join {{ ref('measures') }} as measures
    cross join coded
    where measures.model = 'msr_attendance' and measures.measure_id not in (select measure_id from {{ ref('absence_runs') }})
)

-- a row where something was counted: most students are not absent or tardy in most weeks
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
union all
select
    'student' as subject_type,
    runs.student_key as subject_key,
    runs.school_key,
    cast(null as {{ dbt.type_string() }}) as grade_level,
    versions.signature,
    runs.modality,
    runs.piece_start,
    runs.measure_id,
    count(*) as quantity
from {{ ref('int_absence_runs') }} as runs
inner join {{ ref('dim_student_versions') }} as versions
    on
        runs.student_key = versions.student_key
        and runs.attendance_date >= versions.valid_from
        and runs.attendance_date < versions.valid_to
group by runs.student_key, runs.school_key, versions.signature, runs.modality, runs.piece_start, runs.measure_id
