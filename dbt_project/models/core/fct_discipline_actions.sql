{{ config(
    materialized='touched',
    touched='int_discipline_changed',
    touched_key=['incident_id', 'student_key', 'action_id']
) }}
select
    discipline.incident_id,
    discipline.action_id,
    discipline.student_key,
    discipline.school_key,
    discipline.incident_date,
    discipline.begin_date,
    dates.piece_start,
    dates.school_year,
    discipline.action_code,
    discipline.behavior_code,
    discipline.action_days,
    discipline.is_suspension,
    discipline.is_in_school,
    discipline.is_expulsion,
    discipline.delivery_id,
    discipline.line_number
from {{ ref('int_discipline_combined') }} as discipline
inner join {{ ref('dim_dates') }} as dates on discipline.incident_date = dates.calendar_date
{% if is_touched_build() %}
    inner join {{ ref('int_discipline_changed') }} as changed
        on
            discipline.incident_id = changed.incident_id
            and discipline.student_key = changed.student_key
            and discipline.action_id = changed.action_id
{% endif %}
