-- Every student that any source names. OneRoster 1.1 says it on the user, 1.2 in roles; a learning-management system
-- may know students that the roster lacks; an extract's students and Ed-Fi's stand for themselves. Who a roster describes is described by it alone, else
-- by the extract.
with named as (
    select user_id as student_key from {{ ref('stg_oneroster__users') }} where user_role = 'student'
    union
    select user_id as student_key from {{ ref('stg_oneroster__roles') }} where user_role = 'student'
    union
    select student_id as student_key from {{ ref('int_lms_users_identified') }} where user_role = 'student' and student_id is not null
    union
    select student_id as student_key from {{ ref('stg_extract__students') }}
    union
    select student_id as student_key from {{ ref('stg_edfi__students') }}
),

-- the district's codes, and our own names, which need none
race_names as (
    select code, race from {{ source('settings', 'race_codes') }}
    {% for race in [
        'american_indian_or_alaska_native', 'asian', 'black_or_african_american', 'native_hawaiian_or_other_pacific_islander', 'white'
    ] %}
        union all
        select '{{ race }}' as code, '{{ race }}' as race
    {% endfor %}
),

extracted as (
    select
        students.student_id,
        min(coalesce(grades.grade_level, students.grade_level)) as grade_level,
        min(coalesce(sexes.sex, lower(students.sex))) as sex,
        max(case when students.hispanic = 'true' or names.race = 'hispanic_or_latino' then 'true' end) as hispanic_or_latino_ethnicity,
        max(case when names.race = 'american_indian_or_alaska_native' then 'true' end) as american_indian_or_alaska_native,
        max(case when names.race = 'asian' then 'true' end) as asian,
        max(case when names.race = 'black_or_african_american' then 'true' end) as black_or_african_american,
        max(case when names.race = 'native_hawaiian_or_other_pacific_islander' then 'true' end) as native_hawaiian_or_other_pacific_islander,
        max(case when names.race = 'white' then 'true' end) as white,
        max(case when names.race = 'two_or_more_races' then 'true' end) as demographic_race_two_or_more_races
    from {{ ref('stg_extract__students') }} as students
    left join {{ source('settings', 'grade_levels') }} as grades on students.grade_level = grades.code
    left join {{ source('settings', 'sex_codes') }} as sexes on students.sex = sexes.code
    -- the list of races in one cell, each between commas
    left join race_names as names
        on instr(',' || replace(replace(replace(students.races, ';', ','), '|', ','), ', ', ',') || ',', ',' || names.code || ',') > 0
    group by students.student_id
),

described as (
    select
        user_id as student_key,
        sex,
        hispanic_or_latino_ethnicity,
        american_indian_or_alaska_native,
        asian,
        black_or_african_american,
        native_hawaiian_or_other_pacific_islander,
        white,
        demographic_race_two_or_more_races
    from {{ ref('stg_oneroster__demographics') }}
    union all
    select
        extracted.student_id as student_key,
        extracted.sex,
        extracted.hispanic_or_latino_ethnicity,
        extracted.american_indian_or_alaska_native,
        extracted.asian,
        extracted.black_or_african_american,
        extracted.native_hawaiian_or_other_pacific_islander,
        extracted.white,
        extracted.demographic_race_two_or_more_races
    from extracted
    where not exists (select 1 from {{ ref('stg_oneroster__demographics') }} as roster where roster.user_id = extracted.student_id)
    union all
    select
        edfi.student_key,
        edfi.sex,
        edfi.hispanic_or_latino_ethnicity,
        edfi.american_indian_or_alaska_native,
        edfi.asian,
        edfi.black_or_african_american,
        edfi.native_hawaiian_or_other_pacific_islander,
        edfi.white,
        cast(null as {{ dbt.type_string() }}) as demographic_race_two_or_more_races
    from {{ ref('int_edfi_demographics') }} as edfi
    where
        not exists (select 1 from {{ ref('stg_oneroster__demographics') }} as roster where roster.user_id = edfi.student_key)
        and not exists (select 1 from extracted where extracted.student_id = edfi.student_key)
)

select
    named.student_key,
    coalesce(nullif(split_part(users.grade_levels, ',', 1), ''), extracted.grade_level, edfi_grades.grade_level) as grade_level,
    described.sex,
    described.hispanic_or_latino_ethnicity,
    described.american_indian_or_alaska_native,
    described.asian,
    described.black_or_african_american,
    described.native_hawaiian_or_other_pacific_islander,
    described.white,
    described.demographic_race_two_or_more_races
from named
left join {{ ref('stg_oneroster__users') }} as users on named.student_key = users.user_id
left join extracted on named.student_key = extracted.student_id
left join {{ ref('int_edfi_grade_levels') }} as edfi_grades on named.student_key = edfi_grades.student_key
left join described on named.student_key = described.student_key
