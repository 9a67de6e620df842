-- One shape for a member of staff; names are not kept. Whom the district's extract describes is described by it alone.
select
    staff_id as staff_key,
    years_experience,
    hire_date,
    cast(null as {{ dbt.type_string() }}) as highest_education,
    cast(null as boolean) as is_highly_qualified,
    delivery_id,
    line_number
from {{ ref('stg_extract__staff') }}

union all

-- Ed-Fi: years of teaching before this school year
select
    staff.staff_id as staff_key,
    max(staff.teaching_experience_years) as years_experience,
    cast(null as date) as hire_date,
    min(staff.highest_education_descriptor) as highest_education,
    {{ bool_any('staff.is_highly_qualified') }} as is_highly_qualified,
    min(staff.delivery_id) as delivery_id,
    min(staff.line_number) as line_number
from {{ ref('stg_edfi__staff') }} as staff
left join {{ ref('stg_extract__staff') }} as extracts on staff.staff_id = extracts.staff_id
where extracts.staff_id is null
group by staff.staff_id
