-- depends_on: {{ ref('int_subject_indicators') }}
{{ config(materialized='touched', touched='int_exclusion_changes', touched_key='excluded_key') }}
-- Students in each figure of the year to date and those left out of it, by rule, place and group: what they were and what tonight adds.
{% if execute and not is_touched_build() and touched_replaced(ref('int_subject_indicators')) is not none %}
    {% do exceptions.raise_compiler_error(this ~ ' follows a difference and cannot be made from it: dbt build --full-refresh') %}
{% endif %}
{% set counts = ['n_enrolled', 'n_in_figure', 'n_other_grades', 'n_left', 'n_never_attended', 'n_too_few', 'n_in_doubt', 'n_rows'] %}
select
    changes.excluded_key, changes.figures_key, changes.school_year, changes.period_type, changes.period_start, changes.place, changes.indicator_id,
    {% for count in counts %}
        changes.{{ count }} {{ '+ coalesce(kept.' ~ count ~ ', 0)' if is_touched_build() }} as {{ count }},
    {% endfor %}
    changes.profile_id, changes.group_family, changes.group_value
from {{ ref('int_exclusion_changes') }} as changes
{% if is_touched_build() %}
    left join (
        select kept.*
        from {{ this }} as kept
        where exists (select 1 from {{ ref('int_exclusion_changes') }} as changes where kept.excluded_key = changes.excluded_key)
    ) as kept on changes.excluded_key = kept.excluded_key
{% endif %}
where changes.n_enrolled {{ '+ coalesce(kept.n_enrolled, 0)' if is_touched_build() }} > 0
