{{ config(meta={'is_evidence': true}) }}
-- The days of a student's results of assessments in an area of learning, in a school year so far: one row a result. Who asks for the last day takes it of the
-- students that are asked about, and not of all years of everybody.
select
    results.student_key,
    results.school_year,
    results.learning_area,
    results.administered_on
from {{ ref('fct_assessment_results') }} as results
inner join {{ source('settings', 'night') }} as night on results.administered_on <= night.as_of
where results.learning_area is not null
