{{ config(materialized='table', meta={'carries_lineage': false}) }}
select distinct touched.subject_key as student_key, cast(periods.school_year as int) as school_year, periods.period_type, periods.period_start
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
where touched.subject_type = 'student'
