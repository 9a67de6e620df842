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
    union all
    -- an entry is known to its results by namespace and identifier, not by record: any change of it, after it was first sent, may move them
    select {{ concat_key(["'edfi'", "namespace", "gradebook_entry_identifier"]) }} as assignment_key
    from {{ source('changes', 'edfi__gradebook_entries') }}
    group by namespace, gradebook_entry_identifier
    having count(*) > 1 or not {{ bool_any('_is_open') }}
    union all
    -- and one that names its section as the source does moves with the sections
    select entries.assignment_key
    from {{ ref('stg_edfi__gradebook_entries') }} as entries
    inner join {{ source('changes', 'edfi__sections') }} as sections on entries.source_section_identifier = sections.section_identifier
    where entries.section_key is null
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
    {{ concat_key(["'edfi'", "namespace", "gradebook_entry_identifier"]) }} as assignment_key,
    record_id as result_id
from {{ source('changes', 'edfi__student_gradebook_entries') }}
union
select results.assignment_key, results.record_id as result_id
from {{ ref('stg_edfi__student_gradebook_entries') }} as results
inner join items on results.assignment_key = items.assignment_key
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
