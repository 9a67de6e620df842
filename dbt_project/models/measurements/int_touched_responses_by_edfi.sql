{{ config(materialized='view', meta={'carries_lineage': false}) }}
-- The survey responses that a night's Ed-Fi records touch, in the week pieces where they are and were.
with dated as (
    select namespace, survey_identifier, survey_response_identifier, response_date
    from {{ ref('stg_edfi__survey_responses') }}
    union
    select namespace, survey_identifier, survey_response_identifier, {{ try_cast_date('response_date') }} as response_date
    from {{ source('changes', 'edfi__survey_responses') }}
)

select changed.response_key, dates.piece_start
from dated
inner join {{ ref('int_survey_changed') }} as changed
    on changed.response_key = {{ concat_key(["dated.survey_identifier", "dated.namespace", "dated.survey_response_identifier"]) }}
inner join {{ ref('dim_dates') }} as dates on dated.response_date = dates.calendar_date
