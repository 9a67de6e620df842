-- A student's groups as one text and its short name, per span of days: "in the group on the day" is a join on the span.
with spans as (
    select
        student_key,
        valid_from,
        min(valid_to) as valid_to,
        {{ ordered_list("group_family || '=' || group_value", "group_family", "|") }} as groups_text
    from {{ ref('dim_student_groups') }}
    group by student_key, valid_from
)

select
    student_key,
    valid_from,
    valid_to,
    {{ signature('groups_text') }} as signature,
    groups_text
from spans
