-- The day of a student's last result of an assessment in an area of learning, in a school year so far.
select
    results.student_key,
    results.school_year,
    results.learning_area,
    max(results.administered_on) as last_result_date
from {{ ref('fct_assessment_results') }} as results
inner join {{ source('settings', 'night') }} as night on results.administered_on <= night.as_of
where results.learning_area is not null
group by results.student_key, results.school_year, results.learning_area
