{{ config(materialized='table', meta={'carries_lineage': false}) }}
-- Students in incidents of discipline of which something changed since the last finished build.
select
    incident_id,
    student_id as student_key
from {{ source('changes', 'extract__discipline') }}
union
select
    {{ concat_key(["incident_identifier", "school_id"]) }} as incident_id,
    student_unique_id as student_key
from {{ source('changes', 'edfi__discipline_behaviors') }}
union
-- the day of an incident is that of all its students
select
    {{ concat_key(["changed.incident_identifier", "changed.school_id"]) }} as incident_id,
    behaviors.student_id as student_key
from {{ source('changes', 'edfi__discipline_incidents') }} as changed
inner join {{ ref('stg_edfi__discipline_behaviors') }} as behaviors
    on changed.incident_identifier = behaviors.incident_identifier and changed.school_id = behaviors.school_id
