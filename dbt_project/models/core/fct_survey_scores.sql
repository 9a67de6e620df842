{{ config(
    materialized='touched',
    touched='int_survey_scores_changed',
    touched_key=['response_key']
) }}
-- Topic scores as a vendor computed them: never mixed with answers, from which our own figures are made.
with scores as (
    select
        {{ concat_key(["scores.survey_id", "scores.wave_id", "scores.response_id"]) }} as response_key,
        scores.survey_id,
        scores.wave_id,
        case when waves.respondent = 'linked' then scores.respondent_id end as respondent_key,
        scores.answered_on,
        scores.respondent_role,
        scores.school_id as school_key,
        scores.grade_level,
        scores.score_name,
        scores.score,
        scores.delivery_id,
        scores.line_number
    from {{ ref('stg_survey__scores') }} as scores
    left join {{ source('settings', 'survey_waves') }} as waves
        on scores.survey_id = waves.survey_id and scores.wave_id = waves.wave_id
    where scores.score is not null
)

select scores.*
from scores
{% if is_touched_build() %}
    inner join {{ ref('int_survey_scores_changed') }} as changed on scores.response_key = changed.response_key
{% endif %}
