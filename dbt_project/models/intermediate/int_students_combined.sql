-- Every student that any source names. OneRoster 1.1 says it on the user, 1.2 in roles; a learning-management system
-- may know students that the roster lacks.
with named as (
    select user_id as student_key from {{ ref('stg_oneroster__users') }} where user_role = 'student'
    union
    select user_id as student_key from {{ ref('stg_oneroster__roles') }} where user_role = 'student'
    union
    select student_id as student_key from {{ ref('stg_lms__users') }} where user_role = 'student' and student_id is not null
)

select
    named.student_key,
    nullif(split_part(users.grade_levels, ',', 1), '') as grade_level,
    demographics.sex,
    demographics.hispanic_or_latino_ethnicity,
    demographics.american_indian_or_alaska_native,
    demographics.asian,
    demographics.black_or_african_american,
    demographics.native_hawaiian_or_other_pacific_islander,
    demographics.white,
    demographics.demographic_race_two_or_more_races
from named
left join {{ ref('stg_oneroster__users') }} as users on named.student_key = users.user_id
left join {{ ref('stg_oneroster__demographics') }} as demographics on named.student_key = demographics.user_id
