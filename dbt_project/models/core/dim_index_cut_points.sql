-- From which figure on a measure of an index is at which level: `bound` over `out_of`, reached from above or, where less is better, from below.
select
    {{ concat_key(["chosen.indicator_id", "chosen.profile_id", "chosen.level"]) }} as cut_point_key,
    chosen.indicator_id,
    chosen.profile_id,
    cast({{ try_cast_decimal("chosen.level", 18, 0) }} as bigint) as level,
    {{ try_cast_decimal("chosen.bound", 12, 6) }} as bound,
    {{ try_cast_decimal("chosen.out_of", 12, 6) }} as out_of,
    indicators.direction
from {{ source('settings', 'index_cut_points') }} as chosen
inner join {{ ref('indicators') }} as indicators on chosen.indicator_id = indicators.indicator_id
