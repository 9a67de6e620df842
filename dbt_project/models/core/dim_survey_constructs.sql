{{ config(materialized='view') }}
-- The questions of each construct in each survey: those that the item map gives it, and those that it names in `also_in`. `n_items` is how many questions with
-- a scale the construct has in the survey. Constructs are the item map's own and those that the registry publishes.
with named as (
    select construct from {{ ref('dim_survey_items') }}
    where construct is not null
    union
    select construct from {{ ref('measures') }}
    where construct is not null
),

questions as (
    select
        items.survey_id,
        named.construct,
        items.item_id,
        min(items.scale_minimum) as scale_minimum,
        max(items.scale_maximum) as scale_maximum
    from {{ ref('dim_survey_items') }} as items
    inner join named
        on items.construct = named.construct or instr(' ' || coalesce(items.also_in, '') || ' ', ' ' || named.construct || ' ') > 0
    where items.item_kind = 'single' and items.scale_minimum is not null
    group by items.survey_id, named.construct, items.item_id
)

select
    questions.*,
    count(*) over (partition by survey_id, construct) as n_items
from questions
