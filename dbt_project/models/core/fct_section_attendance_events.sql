{{ config(
    materialized='touched',
    touched='int_section_attendance_changed',
    touched_key=['natural_key']
) }}
-- What was noted of a student in a class section on a day: one row an Ed-Fi event. A section speaks for itself and not for the school day.
select
    events.natural_key,
    events.student_id as student_key,
    events.section_key,
    events.school_id as school_key,
    events.event_date,
    dates.piece_start,
    dates.school_year,
    events.attendance_category_descriptor as attendance_code,
    cast({{ try_cast_decimal('codes.absent_share') }} * 1000 as bigint) as absent_thousandths,
    codes.is_tardy = 'true' as is_tardy,
    codes.is_excused = 'true' as is_excused,
    cast(events.attendance_minutes as bigint) as attendance_minutes,
    events.delivery_id,
    events.line_number
from {{ newest_records(ref('stg_edfi__student_section_attendance_events')) }} as events
inner join {{ source('settings', 'attendance_codes') }} as codes on events.attendance_category_descriptor = codes.code
inner join {{ ref('dim_dates') }} as dates on events.event_date = dates.calendar_date
{% if is_touched_build() %}
    inner join {{ ref('int_section_attendance_changed') }} as changed on events.natural_key = changed.natural_key
{% endif %}
