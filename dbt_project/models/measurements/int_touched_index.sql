{{ config(materialized='table', meta={'carries_lineage': false}) }}
-- The places and groups of which tonight a figure changes that an index is made of: all rows of the index there are written anew.
select distinct
    {{ index_place_key('measures', 'changed') }} as place_key,
    measures.index_id,
    cast(changed.school_year as int) as school_year,
    changed.school_id,
    changed.group_family,
    changed.group_value,
    changed.period_type,
    changed.period_start
from {{ ref('int_touched_cells') }} as changed
inner join {{ ref('dim_index_measures') }} as measures on changed.indicator_id = measures.indicator_id and changed.profile_id = measures.profile_id
where changed.period_type = 'year_to_date' and changed.grade_level is null
