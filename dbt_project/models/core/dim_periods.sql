-- Every period that a figure can be of: the weeks, months, terms and the year to date of each school year.
select 'week' as period_type, week_start as period_start, max(calendar_date) as period_end, school_year
from {{ ref('dim_dates') }}
group by week_start, school_year
union all
select 'month' as period_type, month_start as period_start, max(calendar_date) as period_end, school_year
from {{ ref('dim_dates') }}
group by month_start, school_year
union all
select 'term' as period_type, min(calendar_date) as period_start, max(calendar_date) as period_end, school_year
from {{ ref('dim_dates') }}
where term_id is not null
group by term_id, school_year
union all
select 'year_to_date' as period_type, min(calendar_date) as period_start, max(calendar_date) as period_end, school_year
from {{ ref('dim_dates') }}
group by school_year
