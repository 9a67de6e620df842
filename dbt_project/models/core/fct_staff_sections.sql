-- One row a staff member's link to a class section, from the begin date up to, not including, the end date (open on a side that is not said).
select
    record_id,
    staff_id as staff_key,
    section_key,
    school_id as school_key,
    school_year,
    coalesce(begin_date, cast('1900-01-01' as date)) as begin_date,
    coalesce({{ add_days('end_date', 1) }}, cast('9999-12-31' as date)) as end_date,
    classroom_position_descriptor,
    delivery_id,
    line_number
from {{ ref('stg_edfi__staff_section_associations') }}
