{{ config(materialized='table', meta={'carries_lineage': false}) }}
-- Assignments that changed since the last finished build, or whose class or section did: what is known of them is read again.
select {{ concat_key(["'oneroster'", "sourced_id"]) }} as assignment_key, sourced_id as assignment_id
from {{ source('changes', 'oneroster__line_items') }}
union
select {{ concat_key(["'lms'", "source_system", "source_system_identifier"]) }} as assignment_key, source_system_identifier as assignment_id
from {{ source('changes', 'lms__assignments') }}
union
select {{ concat_key(["'oneroster'", "items.line_item_id"]) }} as assignment_key, items.line_item_id as assignment_id
from {{ source('changes', 'oneroster__classes') }} as changed
inner join {{ ref('stg_oneroster__line_items') }} as items on changed.sourced_id = items.class_id
union
-- the code of a course, by which a district may say how its classes are graded
select {{ concat_key(["'oneroster'", "items.line_item_id"]) }} as assignment_key, items.line_item_id as assignment_id
from {{ source('changes', 'oneroster__courses') }} as changed
inner join {{ ref('stg_oneroster__classes') }} as classes on changed.sourced_id = classes.course_id
inner join {{ ref('stg_oneroster__line_items') }} as items on classes.class_id = items.class_id
union
select {{ concat_key(["'oneroster'", "items.line_item_id"]) }} as assignment_key, items.line_item_id as assignment_id
from {{ source('changes', 'oneroster__categories') }} as changed
inner join {{ ref('stg_oneroster__line_items') }} as items on changed.sourced_id = items.category_id
union
select {{ concat_key(["'lms'", "assignments.source_system", "assignments.assignment_id"]) }} as assignment_key, assignments.assignment_id
from {{ ref('stg_lms__assignments') }} as assignments
left join {{ ref('int_lms_sections_placed') }} as sections
    on assignments.source_system = sections.source_system and assignments.lms_section_id = sections.lms_section_id
left join {{ source('changes', 'lms__sections') }} as changed_sections
    on
        assignments.source_system = changed_sections.source_system
        and assignments.lms_section_id = changed_sections.source_system_identifier
left join {{ source('changes', 'oneroster__classes') }} as changed_classes on sections.class_id = changed_classes.sourced_id
left join {{ ref('stg_oneroster__classes') }} as classes on sections.class_id = classes.class_id
left join {{ source('changes', 'oneroster__courses') }} as changed_courses on classes.course_id = changed_courses.sourced_id
where changed_sections.source_system is not null or changed_classes.sourced_id is not null or changed_courses.sourced_id is not null
union
-- an entry is known to its results by namespace and identifier, not by record, and may be let in after them: any change of it may move them
select {{ concat_key(["'edfi'", "namespace", "gradebook_entry_identifier"]) }} as assignment_key, gradebook_entry_identifier as assignment_id
from {{ source('changes', 'edfi__gradebook_entries') }}
union
-- and one that names its section as the source does moves with the sections
select entries.assignment_key, entries.gradebook_entry_identifier as assignment_id
from {{ ref('stg_edfi__gradebook_entries') }} as entries
inner join {{ source('changes', 'edfi__sections') }} as sections on entries.source_section_identifier = sections.section_identifier
where entries.section_key is null
