-- A student's grade level as of the latest entry up to the night, else (who is yet to come) the first after it.
with entries as (
    select
        associations.student_id as student_key,
        descriptors.code as grade_level,
        row_number() over (
            partition by associations.student_id order by
                case when associations.entry_date <= night.as_of then 0 else 1 end,
                case when associations.entry_date <= night.as_of then associations.entry_date end desc,
                associations.entry_date asc,
                associations.known_on desc,
                associations.record_id desc
        ) as recency
    from {{ ref('stg_edfi__student_school_associations') }} as associations
    cross join {{ source('settings', 'night') }} as night
    inner join {{ source('settings', 'edfi_descriptors') }} as descriptors
        on descriptors.field = 'grade_level' and associations.grade_level_descriptor = descriptors.descriptor
)

select student_key, grade_level
from entries
where recency = 1
