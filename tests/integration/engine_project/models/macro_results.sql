{{ config(materialized='table') }}

select
    case_id,
    {{ safe_divide('whole', 'part') }} as safe_divide,
    {{ as_decimal('whole', 18, 2) }} as as_decimal,
    {{ concat_key(['first_text', 'whole', 'first_date']) }} as concat_key,
    {{ key_begins(concat_key(['second_text', 'first_text', 'whole']), 2) }} as key_begins,
    {{ concat_key(['second_text', 'first_text']) }} as key_that_begins,
    {{ hash_key(['first_text', 'second_text']) }} as hash_key,
    {{ day_diff('first_date', 'second_date') }} as day_diff,
    {{ add_days('first_date', 'whole') }} as add_days,
    {{ week_start('first_date') }} as week_start,
    {{ month_start('first_date') }} as month_start,
    {{ iso_weekday('first_date') }} as iso_weekday,
    {{ try_cast_date('first_text') }} as try_cast_date,
    {{ try_cast_decimal('first_text', 18, 2) }} as try_cast_decimal,
    {{ json_text("'{\"a.b\": \"x|y\", \"a\": \"\", \"n\": null}'", "case case_id when 1 then 'a.b' when 2 then 'a' when 3 then 'n' else 'z' end") }} as json_text,
    {{ email_digest('first_text') }} as email_digest,
    -- plain SQL that both engines read alike, so that it needs no macro
    greatest(first_date, second_date) as greatest_date,
    least(whole, part) as least_number,
    first_text is not distinct from second_text as is_same_text,
    cast(whole as string) as whole_text,
    first_text || second_text as joined_text,
    coalesce(nullif(trim(first_text), ''), 'blank') as filled_text,
    round(cast(whole as decimal(18, 1)) * 0.05, 1) as rounded,
    row_number() over (order by first_date desc nulls last, case_id asc) as place,
    cast(extract(year from first_date) as bigint) as year_number
from {{ source('held', 'samples') }}
