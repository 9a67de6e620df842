-- depends_on: {{ ref('int_touched_priority_students') }}
{{ config(
    materialized='touched',
    touched='int_touched_priority_students',
    touched_key=['student_key', 'school_year', 'period_type', 'period_start']
) }}
-- The flags are read as the student's own figures have them, with their words; what the school will do is the rule's.
with listed as (
    select
        flags.student_key,
        flags.school_id,
        flags.school_year,
        flags.period_type,
        flags.period_start,
        flags.period_end,
        count(*) as n_rules,
        {{ ordered_list("rules.indicator_name || ' (' || rules.authority || ')'", 'rules.rule_key', '; ') }} as rules,
        {{ ordered_list("flags.flag_reason || ' ' || rules.will_do", 'rules.rule_key', ' ') }} as flag_reason
    from {{ ref('fct_student_indicators') }} as flags
    inner join {{ ref('dim_priority_rules') }} as rules
        on flags.indicator_id = rules.indicator_id and flags.profile_id = rules.profile_id and flags.flag = rules.listed_when
    {% if is_touched_build() %}
        inner join {{ ref('int_touched_priority_students') }} as touched
            on
                flags.student_key = touched.student_key
                and flags.school_year = touched.school_year
                and flags.period_type = touched.period_type
                and flags.period_start = touched.period_start
    {% endif %}
    where flags.period_type = 'year_to_date' and flags.school_id is not null
    group by flags.student_key, flags.school_id, flags.school_year, flags.period_type, flags.period_start, flags.period_end
)

select
    {{ concat_key(["listed.student_key", "listed.school_id", "listed.school_year"]) }} as priority_student_key,
    listed.student_key,
    listed.school_id,
    listed.school_year,
    'priority_students' as indicator_id,
    listed.period_type,
    listed.period_start,
    listed.period_end,
    cast(listed.n_rules as bigint) as n_rules,
    listed.rules,
    listed.flag_reason,
    {% for area in priority_areas() %}
        monitoring.{{ area }}_last_seen_week,
    {% endfor %}
    monitoring.n_areas_monitored,
    monitoring.is_heard as heard_from,
    monitoring.survey_id as heard_survey_id,
    monitoring.wave_id as heard_wave_id,
    monitoring.wave_opened_on as heard_wave_opened_on,
    monitoring.last_check_in_on,
    monitoring.next_check_in_on,
    monitoring.next_check_in_on is not null as check_in_scheduled,
    monitoring.responsible,
    monitoring.next_action,
    monitoring.next_action_on,
    monitoring.missing
from listed
inner join {{ ref('int_priority_monitoring') }} as monitoring
    on listed.student_key = monitoring.student_key and listed.school_id = monitoring.school_key and listed.school_year = monitoring.school_year
