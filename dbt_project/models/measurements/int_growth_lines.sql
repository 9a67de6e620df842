{% set keys = ['assessment_id', 'subject', 'school_year', 'grade_level', 'earlier_start', 'window_start'] %}
{{ config(
    materialized='touched',
    touched='int_growth_lines_changed',
    touched_key=['assessment_id', 'subject', 'school_year', 'grade_level', 'earlier_start', 'window_start']
) }}
-- What students with an earlier score got on average, as a straight line (least squares) through the pairs of one grade, assessment and two windows, and how
-- far students are from it: the spread, with two degrees of freedom spent on the line. Scores are counted from the lowest, so that sums are exact whole
-- numbers, whatever the order. Where earlier scores do not differ, or all pairs lie on the line, there is none.
with based as (
    select
        pairs.{{ keys | join(', pairs.') }},
        min(pairs.earlier_score) over (partition by pairs.{{ keys | join(', pairs.') }}) as earlier_base,
        min(pairs.score) over (partition by pairs.{{ keys | join(', pairs.') }}) as base,
        pairs.earlier_score,
        pairs.score
    from {{ ref('int_growth_pairs') }} as pairs
    {% if is_touched_build() %}
        inner join {{ ref('int_growth_lines_changed') }} as changed
            on
                pairs.assessment_id = changed.assessment_id
                and pairs.subject = changed.subject
                and pairs.school_year = changed.school_year
                and pairs.grade_level = changed.grade_level
                and pairs.earlier_start = changed.earlier_start
                and pairs.window_start = changed.window_start
    {% endif %}
),

above as (
    select
        {{ keys | join(', ') }},
        earlier_base,
        base,
        cast(earlier_score - earlier_base as decimal(18, 0)) as x,
        cast(score - base as decimal(18, 0)) as y
    from based
),

summed as (
    select
        {{ keys | join(', ') }},
        earlier_base,
        base,
        count(*) as n_pairs,
        cast(count(*) as double) as n,
        cast(sum(x) as double) as sum_x,
        cast(sum(y) as double) as sum_y,
        cast(sum(x * x) as double) as sum_xx,
        cast(sum(x * y) as double) as sum_xy,
        cast(sum(y * y) as double) as sum_yy
    from above
    group by {{ keys | join(', ') }}, earlier_base, base
),

centered as (
    select
        summed.*,
        sum_xx - sum_x * sum_x / n as of_earlier,
        sum_xy - sum_x * sum_y / n as of_both,
        sum_yy - sum_y * sum_y / n as of_later
    from summed
),

fitted as (
    select
        centered.*,
        case when of_earlier > 0 then of_both / of_earlier end as slope,
        case when of_earlier > 0 then of_later - of_both * of_both / of_earlier end as left_over
    from centered
)

select
    {{ keys | join(', ') }},
    n_pairs,
    earlier_base,
    base,
    slope,
    (sum_y - slope * sum_x) / n as intercept,
    case when n_pairs > 2 and left_over > of_later * 1e-9 then sqrt(left_over / (n - 2)) end as spread
from fitted
