-- depends_on: {{ ref('int_subject_indicators') }}
{{ config(materialized='touched', touched='int_cell_changes', touched_key='value_key') }}
-- Sums and second moments over people of every published cell: what they were and what tonight adds, in whole numbers, so that nothing is ever rounded.
{% if execute and not is_touched_build() and touched_replaced(ref('int_subject_indicators')) is not none %}
    {% do exceptions.raise_compiler_error(this ~ ' follows a difference and cannot be made from it: dbt build --full-refresh') %}
{% endif %}
select
    changes.value_key, changes.period_type, changes.period_start, changes.school_year, changes.indicator_id, changes.profile_id, changes.school_id,
    changes.grade_level, changes.group_family, changes.group_value,
    {{ moments_together('changes', 'kept' if is_touched_build() else none) }}
from {{ ref('int_cell_changes') }} as changes
{% if is_touched_build() %}
    left join (
        select kept.*
        from {{ this }} as kept
        where exists (select 1 from {{ ref('int_cell_changes') }} as changes where kept.value_key = changes.value_key)
    ) as kept on changes.value_key = kept.value_key
{% endif %}
where changes.n_subjects {{ '+ coalesce(kept.n_subjects, 0)' if is_touched_build() }} > 0
