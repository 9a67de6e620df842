{{ config(materialized='table', meta={'carries_lineage': false}) }}
-- The school days of which any student's attendance row changed since the last finished build.
select distinct school_key, attendance_date, attendance_date_text
from {{ ref('int_attendance_changed') }}
where attendance_date is not null
