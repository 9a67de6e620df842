{{ config(materialized='table', meta={'carries_lineage': false}) }}
select distinct subject_type, subject_key, school_year
from {{ ref('int_touched_pieces') }}
