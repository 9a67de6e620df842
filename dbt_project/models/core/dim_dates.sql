with digits as (
    select 0 as digit
    {% for digit in range(1, 10) %}
        union all
        select {{ digit }} as digit
    {% endfor %}
),

numbers as (
    select ones.digit + 10 * tens.digit + 100 * hundreds.digit as n
    from digits as ones
    cross join digits as tens
    cross join digits as hundreds
),

days as (
    select
        years.school_year,
        {{ add_days('years.start_date', 'numbers.n') }} as calendar_date
    from {{ source('settings', 'school_years') }} as years
    inner join numbers on {{ add_days('years.start_date', 'numbers.n') }} <= years.end_date
),

placed as (
    select
        days.calendar_date,
        days.school_year,
        terms.term_id,
        {{ week_start('days.calendar_date') }} as week_start,
        {{ month_start('days.calendar_date') }} as month_start
    from days
    left join {{ source('settings', 'terms') }} as terms
        on days.school_year = terms.school_year and days.calendar_date between terms.start_date and terms.end_date
)

select
    calendar_date,
    school_year,
    term_id,
    week_start,
    month_start,
    min(calendar_date) over (partition by school_year, week_start, month_start, coalesce(term_id, '')) as piece_start
from placed
