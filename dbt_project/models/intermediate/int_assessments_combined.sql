-- One shape for a student's result on an assessment. `performance_levels` says what a level's name stands for; the file's own number comes first.
select
    assessments.student_id as student_key,
    assessments.assessment_id,
    assessments.administered_on,
    assessments.subject,
    assessments.scale_score,
    assessments.performance_level,
    coalesce(assessments.level_number, cast({{ try_cast_decimal('levels.level_number') }} as int)) as level_number,
    levels.is_proficient = 'true' as is_proficient,
    assessments.delivery_id,
    assessments.line_number
from {{ ref('stg_extract__assessments') }} as assessments
left join {{ source('settings', 'performance_levels') }} as levels
    on assessments.assessment_id = levels.assessment_id and assessments.performance_level = levels.performance_level
