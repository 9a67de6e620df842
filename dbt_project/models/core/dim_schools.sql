select
    school_key,
    min(school_name) as school_name,
    {{ bool_any("is_charter") }} as is_charter,
    min(agency_id) as agency_id
from {{ ref('int_schools_combined') }}
group by school_key
