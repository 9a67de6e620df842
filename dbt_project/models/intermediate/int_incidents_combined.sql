-- One shape for a student in an incident of discipline, a row for each thing that a source says of it: an action of an extract, a behavior of Ed-Fi. Several
-- rows may be of one student in one incident, which is one of its number, school and school year.
select
    incident_id,
    student_id as student_key,
    school_id as school_key,
    incident_date,
    delivery_id,
    line_number
from {{ ref('stg_extract__discipline') }}

union all

select
    {{ concat_key(["behaviors.incident_identifier", "behaviors.school_id"]) }} as incident_id,
    behaviors.student_id as student_key,
    behaviors.school_id as school_key,
    incidents.incident_date,
    behaviors.delivery_id,
    behaviors.line_number
from {{ newest_records(ref('stg_edfi__discipline_behaviors')) }} as behaviors
inner join {{ newest_records(ref('stg_edfi__discipline_incidents')) }} as incidents
    on behaviors.incident_identifier = incidents.incident_identifier and behaviors.school_id = incidents.school_id
