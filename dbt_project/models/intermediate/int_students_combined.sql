-- Every student that any source names. OneRoster 1.1 says it on the user, 1.2 in roles; a learning-management system
-- may know students that the roster lacks.
with named as (
    select user_id as student_key from {{ ref('stg_oneroster__users') }} where user_role = 'student'
    union
    select user_id as student_key from {{ ref('stg_oneroster__roles') }} where user_role = 'student'
    union
    select student_id as student_key from {{ ref('stg_lms__users') }} where user_role = 'student' and student_id is not null
    union
    select student_id as student_key from {{ ref('stg_edfi__students') }}
)

select
    named.student_key,
    coalesce(nullif(split_part(users.grade_levels, ',', 1), ''), edfi_grades.grade_level) as grade_level,
    coalesce(demographics.sex, edfi.sex) as sex,
    coalesce(demographics.hispanic_or_latino_ethnicity, edfi.hispanic_or_latino_ethnicity) as hispanic_or_latino_ethnicity,
    coalesce(demographics.american_indian_or_alaska_native, edfi.american_indian_or_alaska_native) as american_indian_or_alaska_native,
    coalesce(demographics.asian, edfi.asian) as asian,
    coalesce(demographics.black_or_african_american, edfi.black_or_african_american) as black_or_african_american,
    coalesce(demographics.native_hawaiian_or_other_pacific_islander, edfi.native_hawaiian_or_other_pacific_islander) as native_hawaiian_or_other_pacific_islander,
    coalesce(demographics.white, edfi.white) as white,
    demographics.demographic_race_two_or_more_races
from named
left join {{ ref('stg_oneroster__users') }} as users on named.student_key = users.user_id
left join {{ ref('stg_oneroster__demographics') }} as demographics on named.student_key = demographics.user_id
left join {{ ref('int_edfi_demographics') }} as edfi on named.student_key = edfi.student_key
left join {{ ref('int_edfi_grade_levels') }} as edfi_grades on named.student_key = edfi_grades.student_key
