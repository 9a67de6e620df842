-- depends_on: {{ ref('int_week_comparisons') }}
-- depends_on: {{ ref('agg_indicator_values') }}
{{ config(materialized='table', meta={'carries_lineage': false}) }}
-- The weekly figures whose changes are to be written anew: those that changed tonight, those that are compared with them, and those that settle by tonight.
with changed as (
    select *
    from {{ ref('int_touched_cells') }}
    where period_type = 'week'
)

select value_key, cast(school_year as int) as school_year, period_type, period_start
from changed
{% if execute and not flags.FULL_REFRESH %}
    union
    select
        {{ concat_key([
            "weeks.school_year", "changed.school_id", "changed.grade_level", "changed.group_family", "changed.group_value", "'week'",
            "weeks.period_start", "changed.indicator_id", "changed.profile_id"
        ]) }} as value_key,
        weeks.school_year,
        'week' as period_type,
        weeks.period_start
    from changed
    inner join {{ ref('int_week_comparisons') }} as weeks
        on changed.school_year = weeks.compared_school_year and changed.period_start = weeks.compared_start
    inner join {{ source('settings', 'night') }} as night on weeks.period_start <= night.as_of
    union
    select cells.value_key, cells.school_year, cells.period_type, cells.period_start
    from {{ ref('agg_indicator_values') }} as cells
    inner join (select distinct school_year, period_start, settles_on from {{ ref('int_week_comparisons') }}) as weeks
        on cells.school_year = weeks.school_year and cells.period_start = weeks.period_start
    inner join {{ source('settings', 'night') }} as night
        on weeks.settles_on <= night.as_of and weeks.settles_on > coalesce(night.previous_as_of, cast('1900-01-01' as date))
    where cells.period_type = 'week'
{% endif %}
