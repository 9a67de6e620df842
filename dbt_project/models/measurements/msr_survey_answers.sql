-- What is counted of the answers of each response: as the registry says of a measure, of all questions or of those of one construct, on any scale or on one,
-- of whoever was asked or of those of one role, and of a response where enough of the construct's questions are answered. The subject is the response: it is
-- never linked to a student, and has no groups but its own.
with answers as (
    select
        answers.response_key,
        answers.survey_id,
        coalesce(answers.school_key, '') as school_key,
        coalesce(answers.grade_level, 'unknown') as grade_level,
        answers.piece_start,
        answers.item_id,
        answers.is_favorable,
        answers.item_value,
        waves.respondent_role
    from {{ ref('fct_survey_answers') }} as answers
    inner join {{ ref('dim_survey_waves') }} as waves on answers.survey_id = waves.survey_id and answers.wave_id = waves.wave_id
    inner join {{ ref('int_touched_pieces') }} as touched
        on touched.subject_type = 'response' and answers.response_key = touched.subject_key and answers.piece_start = touched.piece_start
    where answers.is_valid
),

asked as (
    select
        answers.*,
        measures.measure_id,
        measures.counted,
        measures.scale,
        cast(null as bigint) as n_items,
        cast(null as bigint) as least_numerator,
        cast(null as bigint) as least_denominator
    from answers
    cross join {{ ref('measures') }} as measures
    where
        measures.model = 'msr_survey_answers'
        and measures.construct is null
        and coalesce(measures.respondent_role, answers.respondent_role) = answers.respondent_role
    union all
    select
        answers.*,
        measures.measure_id,
        measures.counted,
        measures.scale,
        constructs.n_items,
        cast(measures.least_numerator as bigint) as least_numerator,
        cast(measures.least_denominator as bigint) as least_denominator
    from answers
    inner join {{ ref('dim_survey_constructs') }} as constructs
        on answers.survey_id = constructs.survey_id and answers.item_id = constructs.item_id
    inner join {{ ref('measures') }} as measures on constructs.construct = measures.construct
    where
        measures.model = 'msr_survey_answers'
        and coalesce(measures.respondent_role, answers.respondent_role) = answers.respondent_role
        and (measures.scale_from is null or measures.scale_from = constructs.scale_minimum and measures.scale_to = constructs.scale_maximum)
),

summed as (
    select
        response_key, school_key, grade_level, piece_start, measure_id,
        {{ sum_bigint(
            "case when counted = 'value' then round(item_value * scale) when counted = 'valid' or is_favorable then scale else 0 end"
        ) }} as quantity
    from asked
    group by response_key, school_key, grade_level, piece_start, measure_id
    having min(least_denominator) is null or count(distinct item_id) * min(least_denominator) >= min(n_items) * min(least_numerator)
)

select
    'response' as subject_type,
    response_key as subject_key,
    school_key,
    grade_level,
    cast(null as {{ dbt.type_string() }}) as signature,
    cast(null as {{ dbt.type_string() }}) as modality,
    piece_start,
    measure_id,
    quantity
from summed
where quantity <> 0
