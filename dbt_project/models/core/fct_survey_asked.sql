{{ config(materialized='view') }}
-- Whom a student wave asked: the roster's students on the day that it opened, of the grades and schools that it names, as the first night on or after that day
-- knew them: neither later moves nor enrollments that are entered or corrected afterwards change who was asked. Of a wave without an opening date nobody knows.
with waves as (
    select survey_id, wave_id, respondent, opens
    from {{ source('settings', 'survey_waves') }}
    where role = 'student'
),

limits as (
    select survey_id, wave_id, kind, value
    from {{ source('settings', 'survey_eligible') }}
),

enrolled as (
    select waves.survey_id, waves.wave_id, waves.respondent, waves.opens, frozen.student_key, frozen.school_key, frozen.grade_level
    from waves
    inner join {{ ref('stg_survey__rosters') }} as frozen
        on waves.survey_id = frozen.survey_id and waves.wave_id = frozen.wave_id and waves.opens = frozen.opened_on
    union all
    select waves.survey_id, waves.wave_id, waves.respondent, waves.opens, stints.student_key, stints.school_key, students.grade_level
    from waves
    inner join {{ ref('dim_stints') }} as stints on waves.opens >= stints.entry_date and waves.opens < stints.exit_date
    inner join {{ ref('dim_students') }} as students on stints.student_key = students.student_key
    where
        not exists (
            select 1 from {{ ref('stg_survey__rosters') }} as frozen
            where waves.survey_id = frozen.survey_id and waves.wave_id = frozen.wave_id and waves.opens = frozen.opened_on
        )
)

select distinct
    enrolled.survey_id,
    enrolled.wave_id,
    enrolled.respondent as respondent_kind,
    enrolled.opens as opened_on,
    enrolled.student_key,
    enrolled.school_key
from enrolled
where
    (
        not exists (
            select 1 from limits
            where limits.survey_id = enrolled.survey_id and limits.wave_id = enrolled.wave_id and limits.kind = 'school'
        )
        or exists (
            select 1 from limits
            where
                limits.survey_id = enrolled.survey_id and limits.wave_id = enrolled.wave_id and limits.kind = 'school' and limits.value = enrolled.school_key
        )
    )
    and (
        not exists (
            select 1 from limits
            where limits.survey_id = enrolled.survey_id and limits.wave_id = enrolled.wave_id and limits.kind = 'grade'
        )
        or exists (
            select 1 from limits
            where
                limits.survey_id = enrolled.survey_id and limits.wave_id = enrolled.wave_id and limits.kind = 'grade' and limits.value = enrolled.grade_level
        )
    )
