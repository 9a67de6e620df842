{{ config(materialized='table', meta={'carries_lineage': false}) }}
select distinct record_id
from {{ source('changes', 'edfi__student_section_attendance_events') }}
