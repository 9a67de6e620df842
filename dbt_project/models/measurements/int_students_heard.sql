{{ config(meta={'is_evidence': true}) }}
-- Whether a touched student answered in the last wave of the school year so far that asked the student, or that the student answered, and that says who answers. No
-- row: there is no such wave. A wave asks only once somebody whom it asked has answered: one that is open and whose file has not come says nothing of anybody, and
-- neither does one whose answers lead back to nobody. Anonymous and pseudonymous waves are no such wave: whoever answered those was promised not to be known.
with touched as (
    select touched.student_key, touched.school_year, touched.period_start, least(night.as_of, periods.period_end) as so_far
    from {{ ref('int_touched_priority_students') }} as touched
    inner join {{ ref('dim_periods') }} as periods
        on touched.school_year = periods.school_year and touched.period_type = periods.period_type and touched.period_start = periods.period_start
    cross join {{ source('settings', 'night') }} as night
),

linked as (
    select wave_key, survey_id, wave_id, opens_on
    from {{ ref('dim_survey_waves') }}
    where respondent_kind = 'linked' and respondent_role = 'student'
),

waves as (
    select wave_key, survey_id, wave_id, opens_on as opened_on
    from linked
    where opens_on is not null
    union all
    select linked.wave_key, linked.survey_id, linked.wave_id, min(answers.answered_on) as opened_on
    from linked
    inner join {{ ref('fct_survey_answers') }} as answers on linked.survey_id = answers.survey_id and linked.wave_id = answers.wave_id
    where linked.opens_on is null and answers.answer is not null
    group by linked.wave_key, linked.survey_id, linked.wave_id
),

asked as (
    select touched.student_key, touched.school_year, waves.wave_key, waves.survey_id, waves.wave_id, waves.opened_on
    from touched
    inner join {{ ref('fct_survey_asked') }} as those on touched.student_key = those.student_key
    inner join waves
        on those.survey_id = waves.survey_id and those.wave_id = waves.wave_id and waves.opened_on between touched.period_start and touched.so_far
),

arrived as (
    select those.survey_id, those.wave_id
    from (select distinct survey_id, wave_id from asked) as of_touched
    inner join {{ ref('fct_survey_asked') }} as those on of_touched.survey_id = those.survey_id and of_touched.wave_id = those.wave_id
    inner join {{ ref('fct_survey_answers') }} as answers
        on those.survey_id = answers.survey_id and those.wave_id = answers.wave_id and those.student_key = answers.respondent_key
    where answers.answer is not null
    group by those.survey_id, those.wave_id
),

mine as (
    select touched.student_key, touched.school_year, waves.wave_key, waves.survey_id, waves.wave_id, waves.opened_on, 1 as n_heard
    from touched
    inner join {{ ref('fct_survey_answers') }} as answers on touched.student_key = answers.respondent_key and answers.answered_on <= touched.so_far
    inner join waves
        on answers.survey_id = waves.survey_id and answers.wave_id = waves.wave_id and waves.opened_on between touched.period_start and touched.so_far
    where answers.answer is not null
    union all
    select asked.student_key, asked.school_year, asked.wave_key, asked.survey_id, asked.wave_id, asked.opened_on, 0 as n_heard
    from asked
    inner join arrived on asked.survey_id = arrived.survey_id and asked.wave_id = arrived.wave_id
),

by_wave as (
    select student_key, school_year, wave_key, survey_id, wave_id, opened_on, max(n_heard) > 0 as is_heard
    from mine
    group by student_key, school_year, wave_key, survey_id, wave_id, opened_on
),

ranked as (
    select by_wave.*, row_number() over (partition by student_key, school_year order by opened_on desc, wave_key desc) as recency
    from by_wave
)

select student_key, school_year, survey_id, wave_id, opened_on, is_heard
from ranked
where recency = 1
