-- depends_on: {{ ref('int_touched_gradebooks') }}
{{ config(materialized='touched', touched='int_touched_gradebooks', touched_key='gradebook_key') }}
-- The share of expected results that exist stands beside assignments completed of assignments expected: the registry says which indicator that is.
select
    gradebooks.gradebook_key,
    cast(gradebooks.school_year as int) as school_year,
    gradebooks.school_key as school_id,
    gradebooks.section_id,
    beside.indicator_id,
    gradebooks.period_type,
    gradebooks.period_start,
    gradebooks.period_end,
    gradebooks.gradebook_state,
    cast(gradebooks.n_due as bigint) as n_assignments_due,
    cast(gradebooks.n_graded as bigint) as n_assignments_graded,
    cast(gradebooks.n_graded_lately as bigint) as n_assignments_graded_lately,
    gradebooks.last_graded as last_graded_due_date,
    cast(gradebooks.n_results as bigint) as numerator,
    cast(gradebooks.n_expected as bigint) as denominator,
    cast(gradebooks.n_subjects as bigint) as n_subjects,
    {{ safe_divide('gradebooks.n_results', 'gradebooks.n_expected') }} as value
from {{ ref('fct_section_gradebooks') }} as gradebooks
inner join (
    select min(indicator_id) as indicator_id
    from {{ ref('indicators') }}
    where numerator_measure = 'assignments_completed' and denominator_measure = 'assignments_expected'
) as beside on beside.indicator_id is not null
{% if is_touched_build() %}
    inner join {{ ref('int_touched_gradebooks') }} as touched on gradebooks.gradebook_key = touched.gradebook_key
{% endif %}
where gradebooks.is_fed
