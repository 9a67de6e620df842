{{ config(materialized='table', meta={'carries_lineage': false}) }}
-- Responses whose answers changed since the last finished build.
select {{ concat_key(["survey_id", "wave_id", "response_id"]) }} as response_key
from {{ source('changes', 'survey__answers') }}
union
-- Ed-Fi: answers change with themselves, with their response and with their survey
select {{ concat_key(["survey_identifier", "namespace", "survey_response_identifier"]) }} as response_key
from {{ source('changes', 'edfi__survey_question_responses') }}
union
select {{ concat_key(["survey_identifier", "namespace", "survey_response_identifier"]) }} as response_key
from {{ source('changes', 'edfi__survey_responses') }}
union
select {{ concat_key(["responses.survey_identifier", "responses.namespace", "responses.survey_response_identifier"]) }} as response_key
from {{ ref('stg_edfi__survey_responses') }} as responses
inner join {{ source('changes', 'edfi__surveys') }} as surveys
    on responses.namespace = surveys.namespace and responses.survey_identifier = surveys.survey_identifier
union
select {{ concat_key(["responses.survey_identifier", "responses.namespace", "responses.survey_response_identifier"]) }} as response_key
from {{ ref('stg_edfi__survey_responses') }} as responses
inner join {{ ref('stg_edfi__surveys') }} as surveys
    on responses.namespace = surveys.namespace and responses.survey_identifier = surveys.survey_identifier
inner join {{ source('changes', 'edfi__schools') }} as schools on surveys.education_organization_id = schools.school_id
