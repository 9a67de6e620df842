-- A student in a class section from the begin date up to, not including, the end date (open on a side that is not said).
select
    user_id as student_key,
    {{ concat_key(["'oneroster'", "class_id"]) }} as section_key,
    coalesce(begin_date, cast('1900-01-01' as date)) as begin_date,
    coalesce(end_date, cast('9999-12-31' as date)) as end_date
from {{ ref('stg_oneroster__enrollments') }}
where user_role = 'student'

union all

-- a learning system's teachers are no students, nor is anybody whom nobody knows as one; who has no role is taken for a student
select
    users.student_id as student_key,
    {{ concat_key(["'lms'", "associations.source_system", "associations.lms_section_id"]) }} as section_key,
    coalesce(associations.begin_date, cast('1900-01-01' as date)) as begin_date,
    coalesce(associations.end_date, cast('9999-12-31' as date)) as end_date
from {{ ref('stg_lms__section_associations') }} as associations
inner join {{ ref('int_lms_users_identified') }} as users
    on associations.source_system = users.source_system and associations.lms_user_id = users.lms_user_id
where
    (associations.enrollment_status = 'Active' or associations.end_date is not null)
    and users.student_id is not null
    and coalesce(lower(users.user_role), 'student') = 'student'

union all

select
    student_id as student_key,
    {{ concat_key(["'extract'", "section_id"]) }} as section_key,
    begin_date,
    coalesce(end_date, cast('9999-12-31' as date)) as end_date
from {{ ref('stg_extract__schedules') }}

union all

-- Ed-Fi: the end date is the last day in the section
select
    student_id as student_key,
    section_key,
    begin_date,
    coalesce({{ add_days('end_date', 1) }}, cast('9999-12-31' as date)) as end_date
from {{ newest_records(ref('stg_edfi__student_section_associations')) }}
