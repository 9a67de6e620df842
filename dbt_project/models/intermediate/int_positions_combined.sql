-- One shape for what a kind of position costs in a fiscal year, benefits included.
select
    position_code,
    fiscal_year,
    position_title,
    cast(annual_cost_usd as decimal(18, 2)) as annual_cost_usd,
    delivery_id,
    line_number
from {{ ref('stg_extract__positions') }}
