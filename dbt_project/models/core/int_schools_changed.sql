{{ config(materialized='table', meta={'carries_lineage': false}) }}
-- Schools that changed since the last finished build: one of another agency is in other figures.
select sourced_id as school_key
from {{ source('changes', 'oneroster__orgs') }}
union
select school_id as school_key
from {{ source('changes', 'extract__schools') }}
union
select school_id as school_key
from {{ source('changes', 'edfi__schools') }}
