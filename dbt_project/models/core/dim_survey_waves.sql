-- The waves as they are declared. `role` says who was asked, `respondent` whether an answer can be led back to a person.
select
    {{ concat_key(["survey_id", "wave_id"]) }} as wave_key,
    survey_id,
    wave_id,
    role as respondent_role,
    respondent as respondent_kind,
    consent_basis,
    keep as answers_kept,
    opens as opens_on,
    closes as closes_on
from {{ source('settings', 'survey_waves') }}
