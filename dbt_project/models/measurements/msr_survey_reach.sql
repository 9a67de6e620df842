-- Whom waves asked and who of them answered anything, on the day that the wave opened: of waves whose answers lead back to a student (`linked`) alone, since of
-- others nobody can say who answered, and once somebody whom the wave asked has: before, its file may be still to come, or names people in another way. A
-- student of two schools is asked once, at the one that comes first.
with asked as (
    select survey_id, wave_id, student_key, opened_on, min(school_key) as school_key
    from {{ ref('fct_survey_asked') }}
    where respondent_kind = 'linked'
    group by survey_id, wave_id, student_key, opened_on
),

touched as (
    select asked.*, pieces.piece_start
    from {{ ref('int_touched_pieces') }} as pieces
    inner join asked on pieces.subject_key = asked.student_key
    inner join {{ ref('dim_dates') }} as dates on asked.opened_on = dates.calendar_date and pieces.piece_start = dates.piece_start
    inner join {{ source('settings', 'night') }} as night on asked.opened_on <= night.as_of
    where pieces.subject_type = 'student'
),

answered as (
    select distinct answers.survey_id, answers.wave_id, answers.respondent_key
    from {{ ref('fct_survey_answers') }} as answers
    inner join (select distinct survey_id, wave_id from touched) as waves on answers.survey_id = waves.survey_id and answers.wave_id = waves.wave_id
    where answers.respondent_key is not null and answers.answer is not null
),

told as (
    select distinct asked.survey_id, asked.wave_id
    from asked
    inner join answered
        on asked.survey_id = answered.survey_id and asked.wave_id = answered.wave_id and asked.student_key = answered.respondent_key
),

counted as (
    select touched.student_key, touched.school_key, touched.opened_on as calendar_date, touched.piece_start, 'surveys_asked' as measure_id
    from touched
    inner join told on touched.survey_id = told.survey_id and touched.wave_id = told.wave_id
    union all
    select touched.student_key, touched.school_key, touched.opened_on as calendar_date, touched.piece_start, 'surveys_answered' as measure_id
    from touched
    inner join answered
        on touched.survey_id = answered.survey_id and touched.wave_id = answered.wave_id and touched.student_key = answered.respondent_key
)

select
    'student' as subject_type,
    counted.student_key as subject_key,
    counted.school_key,
    cast(null as {{ dbt.type_string() }}) as grade_level,
    versions.signature,
    cast(null as {{ dbt.type_string() }}) as modality,
    counted.piece_start,
    counted.measure_id,
    count(*) as quantity
from counted
inner join {{ ref('dim_student_versions') }} as versions
    on
        counted.student_key = versions.student_key
        and counted.calendar_date >= versions.valid_from
        and counted.calendar_date < versions.valid_to
group by counted.student_key, counted.school_key, versions.signature, counted.piece_start, counted.measure_id
