{{ config(materialized='view', meta={'carries_lineage': false}) }}
-- What a night's files of a learning system touch: students (all their week pieces so far, where piece_start is null), and their results where they were before.
select sis_user_identifier as student_key, cast(null as date) as piece_start, 'student' as cause
from {{ source('changes', 'lms__users') }}
union
select users.student_id as student_key, cast(null as date) as piece_start, 'enrollment' as cause
from {{ source('changes', 'lms__section_associations') }} as associations
inner join {{ ref('stg_lms__users') }} as users
    on
        associations.source_system = users.source_system
        and associations.lms_user_source_system_identifier = users.lms_user_id
union
select users.student_id as student_key, assignments.piece_start, 'results' as cause
from {{ source('changes', 'lms__submissions') }} as changed
inner join {{ ref('stg_lms__users') }} as users
    on changed.source_system = users.source_system and changed.lms_user_source_system_identifier = users.lms_user_id
inner join {{ ref('dim_assignments') }} as assignments
    on assignments.assignment_key = {{ concat_key(["'lms'", "changed.source_system", "changed.assignment_source_system_identifier"]) }}
