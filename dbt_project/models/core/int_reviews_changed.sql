{{ config(materialized='table', meta={'carries_lineage': false}) }}
-- Reviews of assignments that changed since the last finished build.
select distinct review_id
from {{ source('changes', 'registry__reviewed_assignments') }}
