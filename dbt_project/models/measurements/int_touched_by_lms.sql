{{ config(materialized='view', meta={'carries_lineage': false}) }}
-- What a night's files of a learning system touch: students in all their week pieces so far (piece_start is null).
select sis_user_identifier as student_key, cast(null as date) as piece_start, 'student' as cause
from {{ source('changes', 'lms__users') }}
union
-- of users who are known by their e-mail address: who they are now, and whoever they were before the roster changed
select users.student_id as student_key, cast(null as date) as piece_start, 'student' as cause
from {{ source('changes', 'lms__users') }} as changed
inner join {{ ref('int_lms_users_identified') }} as users
    on changed.source_system = users.source_system and changed.source_system_identifier = users.lms_user_id
union
select student_id as student_key, cast(null as date) as piece_start, 'student' as cause
from {{ ref('int_lms_identities_changed') }}
union
select users.student_id as student_key, cast(null as date) as piece_start, 'enrollment' as cause
from {{ source('changes', 'lms__section_associations') }} as associations
inner join {{ ref('int_lms_users_identified') }} as users
    on
        associations.source_system = users.source_system
        and associations.lms_user_source_system_identifier = users.lms_user_id
union
-- a section that is another class now may be at another school: everyone in it, in all their pieces
select users.student_id as student_key, cast(null as date) as piece_start, 'section' as cause
from {{ source('changes', 'lms__sections') }} as changed
inner join {{ ref('stg_lms__section_associations') }} as associations
    on changed.source_system = associations.source_system and changed.source_system_identifier = associations.lms_section_id
inner join {{ ref('int_lms_users_identified') }} as users
    on associations.source_system = users.source_system and associations.lms_user_id = users.lms_user_id
