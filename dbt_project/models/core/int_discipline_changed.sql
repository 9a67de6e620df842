{{ config(materialized='table', meta={'carries_lineage': false}) }}
-- Discipline actions that changed since the last finished build.
select distinct
    incident_id,
    student_id as student_key,
    action_id
from {{ source('changes', 'extract__discipline') }}
