-- depends_on: {{ ref('int_exclusion_changes') }}
{{ config(materialized='touched', touched='int_exclusion_changes', touched_key='figures_key') }}
-- All groups of one figure are written together, and none where nothing is said of anybody there: no file of that kind has come.
with counted as (
    select
        counts.*,
        max(case when counts.group_family = 'all' then counts.n_rows end) over (partition by counts.figures_key) as n_rows_of_all,
        counts.n_in_figure + counts.n_other_grades + counts.n_left + counts.n_never_attended + counts.n_too_few + counts.n_in_doubt as n_told
    from {{ ref('int_exclusion_counts') }} as counts
    {% if is_touched_build() %}
        inner join (select distinct figures_key from {{ ref('int_exclusion_changes') }}) as touched on counts.figures_key = touched.figures_key
    {% endif %}
)

select
    counted.excluded_key,
    counted.figures_key,
    counted.school_year,
    nullif(counted.place, '') as school_id,
    counted.group_family,
    counted.group_value,
    counted.period_type,
    counted.period_start,
    years.period_end,
    counted.indicator_id,
    counted.profile_id,
    cast(profiles.version as int) as profile_version,
    counted.n_enrolled,
    counted.n_in_figure,
    counted.n_other_grades,
    counted.n_left,
    counted.n_never_attended,
    counted.n_too_few,
    counted.n_in_doubt,
    counted.n_enrolled - counted.n_told as n_no_data
from counted
inner join {{ ref('indicator_profiles') }} as profiles on counted.indicator_id = profiles.indicator_id and counted.profile_id = profiles.profile_id
inner join {{ ref('dim_periods') }} as years on counted.school_year = years.school_year and counted.period_type = years.period_type
where counted.n_rows_of_all > 0
