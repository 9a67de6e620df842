{{ config(meta={'is_evidence': true}) }}
-- A student's results with a level, in a school year so far, in thousandths, beside the level that is expected of the grade at the end of the year. One row a
-- result; who asks for the first and the last takes them of the students that are asked about, and not of everybody.
select
    results.student_key,
    results.school_year,
    results.learning_area,
    results.assessment_id,
    results.subject,
    results.administered_on,
    cast(round(results.level_number * 1000) as bigint) as level,
    cast(round({{ try_cast_decimal('expected.end_level') }} * 1000) as bigint) as end_level
from {{ ref('fct_assessment_results') }} as results
inner join {{ source('settings', 'night') }} as night on results.administered_on <= night.as_of
inner join {{ ref('dim_student_grades') }} as grades on results.student_key = grades.student_key and results.school_year = grades.school_year
inner join {{ source('settings', 'learning_levels') }} as expected
    on
        results.assessment_id = expected.assessment_id
        and coalesce(results.subject, '') = coalesce(expected.subject, '')
        and grades.grade_level = expected.grade_level
where results.is_on_continuum and results.level_number is not null and results.learning_area is not null
