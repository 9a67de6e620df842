{{ config(materialized='table') }}
-- Which week each week is compared with (`week_comparisons`): the one before in the school year, the one 52 weeks before in the school year before, and the
-- first of its term. A week is of the term of its first day that is in one. `settles_on` is the day from which no week is younger than the registry asks.
with settled as (
    select min(maturity_days) as maturity_days from {{ ref('maturities') }} where is_settled
),

weeks as (
    select school_year, period_start, period_end
    from {{ ref('dim_periods') }}
    where period_type = 'week'
),

first_days as (
    select dates.school_year, dates.week_start, dates.term_id
    from {{ ref('dim_dates') }} as dates
    inner join (
        select school_year, week_start, min(calendar_date) as first_day
        from {{ ref('dim_dates') }}
        where term_id is not null
        group by school_year, week_start
    ) as firsts on dates.school_year = firsts.school_year and dates.calendar_date = firsts.first_day
),

term_starts as (
    select school_year, term_id, min(week_start) as week_start
    from first_days
    group by school_year, term_id
),

compared as (
    select
        weeks.school_year, weeks.period_start, ways.comparison,
        case ways.comparison when 'last_year' then weeks.school_year - 1 else weeks.school_year end as compared_school_year,
        {{ add_days('weeks.period_start', '-ways.days_before') }} as compared_start
    from weeks
    cross join {{ ref('week_comparisons') }} as ways
    where ways.days_before is not null
    union all
    select
        weeks.school_year, weeks.period_start, ways.comparison,
        weeks.school_year as compared_school_year,
        term_starts.week_start as compared_start
    from weeks
    inner join first_days on weeks.school_year = first_days.school_year and weeks.period_start = first_days.week_start
    inner join term_starts on first_days.school_year = term_starts.school_year and first_days.term_id = term_starts.term_id
    cross join {{ ref('week_comparisons') }} as ways
    where ways.days_before is null and term_starts.week_start < weeks.period_start
)

select
    cast(weeks.school_year as int) as school_year,
    weeks.period_start,
    weeks.period_end,
    {{ add_days('weeks.period_end', 'settled.maturity_days') }} as settles_on,
    {{ add_days('weeks.period_end', 'settled.maturity_days') }} <= night.as_of as is_settled,
    ways.comparison,
    ways.no_week_words,
    cast(there.school_year as int) as compared_school_year,
    there.period_start as compared_start
from weeks
cross join settled
cross join {{ source('settings', 'night') }} as night
cross join {{ ref('week_comparisons') }} as ways
left join compared
    on weeks.school_year = compared.school_year and weeks.period_start = compared.period_start and ways.comparison = compared.comparison
left join weeks as there on compared.compared_school_year = there.school_year and compared.compared_start = there.period_start
