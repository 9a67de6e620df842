select
    piece_start,
    max(calendar_date) as piece_end,
    min(school_year) as school_year,
    min(term_id) as term_id,
    min(week_start) as week_start,
    min(month_start) as month_start
from {{ ref('dim_dates') }}
group by piece_start
