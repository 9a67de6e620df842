{{ config(materialized='table', meta={'carries_lineage': false}) }}
-- Students whose pairs of results may be others now: a result was given, corrected or taken back, a window has ended, or the student may be in another grade.
select distinct student_key
from (
    select student_key
    from {{ touched_difference(ref('fct_assessment_results'), ['student_key']) }}
    union all
    {% for model in ['int_touched_by_roster', 'int_touched_by_extract', 'int_touched_by_edfi'] %}
        select student_key from {{ ref(model) }}
        where piece_start is null
        union all
    {% endfor %}
    select results.student_key
    from {{ source('settings', 'assessment_windows') }} as windows
    inner join {{ source('settings', 'night') }} as night
        on
            {{ try_cast_date('windows.last_day') }} > coalesce(night.previous_as_of, cast('1900-01-01' as date))
            and {{ try_cast_date('windows.last_day') }} <= night.as_of
    inner join {{ ref('fct_assessment_results') }} as results on windows.assessment_id = results.assessment_id
) as touched
