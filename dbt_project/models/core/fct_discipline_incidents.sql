{{ config(
    materialized='touched',
    touched='int_incidents_changed',
    touched_key=['incident_id', 'student_key'],
    keeps_difference=true
) }}
-- A student in an incident of discipline, once, however many actions were taken and behaviors noted: on the first day, and at the school of that day, that a
-- source says of it.
with ranked as (
    select
        incidents.*,
        row_number() over (
            partition by incidents.incident_id, incidents.student_key
            order by incidents.incident_date asc, incidents.school_key asc, incidents.delivery_id asc, incidents.line_number asc
        ) as place
    from {{ ref('int_incidents_combined') }} as incidents
    {% if is_touched_build() %}
        inner join {{ ref('int_incidents_changed') }} as changed
            on incidents.incident_id = changed.incident_id and incidents.student_key = changed.student_key
    {% endif %}
)

select
    ranked.incident_id,
    ranked.student_key,
    ranked.school_key,
    ranked.incident_date,
    dates.piece_start,
    dates.school_year,
    ranked.delivery_id,
    ranked.line_number
from ranked
inner join {{ ref('dim_dates') }} as dates on ranked.incident_date = dates.calendar_date
where ranked.place = 1
