-- One shape for a student's result on an assessment. `performance_levels` says what a level's name stands for; the file's own number comes first.
-- `assessment_kinds` says which area of learning an assessment is of and what it is for. Levels are those of a continuum, on which a student moves up from
-- year to year, where `learning_levels` says which of them is expected of any grade: elsewhere a level is a mark of one test. Settings let one of the two
-- sources bring results.
with assessments as (
    select
        student_id as student_key,
        assessment_id,
        administered_on,
        subject,
        scale_score,
        performance_level,
        level_number,
        growth_percentile,
        delivery_id,
        line_number
    from {{ ref('stg_extract__assessments') }}

    union all

    -- Ed-Fi says the subject in the assessment's own record: a result of an assessment that was taken back is of none, and counts nowhere
    select
        results.student_key,
        results.assessment_id,
        results.administered_on,
        subjects.subject,
        results.scale_score,
        results.performance_level,
        results.level_number,
        results.growth_percentile,
        results.delivery_id,
        results.line_number
    from {{ ref('int_edfi_assessments') }} as results
    inner join {{ ref('int_edfi_assessment_subjects') }} as subjects on results.assessment_id = subjects.assessment_id
)

select
    assessments.student_key,
    assessments.assessment_id,
    assessments.administered_on,
    assessments.subject,
    lower(kinds.learning_area) as learning_area,
    lower(kinds.kind) as assessment_kind,
    assessments.scale_score,
    assessments.performance_level,
    coalesce(assessments.level_number, {{ try_cast_decimal('levels.level_number') }}) as level_number,
    assessments.growth_percentile,
    expected.assessment_id is not null and kinds.learning_area is not null as is_on_continuum,
    case lower(levels.is_proficient) when 'true' then true when 'false' then false end as is_proficient,
    assessments.delivery_id,
    assessments.line_number
from assessments
left join {{ source('settings', 'performance_levels') }} as levels
    on assessments.assessment_id = levels.assessment_id and assessments.performance_level = levels.performance_level
left join {{ source('settings', 'assessment_kinds') }} as kinds
    on assessments.assessment_id = kinds.assessment_id and coalesce(assessments.subject, '') = coalesce(kinds.subject, '')
left join (
    select distinct assessment_id, coalesce(subject, '') as subject
    from {{ source('settings', 'learning_levels') }}
) as expected on assessments.assessment_id = expected.assessment_id and coalesce(assessments.subject, '') = expected.subject
