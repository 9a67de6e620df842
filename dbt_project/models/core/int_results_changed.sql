{{ config(materialized='table', meta={'carries_lineage': false}) }}
-- Results to read again since the last finished build: those that changed, and all those of an assignment that changed after it was first sent.
with items as (
    select {{ concat_key(["'oneroster'", "sourced_id"]) }} as assignment_key
    from {{ source('changes', 'oneroster__line_items') }}
    group by sourced_id
    having count(*) > 1 or not {{ bool_any('_is_open') }}
    union all
    select {{ concat_key(["'lms'", "source_system", "source_system_identifier"]) }} as assignment_key
    from {{ source('changes', 'lms__assignments') }}
    group by source_system, source_system_identifier
    having count(*) > 1 or not {{ bool_any('_is_open') }}
),

lms_users as (
    select distinct source_system, source_system_identifier from {{ source('changes', 'lms__users') }}
)

select
    {{ concat_key(["'oneroster'", "line_item_sourced_id"]) }} as assignment_key,
    sourced_id as result_id
from {{ source('changes', 'oneroster__results') }}
union
select
    {{ concat_key(["'lms'", "source_system", "assignment_source_system_identifier"]) }} as assignment_key,
    source_system_identifier as result_id
from {{ source('changes', 'lms__submissions') }}
union
select
    {{ concat_key(["'oneroster'", "results.line_item_id"]) }} as assignment_key,
    results.result_id
from {{ ref('stg_oneroster__results') }} as results
inner join items on items.assignment_key = {{ concat_key(["'oneroster'", "results.line_item_id"]) }}
union
select
    {{ concat_key(["'lms'", "submissions.source_system", "submissions.assignment_id"]) }} as assignment_key,
    submissions.submission_id as result_id
from {{ ref('stg_lms__submissions') }} as submissions
left join items on items.assignment_key = {{ concat_key(["'lms'", "submissions.source_system", "submissions.assignment_id"]) }}
left join lms_users
    on submissions.source_system = lms_users.source_system and submissions.lms_user_id = lms_users.source_system_identifier
where items.assignment_key is not null or lms_users.source_system is not null
