{{ config(
    materialized='touched',
    touched='int_attendance_changed',
    touched_key=['student_key', 'school_key', 'attendance_date']
) }}
-- A student's school attendance events of one day as one row. An event is absent for its code's share of its duration in days (a whole day where none is
-- said); several events of a day add up to a whole day at most. The day's code, file and line are those of the event that is absent the most.
with events as (
    select
        events.student_id as student_key,
        events.school_id as school_key,
        events.event_date as attendance_date,
        events.attendance_category_descriptor as attendance_code,
        cast(floor(
            {{ try_cast_decimal('codes.absent_share') }} * 1000
            * case when events.event_duration_days > 0 and events.event_duration_days < 1 then events.event_duration_days else 1 end + 0.5
        ) as bigint) as absent_thousandths,
        codes.is_tardy = 'true' as is_tardy,
        events.delivery_id,
        events.line_number,
        row_number() over (partition by events.natural_key order by events.known_on desc, events.record_id desc) as recency
    from {{ ref('stg_edfi__student_school_attendance_events') }} as events
    inner join {{ source('settings', 'attendance_codes') }} as codes on events.attendance_category_descriptor = codes.code
    {% if is_touched_build() %}
        inner join {{ ref('int_attendance_changed') }} as changed
            on
                events.student_id = changed.student_key
                and events.school_id = changed.school_key
                and events.event_date = changed.attendance_date
    {% endif %}
),

ranked as (
    select
        *,
        row_number() over (
            partition by student_key, school_key, attendance_date order by absent_thousandths desc, attendance_code asc, delivery_id asc, line_number asc
        ) as place
    from events
    where recency = 1
)

select
    student_key,
    school_key,
    attendance_date,
    min(case when place = 1 then attendance_code end) as attendance_code,
    'in_person' as modality,
    least(cast(1000 as bigint), {{ sum_bigint('absent_thousandths') }}) as absent_thousandths,
    {{ bool_any('is_tardy') }} as is_tardy,
    min(case when place = 1 then delivery_id end) as delivery_id,
    min(case when place = 1 then line_number end) as line_number
from ranked
group by student_key, school_key, attendance_date
