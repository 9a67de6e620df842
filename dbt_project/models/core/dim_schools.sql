-- A school, and whether it is the district's: where the settings name the district's agencies, a school of another agency (a charter school that is its own)
-- has figures of its own and is in none of the district's.
with schools as (
    select
        school_key,
        min(school_name) as school_name,
        {{ bool_any("is_charter") }} as is_charter,
        min(agency_id) as agency_id
    from {{ ref('int_schools_combined') }}
    group by school_key
)

select
    schools.school_key,
    schools.school_name,
    schools.is_charter,
    schools.agency_id,
    schools.agency_id is null
    or schools.agency_id in (select agencies.agency_id from {{ source('settings', 'agencies') }} as agencies)
    or not exists (select 1 from {{ source('settings', 'agencies') }}) as is_in_district
from schools
