select school_key, min(school_name) as school_name
from {{ ref('int_schools_combined') }}
group by school_key
