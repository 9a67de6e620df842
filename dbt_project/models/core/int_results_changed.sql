{{ config(materialized='table', meta={'carries_lineage': false}) }}
-- A student's work on an assignment to read again since the last finished build: where a result changed, where the assignment, its class or section changed
-- (a new one may have results already: it was in quarantine when they came), and where a learning system's user is another student now.
with users_then_and_now as (
    select source_system, source_system_identifier, sis_user_identifier as student_id from {{ source('changes', 'lms__users') }}
    union
    select source_system, lms_user_id as source_system_identifier, student_id from {{ ref('int_lms_users_identified') }}
    union
    select source_system, lms_user_id as source_system_identifier, student_id from {{ ref('int_lms_identities_changed') }}
),

users_changed as (
    select source_system, source_system_identifier from {{ source('changes', 'lms__users') }}
    union
    select source_system, lms_user_id as source_system_identifier from {{ ref('int_lms_identities_changed') }}
)

select
    {{ concat_key(["'oneroster'", "line_item_sourced_id"]) }} as assignment_key,
    line_item_sourced_id as assignment_id,
    student_sourced_id as student_key
from {{ source('changes', 'oneroster__results') }}
union
select
    {{ concat_key(["'lms'", "changed.source_system", "changed.assignment_source_system_identifier"]) }} as assignment_key,
    changed.assignment_source_system_identifier as assignment_id,
    users.student_id as student_key
from {{ source('changes', 'lms__submissions') }} as changed
inner join users_then_and_now as users
    on changed.source_system = users.source_system and changed.lms_user_source_system_identifier = users.source_system_identifier
where users.student_id is not null
union
select
    {{ concat_key(["'edfi'", "namespace", "gradebook_entry_identifier"]) }} as assignment_key,
    gradebook_entry_identifier as assignment_id,
    student_unique_id as student_key
from {{ source('changes', 'edfi__student_gradebook_entries') }}
union
select results.assignment_key, results.assignment_id, results.student_key
from {{ ref('int_results_combined') }} as results
inner join {{ ref('int_assignments_moved') }} as items on results.assignment_id = items.assignment_id and results.assignment_key = items.assignment_key
union
select
    {{ concat_key(["'lms'", "submissions.source_system", "submissions.assignment_id"]) }} as assignment_key,
    submissions.assignment_id,
    users.student_id as student_key
from {{ ref('stg_lms__submissions') }} as submissions
inner join users_changed as changed
    on submissions.source_system = changed.source_system and submissions.lms_user_id = changed.source_system_identifier
inner join users_then_and_now as users
    on submissions.source_system = users.source_system and submissions.lms_user_id = users.source_system_identifier
where users.student_id is not null
