-- Responses against who was asked, by wave and school, and ('' for the school) for the district. Of families and staff it is the stated count, for the district
-- alone. Unknown (no opening date, no count) is null, never zero. A response with at least one answer counts, one respondent once. A school of another agency
-- is in its own figures alone.
with elsewhere as (
    select school_key from {{ ref('dim_schools') }} where not is_in_district
),

waves as (
    select survey_id, wave_id, role as respondent_role, opens, eligible_count
    from {{ source('settings', 'survey_waves') }}
),

eligible as (
    select survey_id, wave_id, school_key, count(distinct student_key) as n_eligible
    from {{ ref('int_survey_students_asked') }}
    group by survey_id, wave_id, school_key
    union all
    select asked.survey_id, asked.wave_id, '' as school_key, count(distinct asked.student_key) as n_eligible
    from {{ ref('int_survey_students_asked') }} as asked
    left join elsewhere on asked.school_key = elsewhere.school_key
    where elsewhere.school_key is null
    group by asked.survey_id, asked.wave_id
    union all
    select survey_id, wave_id, '' as school_key, eligible_count as n_eligible
    from waves
    where respondent_role <> 'student' and eligible_count is not null
),

responses as (
    select
        survey_id,
        wave_id,
        coalesce(school_key, '') as school_key,
        coalesce(respondent_id, response_id) as respondent
    from {{ ref('int_survey_answers_combined') }}
    where answer is not null
),

counted as (
    select survey_id, wave_id, school_key, count(distinct respondent) as n_responses
    from responses
    where school_key <> ''
    group by survey_id, wave_id, school_key
    union all
    select responses.survey_id, responses.wave_id, '' as school_key, count(distinct responses.respondent) as n_responses
    from responses
    left join elsewhere on responses.school_key = elsewhere.school_key
    where elsewhere.school_key is null
    group by responses.survey_id, responses.wave_id
),

places as (
    select survey_id, wave_id, school_key from eligible
    union
    select survey_id, wave_id, school_key from counted
)

select
    {{ concat_key(["places.survey_id", "places.wave_id", "places.school_key"]) }} as rate_key,
    places.survey_id,
    places.wave_id,
    places.school_key,
    eligible.n_eligible,
    coalesce(counted.n_responses, 0) as n_responses,
    {{ safe_divide("coalesce(counted.n_responses, 0)", "eligible.n_eligible") }} as response_rate
from places
left join eligible
    on places.survey_id = eligible.survey_id and places.wave_id = eligible.wave_id and places.school_key = eligible.school_key
left join counted
    on places.survey_id = counted.survey_id and places.wave_id = counted.wave_id and places.school_key = counted.school_key
