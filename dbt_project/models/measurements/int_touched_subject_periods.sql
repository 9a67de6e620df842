{{ config(materialized='table', meta={'carries_lineage': false}) }}
-- The touched periods of each touched subject. `student_key` is the subject where it is a student, else null.
select distinct
    touched.subject_type,
    touched.subject_key,
    case when touched.subject_type = 'student' then touched.subject_key end as student_key,
    cast(periods.school_year as int) as school_year,
    periods.period_type,
    periods.period_start,
    periods.term_id
from {{ ref('int_touched_pieces') }} as touched
inner join {{ ref('int_touched_periods') }} as periods
    on
        touched.school_year = periods.school_year
        and case periods.period_type
            when 'week' then touched.week_start = periods.period_start
            when 'month' then touched.month_start = periods.period_start
            when 'term' then touched.term_id = periods.term_id
            else true
        end
