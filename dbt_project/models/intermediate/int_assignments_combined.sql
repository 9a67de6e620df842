-- One shape for an assignment, from OneRoster line items, a learning-management system and Ed-Fi gradebook entries.
select
    {{ concat_key(["'oneroster'", "items.line_item_id"]) }} as assignment_key,
    {{ concat_key(["'oneroster'", "items.class_id"]) }} as section_key,
    classes.school_id as school_key,
    items.due_date,
    items.points_possible
from {{ ref('stg_oneroster__line_items') }} as items
left join {{ ref('stg_oneroster__classes') }} as classes on items.class_id = classes.class_id

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

union all

-- Ed-Fi: an entry without a due date falls due on the day it was assigned; one without a section reference may name the section as its source does
select
    entries.assignment_key,
    coalesce(entries.section_key, named.section_key) as section_key,
    coalesce(entries.school_id, named.school_id) as school_key,
    coalesce(entries.due_date, entries.date_assigned) as due_date,
    entries.max_points as points_possible
from {{ ref('int_edfi_gradebook_entries') }} as entries
left join (
    select section_identifier, min(section_key) as section_key, min(school_id) as school_id
    from {{ ref('stg_edfi__sections') }}
    group by section_identifier
    having count(distinct section_key) = 1
) as named on entries.source_section_identifier = named.section_identifier
