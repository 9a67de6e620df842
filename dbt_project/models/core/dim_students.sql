-- Federal roll-up (72 FR 59266): Hispanic of any race, else the one race, else two or more; nothing said is unknown, never white.
with flagged as (
    select
        student_key,
        grade_level,
        sex,
        coalesce(hispanic_or_latino_ethnicity, '') = 'true' as is_hispanic,
        coalesce(demographic_race_two_or_more_races, '') = 'true' as is_two_or_more,
        case when american_indian_or_alaska_native = 'true' then 1 else 0 end as american_indian_or_alaska_native,
        case when asian = 'true' then 1 else 0 end as asian,
        case when black_or_african_american = 'true' then 1 else 0 end as black_or_african_american,
        case when native_hawaiian_or_other_pacific_islander = 'true' then 1 else 0 end as native_hawaiian_or_other_pacific_islander,
        case when white = 'true' then 1 else 0 end as white
    from {{ ref('int_students_combined') }}
)

select
    student_key,
    coalesce(grade_level, 'unknown') as grade_level,
    coalesce(sex, 'unknown') as gender,
    case
        when is_hispanic then 'hispanic_or_latino'
        when
            is_two_or_more
            or american_indian_or_alaska_native + asian + black_or_african_american + native_hawaiian_or_other_pacific_islander + white > 1
            then 'two_or_more_races'
        when american_indian_or_alaska_native = 1 then 'american_indian_or_alaska_native'
        when asian = 1 then 'asian'
        when black_or_african_american = 1 then 'black_or_african_american'
        when native_hawaiian_or_other_pacific_islander = 1 then 'native_hawaiian_or_other_pacific_islander'
        when white = 1 then 'white'
        else 'unknown'
    end as race_ethnicity
from flagged
