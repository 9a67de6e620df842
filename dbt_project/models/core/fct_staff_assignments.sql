-- Who worked where, with whom, when: rewritten whole each night, for it is small.
select
    staff_key,
    section_key,
    school_key,
    staff_role,
    begin_date,
    end_date,
    delivery_id,
    line_number
from {{ ref('int_staff_sections_combined') }}
