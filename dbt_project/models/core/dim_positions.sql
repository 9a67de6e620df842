select
    {{ concat_key(["position_code", "fiscal_year"]) }} as position_key,
    position_code,
    fiscal_year,
    position_title,
    annual_cost_usd,
    delivery_id,
    line_number
from {{ ref('int_positions_combined') }}
