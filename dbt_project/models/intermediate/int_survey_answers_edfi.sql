-- Ed-Fi survey answers in the long answer shape, one row for each value of a question's response and each element of a matrix; a response without a value
-- is one blank answer. The item is the question's code (`code: element` for a matrix); a survey of a namespace is given once, so the namespace is the wave.
-- A response may say who gave it: that stays in stg_edfi__survey_responses, and nothing here carries it on.
with responses as (
    select
        responses.namespace,
        responses.survey_identifier,
        responses.survey_response_identifier,
        responses.response_date,
        case
            when responses.staff_id is not null then 'staff'
            when responses.contact_unique_id is not null then 'family'
            else 'student'
        end as respondent_role,
        coalesce(surveys.session_school_id, schools.school_id) as school_id
    from {{ newest_records(ref('stg_edfi__survey_responses')) }} as responses
    inner join {{ newest_records(ref('stg_edfi__surveys')) }} as surveys
        on responses.namespace = surveys.namespace and responses.survey_identifier = surveys.survey_identifier
    left join (select distinct school_id from {{ ref('stg_edfi__schools') }}) as schools on surveys.education_organization_id = schools.school_id
),

answered as (
    select
        namespace, survey_identifier, survey_response_identifier, question_code, delivery_id, line_number,
        {{ json_items("coalesce(response_values, '[{}]')") }} as item,
        false as is_matrix
    from {{ newest_records(ref('stg_edfi__survey_question_responses')) }}
    where response_values is not null or matrix_responses is null
    union all
    select
        namespace, survey_identifier, survey_response_identifier, question_code, delivery_id, line_number,
        {{ json_items('matrix_responses') }} as item,
        true as is_matrix
    from {{ newest_records(ref('stg_edfi__survey_question_responses')) }}
    where matrix_responses is not null
)

select
    answered.survey_identifier as survey_id,
    answered.namespace as wave_id,
    answered.survey_response_identifier as response_id,
    responses.response_date as answered_on,
    responses.respondent_role,
    responses.school_id,
    cast(null as {{ dbt.type_string() }}) as grade_level,
    case
        when answered.is_matrix then concat(answered.question_code, ': ', {{ json_field('answered.item', 'matrixElement') }})
        else answered.question_code
    end as item_title,
    coalesce({{ json_field('answered.item', 'textResponse') }}, {{ json_field('answered.item', 'numericResponse') }}) as answer,
    answered.delivery_id,
    answered.line_number
from answered
inner join responses
    on
        answered.namespace = responses.namespace
        and answered.survey_identifier = responses.survey_identifier
        and answered.survey_response_identifier = responses.survey_response_identifier
