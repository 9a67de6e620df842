{{ config(materialized='view', meta={'carries_lineage': false}) }}
-- What a night's OneRoster files touch: students in all their week pieces so far (piece_start is null).
select user_sourced_id as student_key, cast(null as date) as piece_start, 'enrollment' as cause
from {{ source('changes', 'oneroster__roles') }}
union
select user_sourced_id as student_key, cast(null as date) as piece_start, 'enrollment' as cause
from {{ source('changes', 'oneroster__enrollments') }}
union
select sourced_id as student_key, cast(null as date) as piece_start, 'student' as cause
from {{ source('changes', 'oneroster__users') }}
union
select student_id as student_key, cast(null as date) as piece_start, 'student' as cause
from {{ source('changes', 'student_grades') }}
union
select sourced_id as student_key, cast(null as date) as piece_start, 'demographics' as cause
from {{ source('changes', 'oneroster__demographics') }}
union
-- a class that changed may be at another school: everyone in it, and in learning-system sections that stand for it, in all their pieces
select enrollments.user_id as student_key, cast(null as date) as piece_start, 'class' as cause
from {{ source('changes', 'oneroster__classes') }} as changed
inner join {{ ref('stg_oneroster__enrollments') }} as enrollments on changed.sourced_id = enrollments.class_id
where
    enrollments.user_role = 'student'
    and changed.sourced_id in (
        select sourced_id from {{ source('changes', 'oneroster__classes') }}
        group by sourced_id
        having count(distinct school_sourced_id) > 1 or not {{ bool_any('_is_open') }}
    )
union
select users.student_id as student_key, cast(null as date) as piece_start, 'class' as cause
from {{ source('changes', 'oneroster__classes') }} as changed
inner join {{ ref('int_lms_sections_placed') }} as sections on changed.sourced_id = sections.class_id
inner join {{ ref('stg_lms__section_associations') }} as associations
    on sections.source_system = associations.source_system and sections.lms_section_id = associations.lms_section_id
inner join {{ ref('int_lms_users_identified') }} as users
    on associations.source_system = users.source_system and associations.lms_user_id = users.lms_user_id
