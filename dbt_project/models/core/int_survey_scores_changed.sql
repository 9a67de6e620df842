{{ config(materialized='table', meta={'carries_lineage': false}) }}
-- Responses whose topic scores changed since the last finished build.
select distinct {{ concat_key(["survey_id", "wave_id", "response_id"]) }} as response_key
from {{ source('changes', 'survey__scores') }}
