{{ config(materialized='table', meta={'carries_lineage': false}) }}
with starts as (
    select school_year, term_id, min(calendar_date) as term_start
    from {{ ref('dim_dates') }}
    where term_id is not null
    group by school_year, term_id
),

years as (
    select school_year, min(calendar_date) as year_start
    from {{ ref('dim_dates') }}
    group by school_year
),

pieces as (
    select distinct touched.school_year, touched.term_id, touched.month_start, touched.week_start
    from {{ ref('int_touched_pieces') }} as touched
)

select 'week' as period_type, pieces.week_start as period_start, pieces.school_year, cast(null as {{ dbt.type_string() }}) as term_id
from pieces
union
select 'month' as period_type, pieces.month_start as period_start, pieces.school_year, cast(null as {{ dbt.type_string() }}) as term_id
from pieces
union
select 'term' as period_type, starts.term_start as period_start, pieces.school_year, pieces.term_id
from pieces
inner join starts on pieces.school_year = starts.school_year and pieces.term_id = starts.term_id
union
select 'year_to_date' as period_type, years.year_start as period_start, pieces.school_year, cast(null as {{ dbt.type_string() }}) as term_id
from pieces
inner join years on pieces.school_year = years.school_year
