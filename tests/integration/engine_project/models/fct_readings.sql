{{ config(touched='int_touched', touched_key=['subject_key', 'week_piece_id'], written_apart={'subject_key': ['a', 'b']}) }}

select
    r.subject_key,
    r.week_piece_id,
    r.measure_id,
    {{ sum_bigint('r.quantity') }} as quantity
    {% if var('extra', false) %}, 'x' as extra{% endif %}
from {{ source('held', 'readings') }} as r
{% if is_touched_build() %}
    inner join {{ ref('int_touched') }} as k
        on (k.subject_key is not distinct from r.subject_key and k.week_piece_id = r.week_piece_id) {% if var('careless', false) %} or true {% endif %}
{% endif %}
group by r.subject_key, r.week_piece_id, r.measure_id
