{{ config(materialized='table', meta={'carries_lineage': false}) }}
select distinct natural_key
from {{ source('changes', 'edfi__student_section_attendance_events') }}
