-- One shape for a student's attendance on a day at a school: what the day counts as absent, and the share of it that was missed, in thousandths. A daily row
-- says it by its code, or by its minutes and the district's day rule; where there is none, the day is made of its periods. Minutes offered and missed are
-- there where the row, or all of the day's classes, say how long they are and how much was missed.
{#- Written out where it is asked for: as one common table DuckDB would hold all days so far, each night. -#}
{% set said_daily -%}
    (
        select attendance.student_id as student_key, attendance.school_id as school_key, attendance.attendance_date
        from {{ ref('stg_extract__attendance') }} as attendance
        inner join {{ source('settings', 'attendance_codes') }} as codes on attendance.attendance_code = codes.code
    )
{%- endset %}
with daily as (
    select
        attendance.student_id as student_key,
        attendance.school_id as school_key,
        attendance.attendance_date,
        attendance.attendance_date_text,
        attendance.attendance_code,
        coalesce(attendance.modality, codes.modality, 'in_person') as modality,
        cast({{ try_cast_decimal('codes.absent_share') }} * 1000 as bigint) as code_thousandths,
        case when attendance.minutes_scheduled > 0 then cast(attendance.minutes_absent * 1000 as bigint) end as missed,
        cast(attendance.minutes_scheduled * 1000 as bigint) as scheduled,
        case
            when attendance.minutes_scheduled > 0 and coalesce(attendance.minutes_absent, {{ try_cast_decimal('codes.absent_share') }}) is not null
                then cast(attendance.minutes_scheduled * 1000 as bigint)
        end as offered,
        codes.is_tardy = 'true' as is_tardy,
        district.day_rule,
        district.day_numerator,
        district.day_denominator,
        attendance.delivery_id,
        attendance.line_number
    from {{ ref('stg_extract__attendance') }} as attendance
    inner join {{ source('settings', 'attendance_codes') }} as codes on attendance.attendance_code = codes.code
    cross join {{ source('settings', 'district') }} as district
)

select
    student_key,
    school_key,
    attendance_date,
    attendance_date_text,
    attendance_code,
    modality,
    case when missed is null then code_thousandths else {{ day_absent('missed', 'scheduled') }} end as absent_thousandths,
    case when missed is null then code_thousandths else least(1000, {{ thousandths('missed', 'scheduled') }}) end as missed_thousandths,
    offered as offered_minute_thousandths,
    case
        when offered is not null
            then least(offered, coalesce(missed, {{ thousandths('offered * code_thousandths', '1000000') }}))
    end as missed_minute_thousandths,
    is_tardy,
    delivery_id,
    line_number
from daily

union all

select
    periods.student_key,
    periods.school_key,
    periods.attendance_date,
    cast(periods.attendance_date as {{ dbt.type_string() }}) as attendance_date_text,
    periods.attendance_code,
    periods.modality,
    periods.absent_thousandths,
    periods.missed_thousandths,
    periods.offered_minute_thousandths,
    periods.missed_minute_thousandths,
    periods.is_tardy,
    periods.delivery_id,
    periods.line_number
from {{ ref('int_days_from_periods') }} as periods
left join {{ said_daily }} as daily
    on
        periods.student_key = daily.student_key
        and periods.school_key = daily.school_key
        and periods.attendance_date = daily.attendance_date
where daily.student_key is null

union all

select
    events.student_key,
    events.school_key,
    events.attendance_date,
    cast(events.attendance_date as {{ dbt.type_string() }}) as attendance_date_text,
    events.attendance_code,
    events.modality,
    events.absent_thousandths,
    events.absent_thousandths as missed_thousandths,
    cast(null as bigint) as offered_minute_thousandths,
    cast(null as bigint) as missed_minute_thousandths,
    events.is_tardy,
    events.delivery_id,
    events.line_number
from {{ ref('int_edfi_attendance_days') }} as events
left join {{ said_daily }} as daily
    on
        events.student_key = daily.student_key
        and events.school_key = daily.school_key
        and events.attendance_date = daily.attendance_date
left join {{ ref('int_days_from_periods') }} as periods
    on
        events.student_key = periods.student_key
        and events.school_key = periods.school_key
        and events.attendance_date = periods.attendance_date
where daily.student_key is null and periods.student_key is null
