{{ config(meta={'is_evidence': true}) }}
-- The last week of the school year so far in which a touched student was seen in an area, by whatever the registry counts as evidence of it: a measure of the
-- student, an answer in a survey that says who answers, an assessment. Never an anonymous or pseudonymous answer: these are joined to nobody.
with touched as (
    select touched.student_key, touched.school_year, least(night.as_of, periods.period_end) as so_far
    from {{ ref('int_touched_priority_students') }} as touched
    inner join {{ ref('dim_periods') }} as periods
        on touched.school_year = periods.school_year and touched.period_type = periods.period_type and touched.period_start = periods.period_start
    cross join {{ source('settings', 'night') }} as night
),

dated as (
    select 'answered' as evidence, touched.student_key, touched.school_year, answers.answered_on as seen_on
    from touched
    inner join {{ ref('fct_survey_answers') }} as answers on touched.student_key = answers.respondent_key and answers.answered_on <= touched.so_far
    inner join {{ ref('dim_survey_waves') }} as waves on answers.survey_id = waves.survey_id and answers.wave_id = waves.wave_id
    where waves.respondent_kind = 'linked' and waves.respondent_role = 'student' and answers.answer is not null
    union
    select 'assessed' as evidence, touched.student_key, touched.school_year, results.administered_on as seen_on
    from touched
    inner join {{ ref('fct_assessment_results') }} as results on touched.student_key = results.student_key and results.administered_on <= touched.so_far
),

seen as (
    select touched.student_key, touched.school_year, evidence.area, measurements.week_start
    from {{ ref('fct_measurements') }} as measurements
    inner join {{ ref('monitoring_evidence') }} as evidence on evidence.evidence = 'measured' and measurements.measure_id = evidence.measure_id
    inner join touched on measurements.subject_key = touched.student_key and measurements.school_year = touched.school_year
    where measurements.subject_type = 'student'
    union all
    select dated.student_key, dated.school_year, evidence.area, dates.week_start
    from dated
    inner join {{ ref('monitoring_evidence') }} as evidence on dated.evidence = evidence.evidence
    inner join {{ ref('dim_dates') }} as dates on dated.seen_on = dates.calendar_date and dated.school_year = dates.school_year
)

select student_key, school_year, area, max(week_start) as last_seen_week
from seen
group by student_key, school_year, area
