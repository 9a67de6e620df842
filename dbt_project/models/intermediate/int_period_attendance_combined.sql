-- One shape for a student's attendance in a class period: the share of the period missed, in thousandths. A tardy counts what its code says, or from a number
-- of minutes on as an absence; else minutes, where the source has them, say more than the code does.
select
    periods.student_id as student_key,
    periods.school_id as school_key,
    {{ concat_key(["'extract'", "periods.section_id"]) }} as section_key,
    periods.section_id,
    periods.attendance_date,
    periods.period,
    periods.attendance_code,
    case
        when codes.is_tardy = 'true' and district.tardy_absent_from_minutes is not null and periods.minutes_absent is not null
            then case when periods.minutes_absent >= district.tardy_absent_from_minutes then 1000 else 0 end
        when periods.minutes_absent is not null and periods.minutes_scheduled > 0
            then least(1000, {{ thousandths('cast(periods.minutes_absent * 1000 as bigint)', 'cast(periods.minutes_scheduled * 1000 as bigint)') }})
        else cast({{ try_cast_decimal('codes.absent_share') }} * 1000 as bigint)
    end as absent_thousandths,
    periods.minutes_absent,
    periods.minutes_scheduled,
    codes.is_tardy = 'true' as is_tardy,
    periods.delivery_id,
    periods.line_number
from {{ ref('stg_extract__attendance_periods') }} as periods
inner join {{ source('settings', 'attendance_codes') }} as codes on periods.attendance_code = codes.code
cross join {{ source('settings', 'district') }} as district
