-- depends_on: {{ ref('int_touched_comparisons') }}
{{ config(materialized='touched', touched='int_touched_comparisons', touched_key='comparison_key') }}
with profiles as (
    select
        profiles.indicator_id,
        profiles.profile_id,
        profiles.authority,
        profiles.is_reference,
        count(*) over (partition by profiles.indicator_id) as n_profiles
    from {{ ref('indicator_profiles') }} as profiles
),

figures as (
    select
        figures.*,
        {{ comparison_key('figures') }} as comparison_key,
        profiles.authority,
        profiles.is_reference
    from {{ ref('agg_indicator_values') }} as figures
    inner join profiles
        on figures.indicator_id = profiles.indicator_id and figures.profile_id = profiles.profile_id and profiles.n_profiles > 1
),

touched as (
    select figures.*
    from figures
    {% if is_touched_build() %}
        inner join {{ ref('int_touched_comparisons') }} as touched on figures.comparison_key = touched.comparison_key
    {% endif %}
),

named as (
    select indicator_id, profile_id from profiles where is_reference
)

select
    touched.value_key,
    touched.comparison_key,
    touched.school_year,
    touched.school_id,
    touched.grade_level,
    touched.group_family,
    touched.group_value,
    touched.period_type,
    touched.period_start,
    touched.period_end,
    touched.indicator_id,
    touched.profile_id,
    touched.profile_version,
    touched.authority,
    touched.numerator,
    touched.denominator,
    touched.n_subjects,
    touched.value,
    touched.ci_low,
    touched.ci_high,
    touched.ci_method,
    named.profile_id as reference_profile_id,
    reference.n_subjects as reference_n_subjects,
    reference.value as reference_value,
    round(touched.value - reference.value, 12) as value_difference
from touched
inner join named on touched.indicator_id = named.indicator_id
left join touched as reference on touched.comparison_key = reference.comparison_key and reference.is_reference
