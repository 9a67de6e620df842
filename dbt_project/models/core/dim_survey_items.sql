-- The questions of the item map, with the ends of their scale and where it begins to be favorable. `also_in` names, with blanks between, constructs that a
-- question counts in besides its own.
select
    items.survey_id,
    items.item_title,
    items.occurrence,
    items.item_id,
    items.construct,
    items.also_in,
    items.kind as item_kind,
    items.scale_id,
    items.is_reversed = 'true' as is_reversed,
    min({{ try_cast_decimal('scales.minimum') }}) as scale_minimum,
    max({{ try_cast_decimal('scales.maximum') }}) as scale_maximum,
    min({{ try_cast_decimal('scales.favorable_from') }}) as favorable_from
from {{ source('settings', 'survey_items') }} as items
left join {{ source('settings', 'survey_scales') }} as scales on items.scale_id = scales.scale_id
group by
    items.survey_id, items.item_title, items.occurrence, items.item_id, items.construct, items.also_in, items.kind, items.scale_id, items.is_reversed
