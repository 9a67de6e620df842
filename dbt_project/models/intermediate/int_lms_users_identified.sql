{{ config(materialized='table') }}
-- Users of a learning system, with the student that each is. Most systems say a student id. Where a source knows people by their e-mail address alone, the
-- user's id is the address's SHA-256: the student is whom the district's map names for it, else the one user of the roster who has it, if that is a student.
with known_by_email as (
    select users.source_system, users.lms_user_id
    from {{ ref('stg_lms__users') }} as users
    inner join {{ source('settings', 'sources') }} as sources on users.source_system = sources.source_id
    where sources.has_no_ids and users.student_id is null
),

digests as (
    select distinct lms_user_id as email_digest
    from known_by_email
),

mapped as (
    select {{ email_digest('email') }} as email_digest, min(student_id) as student_id, count(distinct student_id) as n_students
    from {{ source('settings', 'classroom_students') }}
    group by {{ email_digest('email') }}
),

students as (
    select user_id from {{ ref('stg_oneroster__users') }} where user_role = 'student'
    union
    select user_id from {{ ref('stg_oneroster__roles') }} where user_role = 'student'
),

rostered as (
    select users.email_digest, min(users.user_id) as student_id
    from {{ ref('stg_oneroster__users') }} as users
    inner join digests on users.email_digest = digests.email_digest
    group by users.email_digest
    having count(distinct users.user_id) = 1
)

select
    users.source_system,
    users.lms_user_id,
    coalesce(
        users.student_id,
        case when mapped.n_students = 1 then mapped.student_id end,
        case when mapped.email_digest is null then students.user_id end
    ) as student_id,
    users.user_role,
    users.known_on,
    users.delivery_id,
    users.line_number
from {{ ref('stg_lms__users') }} as users
left join known_by_email
    on users.source_system = known_by_email.source_system and users.lms_user_id = known_by_email.lms_user_id
left join mapped on known_by_email.lms_user_id = mapped.email_digest
left join rostered on known_by_email.lms_user_id = rostered.email_digest
left join students on rostered.student_id = students.user_id
