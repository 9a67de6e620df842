-- Staff as Ed-Fi knows them, without names. Years are of teaching before this school year.
select
    staff_id as staff_key,
    max(teaching_experience_years) as teaching_experience_years,
    min(highest_education_descriptor) as highest_education_descriptor,
    {{ bool_any('is_highly_qualified') }} as is_highly_qualified,
    min(delivery_id) as delivery_id,
    min(line_number) as line_number
from {{ ref('stg_edfi__staff') }}
group by staff_id
