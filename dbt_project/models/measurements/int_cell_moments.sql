{{ config(materialized='touched', touched='int_cell_changes', touched_key='value_key') }}
-- Sums and second moments over people of every published cell: what they were and what tonight adds, in whole numbers, so that nothing is ever rounded.
{% set columns = ['n_subjects', 'sum_n', 'sum_d', 'sum_nn', 'sum_dd', 'sum_nd'] %}
select
    changes.value_key, changes.period_type, changes.period_start, changes.school_year, changes.indicator_id, changes.profile_id, changes.school_id,
    changes.grade_level, changes.group_family, changes.group_value,
    {% for column in columns -%}
        {% if is_touched_build() -%}
            coalesce(kept.{{ column }}, 0) + changes.{{ column }} as {{ column }}
        {%- else -%}
            changes.{{ column }}
        {%- endif %}{{ ',' if not loop.last }}
    {% endfor %}
from {{ ref('int_cell_changes') }} as changes
{% if is_touched_build() %}
    left join {{ this }} as kept on changes.value_key = kept.value_key
    where coalesce(kept.n_subjects, 0) + changes.n_subjects > 0
{% endif %}
