-- What is known of every touched student at each school at which the student is enrolled on the last day of the school year so far, and in words what is missing:
-- what nobody has seen, or not for longer than the area's `fresh_days`.
with touched as (
    select touched.student_key, touched.school_year, touched.period_start, least(night.as_of, periods.period_end) as so_far
    from {{ ref('int_touched_priority_students') }} as touched
    inner join {{ ref('dim_periods') }} as periods
        on touched.school_year = periods.school_year and touched.period_type = periods.period_type and touched.period_start = periods.period_start
    cross join {{ source('settings', 'night') }} as night
),

stays as (
    select distinct stints.student_key, stints.school_key, touched.school_year, {{ add_days('touched.period_start', -1) }} as day_before_year
    from {{ ref('dim_stints') }} as stints
    inner join touched on stints.student_key = touched.student_key and touched.so_far >= stints.entry_date and touched.so_far < stints.exit_date
),

by_area as (
    select
        touched.student_key,
        touched.school_year,
        areas.area,
        areas.place,
        evidence.last_seen_week,
        coalesce({{ add_days('evidence.last_seen_week', 'areas.fresh_days') }} >= touched.so_far, false) as is_monitored,
        case
            when evidence.last_seen_week is null then areas.nothing_words
            when {{ add_days('evidence.last_seen_week', 'areas.fresh_days') }} < touched.so_far
                then replace(areas.since_words, '{week}', cast(evidence.last_seen_week as {{ dbt.type_string() }}))
        end as words
    from touched
    cross join {{ ref('monitoring_areas') }} as areas
    left join {{ ref('int_student_evidence') }} as evidence
        on touched.student_key = evidence.student_key and touched.school_year = evidence.school_year and areas.area = evidence.area
),

areas as (
    select
        student_key,
        school_year,
        {% for area in priority_areas() %}
            max(case when area = '{{ area }}' then last_seen_week end) as {{ area }}_last_seen_week,
        {% endfor %}
        {{ sum_bigint('case when is_monitored then 1 else 0 end') }} as n_areas_monitored,
        {{ ordered_list('words', 'place', ' ') }} as words
    from by_area
    group by student_key, school_year
)

select
    touched.student_key,
    stays.school_key,
    touched.school_year,
    {% for area in priority_areas() %}
        areas.{{ area }}_last_seen_week,
    {% endfor %}
    areas.n_areas_monitored,
    heard.is_heard,
    heard.survey_id,
    heard.wave_id,
    heard.opened_on as wave_opened_on,
    check_ins.last_check_in_on,
    check_ins.next_check_in_on,
    check_ins.responsible,
    check_ins.next_action,
    check_ins.next_action_on,
    concat_ws(
        ' ',
        areas.words,
        case
            when heard.student_key is null then 'Heard from: no answers yet to a survey of this year that asked the student and says who answered.'
            when not heard.is_heard then 'Heard from: not in the last survey that says who answered.'
        end,
        case
            when check_ins.next_check_in_on is null and check_ins.unreported_check_in_on > coalesce(check_ins.last_check_in_on, stays.day_before_year)
                then
                    'Family check-in: scheduled for ' || cast(check_ins.unreported_check_in_on as {{ dbt.type_string() }})
                    || ', and nobody has written down whether it was held.'
            when check_ins.next_check_in_on is null then 'Family check-in: none is scheduled.'
        end,
        case when check_ins.responsible is null then 'Responsible: nobody is named yet.' end,
        case when check_ins.next_action is null then 'Next action: none with a date to come.' end
    ) as missing
from touched
inner join stays on touched.student_key = stays.student_key and touched.school_year = stays.school_year
inner join areas on touched.student_key = areas.student_key and touched.school_year = areas.school_year
left join {{ ref('int_students_heard') }} as heard on touched.student_key = heard.student_key and touched.school_year = heard.school_year
left join {{ ref('int_student_check_ins') }} as check_ins
    on touched.student_key = check_ins.student_key and touched.school_year = check_ins.school_year
