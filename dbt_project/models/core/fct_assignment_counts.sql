{{ config(
    materialized='touched',
    touched='int_assignments_changed',
    touched_key=['assignment_key']
) }}
-- How many students' work on an assignment is known, and how many of them handed it in.
select
    results.assignment_key,
    count(*) as n_results,
    {{ sum_bigint('case when results.is_submitted then 1 else 0 end') }} as n_submitted
from {{ ref('fct_assignment_results') }} as results
{% if is_touched_build() %}
    inner join {{ ref('int_assignments_changed') }} as changed on results.assignment_key = changed.assignment_key
{% endif %}
group by results.assignment_key
