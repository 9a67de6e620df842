-- depends_on: {{ ref('int_subject_indicators') }}
{{ config(materialized='touched', touched='int_cell_changes', touched_key='value_key') }}
-- Sums and second moments over people of every published cell: what they were and what tonight adds, in whole numbers, so that nothing is ever rounded.
{% if execute and not is_touched_build() and touched_replaced(ref('int_subject_indicators')) is not none %}
    {% do exceptions.raise_compiler_error(this ~ ' follows a difference and cannot be made from it: dbt build --full-refresh') %}
{% endif %}
with added as (
    select
        value_key, period_type, period_start, school_year, indicator_id, profile_id, school_id, grade_level, group_family, group_value,
        n_subjects, sum_n, sum_d, sum_nn, sum_dd, sum_nd
    from {{ ref('int_cell_changes') }}
    {% if is_touched_build() %}
        union all
        select
            kept.value_key, kept.period_type, kept.period_start, kept.school_year, kept.indicator_id, kept.profile_id, kept.school_id, kept.grade_level,
            kept.group_family, kept.group_value, kept.n_subjects, kept.sum_n, kept.sum_d, kept.sum_nn, kept.sum_dd, kept.sum_nd
        from {{ this }} as kept
        inner join {{ ref('int_cell_changes') }} as changes on kept.value_key = changes.value_key
    {% endif %}
)

select
    value_key,
    min(period_type) as period_type,
    min(period_start) as period_start,
    min(school_year) as school_year,
    min(indicator_id) as indicator_id,
    min(profile_id) as profile_id,
    min(school_id) as school_id,
    min(grade_level) as grade_level,
    min(group_family) as group_family,
    min(group_value) as group_value,
    {{ moment_sums('added') }}
from added
group by value_key
having sum(n_subjects) > 0
