select
    sourced_id as user_id,
    sex,
    american_indian_or_alaska_native,
    asian,
    black_or_african_american,
    native_hawaiian_or_other_pacific_islander,
    white,
    demographic_race_two_or_more_races,
    hispanic_or_latino_ethnicity,
    metadata,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'oneroster__demographics') }}
where _is_open
