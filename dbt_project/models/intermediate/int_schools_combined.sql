select
    org_id as school_key,
    org_name as school_name,
    delivery_id,
    line_number
from {{ ref('stg_oneroster__orgs') }}
where org_type = 'school'

union all

select
    school_id as school_key,
    school_name,
    delivery_id,
    line_number
from {{ ref('stg_edfi__schools') }}
