{{ config(materialized='table', meta={'carries_lineage': false}) }}
-- The cells of indicators with several profiles in which tonight any of the profiles changes: what stands beside it is to be written anew.
select distinct
    {{ comparison_key('changed') }} as comparison_key,
    changed.school_year,
    changed.period_type,
    changed.period_start
from {{ ref('int_touched_cells') }} as changed
inner join (
    select indicator_id from {{ ref('indicator_profiles') }}
    group by indicator_id
    having count(*) > 1
) as compared on changed.indicator_id = compared.indicator_id
