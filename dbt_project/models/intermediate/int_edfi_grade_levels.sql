-- A student's grade level as of the latest entry that Ed-Fi knows of.
with entries as (
    select
        associations.student_id as student_key,
        descriptors.code as grade_level,
        row_number() over (
            partition by associations.student_id order by associations.entry_date desc, associations.record_id desc
        ) as recency
    from {{ ref('stg_edfi__student_school_associations') }} as associations
    inner join {{ source('settings', 'edfi_descriptors') }} as descriptors
        on descriptors.field = 'grade_level' and associations.grade_level_descriptor = descriptors.descriptor
)

select student_key, grade_level
from entries
where recency = 1
