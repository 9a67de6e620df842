{{ config(meta={'is_evidence': true}) }}
-- Whether a touched student answered in the last wave of the school year so far that asks students and says who answers: null where nobody says that the student
-- was asked. Anonymous and pseudonymous waves are no such wave: whoever answered those was promised not to be known.
with touched as (
    select touched.student_key, touched.school_year, touched.period_start, least(night.as_of, periods.period_end) as so_far
    from {{ ref('int_touched_priority_students') }} as touched
    inner join {{ ref('dim_periods') }} as periods
        on touched.school_year = periods.school_year and touched.period_type = periods.period_type and touched.period_start = periods.period_start
    cross join {{ source('settings', 'night') }} as night
),

answered as (
    select distinct answers.survey_id, answers.wave_id, answers.respondent_key as student_key, answers.answered_on
    from {{ ref('fct_survey_answers') }} as answers
    inner join {{ ref('dim_survey_waves') }} as waves on answers.survey_id = waves.survey_id and answers.wave_id = waves.wave_id
    where waves.respondent_kind = 'linked' and waves.respondent_role = 'student' and answers.answer is not null
),

waves as (
    select waves.wave_key, waves.survey_id, waves.wave_id, coalesce(waves.opens_on, min(answered.answered_on)) as opened_on
    from {{ ref('dim_survey_waves') }} as waves
    left join answered on waves.survey_id = answered.survey_id and waves.wave_id = answered.wave_id
    where waves.respondent_kind = 'linked' and waves.respondent_role = 'student'
    group by waves.wave_key, waves.survey_id, waves.wave_id, waves.opens_on
),

last_waves as (
    select
        years.school_year,
        years.so_far,
        waves.survey_id,
        waves.wave_id,
        waves.opened_on,
        row_number() over (partition by years.school_year order by waves.opened_on desc, waves.wave_key desc) as recency
    from (select distinct school_year, period_start, so_far from touched) as years
    inner join waves on waves.opened_on between years.period_start and years.so_far
),

said as (
    select answered.student_key, last_waves.school_year
    from last_waves
    inner join answered
        on last_waves.survey_id = answered.survey_id and last_waves.wave_id = answered.wave_id and answered.answered_on <= last_waves.so_far
    where last_waves.recency = 1
    group by answered.student_key, last_waves.school_year
),

asked as (
    select asked.student_key, last_waves.school_year
    from last_waves
    inner join {{ ref('fct_survey_asked') }} as asked
        on last_waves.survey_id = asked.survey_id and last_waves.wave_id = asked.wave_id
    where last_waves.recency = 1
    group by asked.student_key, last_waves.school_year
)

select
    touched.student_key,
    touched.school_year,
    last_waves.survey_id,
    last_waves.wave_id,
    last_waves.opened_on,
    case when said.student_key is not null then true when asked.student_key is not null then false end as is_heard
from touched
inner join last_waves on touched.school_year = last_waves.school_year and last_waves.recency = 1
left join said on touched.student_key = said.student_key and touched.school_year = said.school_year
left join asked on touched.student_key = asked.student_key and touched.school_year = asked.school_year
