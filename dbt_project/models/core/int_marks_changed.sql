{{ config(materialized='table', meta={'carries_lineage': false}) }}
-- Marks that changed since the last finished build.
select distinct
    student_id as student_key,
    {{ concat_key(["'extract'", "section_id"]) }} as section_key,
    term_id,
    mark_type
from {{ source('changes', 'extract__marks') }}
