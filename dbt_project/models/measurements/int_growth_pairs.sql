{{ config(
    materialized='touched',
    touched='int_growth_students_touched',
    touched_key='student_key',
    keeps_difference=true
) }}
-- A student's score in a window of an assessment beside that of the window before in which the student has one, on the same scale: in thousandths, the last of
-- each window, once the later window has ended. Of windows that lie over one another a result is of the one that began last. Compared are students of one
-- grade who took it in the same two windows: so much time went by for all of them.
with windows as (
    select spans.*
    from (
        select
            assessment_id,
            {{ try_cast_date('first_day') }} as first_day,
            {{ try_cast_date('last_day') }} as last_day
        from {{ source('settings', 'assessment_windows') }}
    ) as spans
    inner join {{ source('settings', 'night') }} as night on spans.last_day <= night.as_of
),

placed as (
    select
        results.student_key,
        results.assessment_id,
        coalesce(results.subject, '') as subject,
        results.learning_area,
        results.school_year,
        results.piece_start,
        results.administered_on,
        cast(round(results.scale_score * 1000) as bigint) as score,
        windows.first_day as window_start,
        row_number() over (
            partition by results.student_key, results.assessment_id, results.subject, results.administered_on order by windows.first_day desc
        ) as place
    from {{ ref('fct_assessment_results') }} as results
    {% if is_touched_build() %}
        inner join {{ ref('int_growth_students_touched') }} as touched on results.student_key = touched.student_key
    {% endif %}
    inner join windows
        on
            results.assessment_id = windows.assessment_id
            and results.administered_on >= windows.first_day
            and results.administered_on <= windows.last_day
    where results.scale_score is not null and results.learning_area is not null
),

taken as (
    select
        placed.*,
        row_number() over (partition by student_key, assessment_id, subject, window_start order by administered_on desc) as recency
    from placed
    where place = 1
),

paired as (
    select
        taken.*,
        lag(score) over (partition by student_key, assessment_id, subject order by window_start) as earlier_score,
        lag(window_start) over (partition by student_key, assessment_id, subject order by window_start) as earlier_start
    from taken
    where recency = 1
)

select
    paired.student_key,
    paired.assessment_id,
    paired.subject,
    paired.learning_area,
    paired.school_year,
    grades.grade_level,
    paired.earlier_start,
    paired.window_start,
    paired.piece_start,
    paired.administered_on,
    paired.earlier_score,
    paired.score
from paired
inner join {{ ref('dim_student_grades') }} as grades on paired.student_key = grades.student_key and paired.school_year = grades.school_year
where paired.earlier_score is not null
