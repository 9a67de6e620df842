-- A student's groups as one text, per span of days: "in the group on the day" is a join on the span.
select
    student_key,
    valid_from,
    min(valid_to) as valid_to,
    {{ ordered_list("group_family || '=' || group_value", "group_family", "|") }} as signature
from {{ ref('dim_student_groups') }}
group by student_key, valid_from
