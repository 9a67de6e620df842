{{ config(materialized='table', meta={'carries_lineage': false}) }}
-- The assignments of which any student's work is read again since the last finished build.
select distinct assignment_key
from {{ ref('int_results_changed') }}
