{{ config(materialized='view') }}
-- Whom each student wave asked: the roster's students on the day that it opened, of the grades and schools that it names, as the first night on or after that
-- day knew them. Neither later moves nor enrollments that are entered or corrected afterwards change who was asked.
with waves as (
    select survey_id, wave_id, role as respondent_role, opens
    from {{ source('settings', 'survey_waves') }}
),

limits as (
    select survey_id, wave_id, kind, value
    from {{ source('settings', 'survey_eligible') }}
),

enrolled as (
    select waves.survey_id, waves.wave_id, frozen.student_key, frozen.school_key, frozen.grade_level
    from waves
    inner join {{ ref('stg_survey__rosters') }} as frozen
        on waves.survey_id = frozen.survey_id and waves.wave_id = frozen.wave_id and waves.opens = frozen.opened_on
    where waves.respondent_role = 'student'
    union all
    select waves.survey_id, waves.wave_id, stints.student_key, stints.school_key, students.grade_level
    from waves
    inner join {{ ref('dim_stints') }} as stints on waves.opens >= stints.entry_date and waves.opens < stints.exit_date
    inner join {{ ref('dim_students') }} as students on stints.student_key = students.student_key
    where
        waves.respondent_role = 'student'
        and not exists (
            select 1 from {{ ref('stg_survey__rosters') }} as frozen
            where waves.survey_id = frozen.survey_id and waves.wave_id = frozen.wave_id and waves.opens = frozen.opened_on
        )
)

select distinct enrolled.survey_id, enrolled.wave_id, enrolled.student_key, enrolled.school_key
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
