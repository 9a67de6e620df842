{{ config(touched='int_touched', touched_key='week_piece_id', partition_by='week_start') }}

select
    week_piece_id,
    count(*) as n_readings,
    {{ safe_divide('sum(quantity)', 'count(quantity)') }} as mean_quantity,
    {{ as_decimal(sum_bigint('quantity'), 18, 2) }} as total,
    {{ ordered_list('subject_key', 'subject_key, measure_id') }} as subjects,
    week_start
from {{ source('held', 'readings') }}
{% if is_touched_build() %}
    where week_piece_id in (select week_piece_id from {{ ref('int_touched') }})
{% endif %}
group by week_piece_id, week_start
