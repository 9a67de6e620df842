-- The flags that put a student on the list of priority students, and what the school then does. `listed_when` is the flag's value that is no good news: of an
-- indicator of which more is better (on track) that it is not raised.
select
    {{ concat_key(["rules.indicator_id", "rules.profile_id"]) }} as rule_key,
    rules.indicator_id,
    rules.profile_id,
    indicators.indicator_name,
    profiles.authority,
    indicators.direction = 'lower_is_better' as listed_when,
    rules.will_do
from {{ source('settings', 'priority_rules') }} as rules
inner join {{ ref('indicators') }} as indicators on rules.indicator_id = indicators.indicator_id
inner join {{ ref('indicator_profiles') }} as profiles on rules.indicator_id = profiles.indicator_id and rules.profile_id = profiles.profile_id
