-- One shape for an assignment, from OneRoster line items and from a learning-management system. What is withdrawn within its school year is taken back;
-- what a later year's files no longer hold is not: a closed year does not change because a file got small.
select
    {{ concat_key(["'oneroster'", "items.line_item_id"]) }} as assignment_key,
    {{ concat_key(["'oneroster'", "items.class_id"]) }} as section_key,
    classes.school_id as school_key,
    items.due_date,
    items.points_possible
from {{ ref('stg_oneroster__line_items') }} as items
left join {{ ref('stg_oneroster__classes') }} as classes on items.class_id = classes.class_id
left join {{ source('settings', 'school_years') }} as years on items.due_date between years.start_date and years.end_date
where items.withdrawn_on is null or items.withdrawn_on > years.end_date

union all

select
    {{ concat_key(["'lms'", "assignments.source_system", "assignments.assignment_id"]) }} as assignment_key,
    {{ concat_key(["'lms'", "assignments.source_system", "assignments.lms_section_id"]) }} as section_key,
    classes.school_id as school_key,
    assignments.due_date,
    assignments.points_possible
from {{ ref('stg_lms__assignments') }} as assignments
left join {{ ref('stg_lms__sections') }} as sections
    on assignments.source_system = sections.source_system and assignments.lms_section_id = sections.lms_section_id
left join {{ ref('stg_oneroster__classes') }} as classes on sections.class_id = classes.class_id
