{{ config(materialized='table', meta={'carries_lineage': false}) }}
-- Assessment results that changed since the last finished build.
select distinct
    student_id as student_key,
    assessment_id,
    {{ try_cast_date('administered_on') }} as administered_on,
    subject
from {{ source('changes', 'extract__assessments') }}
