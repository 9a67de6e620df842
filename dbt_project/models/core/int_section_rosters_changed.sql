{{ config(materialized='table', meta={'carries_lineage': false}) }}
-- Sections that may have other students since the last finished build: an enrollment in them changed, or a learning system's user in them is, or was,
-- another student.
with users_changed as (
    select source_system, source_system_identifier as lms_user_id from {{ source('changes', 'lms__users') }}
    union
    select source_system, lms_user_id from {{ ref('int_lms_identities_changed') }}
)

select {{ concat_key(["'oneroster'", "class_sourced_id"]) }} as section_key
from {{ source('changes', 'oneroster__enrollments') }}
union
select {{ concat_key(["'lms'", "source_system", "lms_section_source_system_identifier"]) }} as section_key
from {{ source('changes', 'lms__section_associations') }}
union
select {{ concat_key(["'lms'", "associations.source_system", "associations.lms_section_id"]) }} as section_key
from {{ ref('stg_lms__section_associations') }} as associations
inner join users_changed as changed
    on associations.source_system = changed.source_system and associations.lms_user_id = changed.lms_user_id
union
select {{ edfi_section_key() }} as section_key
from {{ source('changes', 'edfi__student_section_associations') }}
