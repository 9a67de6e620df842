{{ config(materialized='table') }}

with days as (
    select
        case_id,
        {{ generate_days('first_date', 'second_date') }} as day
    from {{ source('held', 'samples') }}
),

numbered as (
    select
        case_id,
        day,
        {{ iso_weekday('day') }} as weekday
    from days
    qualify row_number() over (partition by case_id order by day) <= 9
)

select
    case_id,
    count(*) as n_days,
    count(*) filter (where weekday > 5) as n_weekend_days,
    max_by(weekday, day) as last_weekday,
    bool_or(weekday = 1) as has_monday,
    {{ ordered_list('cast(weekday as string)', 'day', '') }} as weekdays
from numbered
group by all
