{{ config(
    materialized='touched',
    touched='int_incidents_changed',
    touched_key=['incident_id', 'student_key'],
    keeps_difference=true
) }}
-- A student in an incident of discipline, once, however many actions were taken and behaviors noted: on the first day that a source says of it. An incident is
-- one of its number, school and school year: numbers may be each school's own, or begin anew with a year. All of a student's incidents of a number are built
-- together, so that none stays where a correction gives one another school or year.
with ranked as (
    select
        incidents.*,
        dates.piece_start,
        dates.school_year,
        row_number() over (
            partition by incidents.incident_id, incidents.student_key, incidents.school_key, dates.school_year
            order by incidents.incident_date asc, incidents.delivery_id asc, incidents.line_number asc
        ) as place
    from {{ ref('int_incidents_combined') }} as incidents
    inner join {{ ref('dim_dates') }} as dates on incidents.incident_date = dates.calendar_date
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
    ranked.piece_start,
    ranked.school_year,
    ranked.delivery_id,
    ranked.line_number
from ranked
where ranked.place = 1
