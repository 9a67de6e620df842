{{ config(meta={'is_evidence': true}) }}
-- What a touched student's check-ins of the school year say on its last day so far: the family check-in held last, the one scheduled next, what the school does
-- next and by when, and who answers for it: whoever the next action names, else the next check-in, else the last one that names anybody.
with mine as (
    select
        check_ins.*,
        least(night.as_of, periods.period_end) as so_far,
        check_ins.with_whom = 'family' as is_with_family
    from {{ ref('fct_check_ins') }} as check_ins
    inner join {{ ref('int_touched_priority_students') }} as touched
        on check_ins.student_key = touched.student_key and check_ins.school_year = touched.school_year
    inner join {{ ref('dim_periods') }} as periods
        on touched.school_year = periods.school_year and touched.period_type = periods.period_type and touched.period_start = periods.period_start
    cross join {{ source('settings', 'night') }} as night
),

ranked as (
    select
        mine.*,
        action is not null and coalesce(action_on >= so_far, false) as is_next_action,
        row_number() over (
            partition by student_key, school_year
            order by case when action is not null and action_on >= so_far then 0 else 1 end, action_on, check_in_on, with_whom
        ) as action_place,
        row_number() over (
            partition by student_key, school_year
            order by
                case when responsible is null then 1 else 0 end asc,
                case
                    when action is not null and action_on >= so_far then 0
                    when status = 'scheduled' and check_in_on >= so_far then 1
                    when check_in_on <= so_far then 2
                    else 3
                end asc,
                -- by dates and never by how far they are: what is nearest changes between them, on a night that touches no student
                case
                    when action is not null and action_on >= so_far then action_on
                    when check_in_on > so_far or status = 'scheduled' and check_in_on = so_far then check_in_on
                end asc,
                check_in_on desc,
                with_whom asc
        ) as responsible_place
    from mine
)

select
    student_key,
    school_year,
    max(case when is_with_family and status = 'held' and check_in_on <= so_far then check_in_on end) as last_check_in_on,
    min(case when is_with_family and status = 'scheduled' and check_in_on >= so_far then check_in_on end) as next_check_in_on,
    max(case when is_with_family and status = 'scheduled' and check_in_on < so_far then check_in_on end) as unreported_check_in_on,
    max(case when responsible_place = 1 then responsible end) as responsible,
    max(case when action_place = 1 and is_next_action then action end) as next_action,
    max(case when action_place = 1 and is_next_action then action_on end) as next_action_on
from ranked
group by student_key, school_year
