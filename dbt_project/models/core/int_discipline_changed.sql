{{ config(materialized='table', meta={'carries_lineage': false}) }}
-- Discipline actions that changed since the last finished build.
select distinct
    incident_id,
    student_id as student_key,
    action_id
from {{ source('changes', 'extract__discipline') }}
union
select
    '' as incident_id,
    student_unique_id as student_key,
    {{ concat_key(["discipline_action_identifier", "discipline_date"]) }} as action_id
from {{ source('changes', 'edfi__discipline_actions') }}
