-- The measures that the district's indexes are made of, with their weights and how few people (or responses) a level may stand on. No row: no index.
select
    {{ concat_key(["chosen.index_id", "chosen.indicator_id", "chosen.profile_id"]) }} as measure_key,
    chosen.index_id,
    chosen.domain,
    chosen.indicator_id,
    chosen.profile_id,
    indicators.indicator_name || ' (' || profiles.authority || case when named.n_profiles > 1 then ': ' || chosen.profile_id else '' end || ')' as measure_name,
    coalesce(measures.subject_type, 'student') || 's' as subjects, -- flags together are made of no measure, and of students
    {{ try_cast_decimal("chosen.weight", 18, 3) }} as weight,
    {{ try_cast_decimal("chosen.domain_weight", 18, 3) }} as domain_weight,
    cast({{ try_cast_decimal("chosen.least_n", 18, 0) }} as bigint) as least_n
from {{ source('settings', 'index_measures') }} as chosen
inner join {{ ref('indicators') }} as indicators on chosen.indicator_id = indicators.indicator_id
inner join {{ ref('indicator_profiles') }} as profiles on chosen.indicator_id = profiles.indicator_id and chosen.profile_id = profiles.profile_id
inner join (
    select indicator_id, authority, count(*) as n_profiles
    from {{ ref('indicator_profiles') }}
    group by indicator_id, authority
) as named on profiles.indicator_id = named.indicator_id and profiles.authority = named.authority
left join {{ ref('measures') }} as measures on indicators.denominator_measure = measures.measure_id
