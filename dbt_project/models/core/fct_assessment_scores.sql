{{ config(
    materialized='touched',
    touched='int_assessment_scores_changed',
    touched_key=['record_id']
) }}
-- One row a result that an assessment gave a student: each score by its reporting method, and each performance level.
with tests as (
    select tests.*
    from {{ ref('stg_edfi__student_assessments') }} as tests
    {% if is_touched_build() %}
        inner join {{ ref('int_assessment_scores_changed') }} as changed on tests.record_id = changed.record_id
    {% endif %}
),

items as (
    select record_id, 'score' as result_kind, {{ json_items('score_results') }} as item
    from tests
    union all
    select record_id, 'performance_level' as result_kind, {{ json_items('performance_levels') }} as item
    from tests
),

results as (
    select
        record_id,
        result_kind,
        {{ json_field('item', 'assessmentReportingMethodDescriptor') }} as reporting_method_descriptor,
        coalesce({{ json_field('item', 'result') }}, {{ json_field('item', 'performanceLevelDescriptor') }}) as result_text
    from items
)

select
    results.record_id,
    tests.student_id as student_key,
    tests.namespace,
    tests.assessment_id,
    tests.administration_date,
    results.result_kind,
    results.reporting_method_descriptor,
    results.result_text,
    {{ try_cast_decimal('results.result_text') }} as result_value,
    tests.delivery_id,
    tests.line_number
from results
inner join tests on results.record_id = tests.record_id
