-- What was answered, of every source: one branch a staging model. A form's blank cell is no answer; an Ed-Fi record of an answer without a value is one.
-- `choice` is '' but where several may be ticked.
select
    survey_id,
    wave_id,
    response_id,
    respondent_id,
    answered_on,
    respondent_role,
    school_id as school_key,
    grade_level,
    item_title,
    occurrence,
    choice,
    answer,
    delivery_id,
    line_number
from {{ ref('stg_survey__answers') }}
where answer is not null

union all

select
    survey_id,
    wave_id,
    response_id,
    cast(null as {{ dbt.type_string() }}) as respondent_id,
    answered_on,
    respondent_role,
    school_id as school_key,
    grade_level,
    item_title,
    '1' as occurrence,
    '' as choice,
    answer,
    delivery_id,
    line_number
from {{ ref('int_survey_answers_edfi') }}
