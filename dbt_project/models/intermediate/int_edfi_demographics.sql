-- What Ed-Fi says of a student's race, sex and status, one row a student: data standards 4 and 5 say it on the education organization association,
-- 6 in studentDemographics. Where several organizations say different things, any yes is a yes, and of several sexes the first by name.
with said as (
    select * from {{ ref('stg_edfi__student_demographics') }}
),

race_items as (
    select student_id, {{ json_items('races') }} as item
    from said
),

races as (
    select race_items.student_id, descriptors.code
    from race_items
    inner join {{ source('settings', 'edfi_descriptors') }} as descriptors
        on descriptors.field = 'race' and {{ json_field('race_items.item', 'raceDescriptor') }} = descriptors.descriptor
),

by_race as (
    select
        student_id,
        {{ bool_any("code = 'hispanic_or_latino'") }} as is_hispanic,
        {{ bool_any("code = 'american_indian_or_alaska_native'") }} as is_american_indian_or_alaska_native,
        {{ bool_any("code = 'asian'") }} as is_asian,
        {{ bool_any("code = 'black_or_african_american'") }} as is_black_or_african_american,
        {{ bool_any("code = 'native_hawaiian_or_other_pacific_islander'") }} as is_native_hawaiian_or_other_pacific_islander,
        {{ bool_any("code = 'white'") }} as is_white
    from races
    group by student_id
),

by_student as (
    select
        said.student_id,
        {{ bool_any("lower(said.hispanic_latino_ethnicity) in ('true', '1')") }} as is_hispanic,
        min(sexes.code) as sex
    from said
    left join {{ source('settings', 'edfi_descriptors') }} as sexes on sexes.field = 'sex' and said.sex_descriptor = sexes.descriptor
    group by said.student_id
)

select
    by_student.student_id as student_key,
    by_student.sex,
    case when by_student.is_hispanic or coalesce(by_race.is_hispanic, false) then 'true' else 'false' end as hispanic_or_latino_ethnicity,
    case when by_race.is_american_indian_or_alaska_native then 'true' else 'false' end as american_indian_or_alaska_native,
    case when by_race.is_asian then 'true' else 'false' end as asian,
    case when by_race.is_black_or_african_american then 'true' else 'false' end as black_or_african_american,
    case when by_race.is_native_hawaiian_or_other_pacific_islander then 'true' else 'false' end as native_hawaiian_or_other_pacific_islander,
    case when by_race.is_white then 'true' else 'false' end as white
from by_student
left join by_race on by_student.student_id = by_race.student_id
