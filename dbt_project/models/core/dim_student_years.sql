-- A student's groups for a school year under the rules that are not "on the day": on the last day so far, and at any time this year.
with spans as (
    select
        spans.student_key,
        years.school_year,
        spans.group_family,
        spans.group_value,
        families.membership,
        families.unknown_value,
        row_number() over (partition by spans.student_key, years.school_year, spans.group_family order by spans.valid_from desc) as recency
    from {{ ref('dim_student_groups') }} as spans
    inner join {{ ref('group_families') }} as families on spans.group_family = families.group_family
    cross join {{ source('settings', 'night') }} as night
    inner join {{ source('settings', 'school_years') }} as years
        on
            spans.valid_to > years.start_date
            and spans.valid_from <= years.end_date
            and spans.valid_from <= night.as_of
            and years.start_date <= night.as_of
),

by_family as (
    select
        student_key,
        school_year,
        group_family,
        max(case when recency = 1 then group_value end) as last_day,
        coalesce(
            max(case when membership = 'status' and group_value <> unknown_value then group_value end),
            max(case when recency = 1 then group_value end)
        ) as any_time
    from spans
    group by student_key, school_year, group_family
),

spoken as (
    select
        student_key,
        school_year,
        'last_day' as membership_rule,
        {{ ordered_list("group_family || '=' || last_day", "group_family", "|") }} as groups_text
    from by_family
    group by student_key, school_year
    union all
    select
        student_key,
        school_year,
        'any_time' as membership_rule,
        {{ ordered_list("group_family || '=' || any_time", "group_family", "|") }} as groups_text
    from by_family
    group by student_key, school_year
)

select
    student_key,
    school_year,
    membership_rule,
    {{ signature('groups_text') }} as signature,
    groups_text
from spoken
