select
    org_id as school_key,
    org_name as school_name,
    cast(null as boolean) as is_charter,
    parent_org_id as agency_id,
    delivery_id,
    line_number
from {{ ref('stg_oneroster__orgs') }}
where org_type = 'school'

union all

select
    school_id as school_key,
    school_name,
    is_charter,
    agency_id,
    delivery_id,
    line_number
from {{ ref('stg_extract__schools') }}

union all

select
    school_id as school_key,
    school_name,
    cast(null as boolean) as is_charter,
    local_education_agency_id as agency_id,
    delivery_id,
    line_number
from {{ ref('stg_edfi__schools') }}
