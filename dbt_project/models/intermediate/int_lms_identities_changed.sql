{{ config(materialized='view', meta={'carries_lineage': false}) }}
-- Learning-system users known by their e-mail address whom the roster's changes since the last finished build may make another student, with each student
-- they were or are: whoever had or has an address of a changed user, as one address of two users is nobody's.
with affected as (
    select {{ email_digest('email') }} as email_digest
    from {{ source('changes', 'oneroster__users') }}
    where email is not null
    union
    select users.email_digest
    from {{ source('changes', 'oneroster__roles') }} as changed
    inner join {{ ref('stg_oneroster__users') }} as users on changed.user_sourced_id = users.user_id
    where users.email_digest is not null
),

persons as (
    select {{ email_digest('email') }} as email_digest, sourced_id as student_id
    from {{ source('changes', 'oneroster__users') }}
    where email is not null
    union
    select users.email_digest, users.user_id as student_id
    from {{ ref('stg_oneroster__users') }} as users
    inner join affected on users.email_digest = affected.email_digest
)

select users.source_system, users.lms_user_id, persons.student_id
from {{ ref('stg_lms__users') }} as users
inner join {{ source('settings', 'sources') }} as sources on users.source_system = sources.source_id
inner join persons on users.lms_user_id = persons.email_digest
where sources.has_no_ids
