-- One shape for a member of staff in a section, or at a school, from the begin date up to, not including, the end date.
select
    assignments.staff_id as staff_key,
    nullif(assignments.section_id, '') as section_id,
    case when assignments.section_id <> '' then {{ concat_key(["'extract'", "assignments.section_id"]) }} end as section_key,
    coalesce(nullif(assignments.school_id, ''), sections.school_key) as school_key,
    assignments.staff_role,
    assignments.begin_date,
    coalesce(assignments.end_date, cast('9999-12-31' as date)) as end_date,
    assignments.delivery_id,
    assignments.line_number
from {{ ref('stg_extract__staff_assignments') }} as assignments
left join {{ ref('int_sections_combined') }} as sections on assignments.section_id = sections.section_id
