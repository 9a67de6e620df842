-- One shape for a member of staff in a section, or at a school, from the begin date up to, not including, the end date.
select
    assignments.staff_id as staff_key,
    nullif(assignments.section_id, '') as section_id,
    case when assignments.section_id <> '' then {{ concat_key(["'extract'", "assignments.section_id"]) }} end as section_key,
    coalesce(nullif(assignments.school_id, ''), sections.school_id) as school_key,
    assignments.staff_role,
    assignments.begin_date,
    coalesce(assignments.end_date, cast('9999-12-31' as date)) as end_date,
    assignments.delivery_id,
    assignments.line_number
from {{ ref('stg_extract__staff_assignments') }} as assignments
left join {{ ref('stg_extract__sections') }} as sections on assignments.section_id = sections.section_id

union all

select
    staff_id as staff_key,
    section_identifier as section_id,
    section_key,
    school_id as school_key,
    classroom_position_descriptor as staff_role,
    coalesce(begin_date, cast('1900-01-01' as date)) as begin_date,
    coalesce({{ add_days('end_date', 1) }}, cast('9999-12-31' as date)) as end_date,
    delivery_id,
    line_number
from {{ newest_records(ref('stg_edfi__staff_section_associations')) }}

union all

select
    staff_id as staff_key,
    cast(null as {{ dbt.type_string() }}) as section_id,
    cast(null as {{ dbt.type_string() }}) as section_key,
    education_organization_id as school_key,
    staff_classification_descriptor as staff_role,
    coalesce(begin_date, cast('1900-01-01' as date)) as begin_date,
    coalesce({{ add_days('end_date', 1) }}, cast('9999-12-31' as date)) as end_date,
    delivery_id,
    line_number
from {{ newest_records(ref('stg_edfi__staff_assignments')) }}
