{{ config(
    materialized='touched',
    touched='int_assessments_changed',
    touched_key=['student_key', 'assessment_id', 'administered_on']
) }}
-- An Ed-Fi student's result on an assessment and day, once: of two records with one natural key the one that came later counts, and of two of one day too
-- (by the day on which each was first seen: one that is merely sent again is no later). Which reporting
-- methods say its score, level or growth percentile, and with which of them a performance level counts, `edfi_descriptors` says. Of several scores of a kind
-- that of the method whose descriptor comes first in the alphabet counts, and of that the greatest; what is no number is no score, and what is no whole number
-- from 1 to 99 no growth percentile. A performance level counts that was met, or of which nothing says whether: of several that of the first method again
-- (one without a method comes last), of that the one of the highest number in `performance_levels`, and then the first name. A record without any is no result.
with tests as (
    select
        tests.*,
        row_number() over (partition by tests.natural_key order by tests.first_seen_on desc, tests.record_id desc) as recency
    from {{ ref('stg_edfi__student_assessments') }} as tests
    {% if is_touched_build() %}
        -- a record of a touched day may be taken over by one of another day
        inner join (
            select distinct said.natural_key
            from {{ ref('stg_edfi__student_assessments') }} as said
            inner join {{ ref('int_assessments_changed') }} as changed
                on
                    said.student_id = changed.student_key
                    and said.assessment_id = changed.assessment_id
                    and said.administration_date = changed.administered_on
        ) as touched on tests.natural_key = touched.natural_key
    {% endif %}
),

newest as (
    select
        tests.*,
        row_number() over (
            partition by tests.student_id, tests.assessment_id, tests.administration_date order by tests.first_seen_on desc, tests.record_id desc
        ) as place
    from tests
    where tests.recency = 1 and tests.administration_date is not null
),

given as (
    select newest.*
    from newest
    {% if is_touched_build() %}
        inner join {{ ref('int_assessments_changed') }} as changed
            on
                newest.student_id = changed.student_key
                and newest.assessment_id = changed.assessment_id
                and newest.administration_date = changed.administered_on
    {% endif %}
    where newest.place = 1
),

score_items as (
    select record_id, {{ json_items('score_results') }} as item
    from given
),

scores as (
    select
        items.record_id,
        methods.code,
        methods.descriptor,
        {{ try_cast_decimal(json_field('items.item', 'result')) }} as result
    from score_items as items
    inner join {{ source('settings', 'edfi_descriptors') }} as methods
        on
            methods.field = 'score_method'
            and {{ json_field('items.item', 'assessmentReportingMethodDescriptor') }} = methods.descriptor
),

ranked_scores as (
    select
        record_id,
        code,
        result,
        row_number() over (partition by record_id, code order by descriptor asc, result desc) as place
    from scores
    where
        result is not null
        and (code in ('scale_score', 'level_number') or code = 'growth_percentile' and result between 1 and 99 and result = floor(result))
),

first_scores as (
    select
        record_id,
        max(case when code = 'scale_score' then result end) as scale_score,
        max(case when code = 'level_number' then result end) as level_number,
        max(case when code = 'growth_percentile' then result end) as growth_percentile
    from ranked_scores
    where place = 1
    group by record_id
),

level_items as (
    select record_id, assessment_id, {{ json_items('performance_levels') }} as item
    from given
),

levels_said as (
    select
        record_id,
        assessment_id,
        {{ json_field('item', 'performanceLevelDescriptor') }} as performance_level,
        {{ json_field('item', 'assessmentReportingMethodDescriptor') }} as method,
        coalesce(lower({{ json_field('item', 'performanceLevelMet') }}), 'true') = 'true' as is_met
    from level_items
),

ranked_levels as (
    select
        said.record_id,
        said.performance_level,
        row_number() over (
            partition by said.record_id
            order by
                case when said.method is null then 1 else 0 end asc,
                coalesce(said.method, '') asc,
                coalesce({{ try_cast_decimal('numbers.level_number') }}, -1) desc,
                said.performance_level asc
        ) as place
    from levels_said as said
    left join {{ source('settings', 'edfi_descriptors') }} as methods on methods.field = 'level_method' and said.method = methods.descriptor
    left join {{ source('settings', 'performance_levels') }} as numbers
        on said.assessment_id = numbers.assessment_id and said.performance_level = numbers.performance_level
    where said.is_met and said.performance_level is not null and (said.method is null or methods.code = 'performance_level')
)

select
    given.student_id as student_key,
    given.assessment_id,
    given.administration_date as administered_on,
    first_scores.scale_score,
    ranked_levels.performance_level,
    first_scores.level_number,
    first_scores.growth_percentile,
    given.delivery_id,
    given.line_number
from given
left join first_scores on given.record_id = first_scores.record_id
left join ranked_levels on given.record_id = ranked_levels.record_id and ranked_levels.place = 1
where first_scores.record_id is not null or ranked_levels.record_id is not null
