-- Every signature in use, taken apart again: the rows that turn one aggregate per signature into one per group.
with used as (
    select signature, groups_text from {{ ref('dim_student_versions') }}
    union
    select signature, groups_text from {{ ref('dim_student_years') }}
),

families as (
    select group_family, row_number() over (order by group_family) as position
    from {{ ref('group_families') }}
)

select
    used.signature,
    families.group_family,
    split_part(split_part(used.groups_text, '|', cast(families.position as int)), '=', 2) as group_value
from used
cross join families
