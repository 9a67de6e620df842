{{ config(materialized='table', meta={'carries_lineage': false}) }}
-- The published cells that tonight are to be written anew: those whose people changed, and those of averages a school day (`per_school_day`) of which the
-- people's cell, a cell of a school that the district's adds up, or the number of days in session changed.
{% set place = ['school_year', 'school_id', 'grade_level', 'group_family', 'group_value', 'period_type', 'period_start'] %}
{% set columns = place + ['indicator_id', 'profile_id'] %}
with averages as (
    select parts.indicator_id, parts.profile_id, parts.part_indicator_id, parts.part_profile_id
    from {{ ref('indicator_parts') }} as parts
    inner join {{ ref('indicators') }} as indicators on parts.indicator_id = indicators.indicator_id and indicators.rollup = 'per_school_day'
),

changed_people as (
    select
        changed.{{ place | join(', changed.') }}, averages.indicator_id, averages.profile_id,
        averages.part_indicator_id, averages.part_profile_id
    from {{ ref('int_cell_changes') }} as changed
    inner join averages on changed.indicator_id = averages.part_indicator_id and changed.profile_id = averages.part_profile_id
),

-- a period in which a school was in session on more days than the night before, or fewer
changed_days as (
    select changed.school_year, changed.period_type, changed.period_start, changed.school_key
    from {{ touched_difference(ref('int_days_in_session'), ['school_year', 'period_type', 'period_start', 'school_key', 'n_days']) }} as changed
    group by changed.school_year, changed.period_type, changed.period_start, changed.school_key
    having sum(changed.sign * changed.n_days) <> 0
),

changed_averages as (
    select {{ columns | join(', ') }}
    from changed_people
    union
    select
        school_year, cast(null as {{ dbt.type_string() }}) as school_id, grade_level, group_family, group_value, period_type, period_start, indicator_id,
        profile_id
    from changed_people
    union
    select cells.{{ place | join(', cells.') }}, averages.indicator_id, averages.profile_id
    from {{ ref('int_cell_moments') }} as cells
    inner join averages on cells.indicator_id = averages.part_indicator_id and cells.profile_id = averages.part_profile_id
    inner join changed_days
        on
            cells.school_year = changed_days.school_year
            and cells.period_type = changed_days.period_type
            and cells.period_start = changed_days.period_start
            and (cells.school_id = changed_days.school_key or cells.school_id is null)
)

select value_key, {{ columns | join(', ') }}
from {{ ref('int_cell_changes') }}
union all
select {{ concat_key(columns) }} as value_key, {{ columns | join(', ') }}
from changed_averages
