-- depends_on: {{ ref('int_touched_cells') }}
{{ config(materialized='touched', touched='int_touched_cells', touched_key='value_key') }}
{% set z = '1.959963984540054' %}
with measured as (
    select
        moments.*,
        profiles.version as profile_version,
        indicators.value_kind,
        -- of a share both numbers are in the measure's whole units; people are counted as they are
        case when indicators.value_kind = 'share' then denominators.scale else 1 end as number_scale,
        -- a mean's numerator is people's totals in the measure's whole units, or their ratios in thousandths
        case indicators.rollup when 'total_per_person' then numerators.scale when 'ratio_per_person' then 1000 else 1 end as value_scale,
        quantiles.t_975,
        cast(moments.sum_n as double) / moments.sum_d as rate,
        cast(moments.n_subjects as double) as people
    from {{ ref('int_cell_moments') }} as moments
    {% if is_touched_build() %}
        inner join {{ ref('int_touched_cells') }} as changed on moments.value_key = changed.value_key
    {% endif %}
    inner join {{ ref('indicators') }} as indicators on moments.indicator_id = indicators.indicator_id
    inner join {{ ref('indicator_profiles') }} as profiles
        on moments.indicator_id = profiles.indicator_id and moments.profile_id = profiles.profile_id
    left join {{ ref('measures') }} as numerators on indicators.numerator_measure = numerators.measure_id -- flags together are made of no measure
    left join {{ ref('measures') }} as denominators on indicators.denominator_measure = denominators.measure_id
    left join {{ ref('t_quantiles') }} as quantiles on quantiles.degrees_of_freedom = least(moments.n_subjects - 1, 200)
    where moments.sum_d > 0
),

spread as (
    -- the variance of a ratio of totals over people: m / (m - 1) x sum (n - r d)^2 / (sum d)^2; of a mean (d is 1) that is s^2 / m
    select
        measured.*,
        case
            when n_subjects > 1
                then greatest(0, people / (people - 1) * (sum_nn - 2 * rate * sum_nd + rate * rate * sum_dd) / (cast(sum_d as double) * sum_d))
        end as variance
    from measured
),

chosen as (
    select
        spread.*,
        case
            when value_kind = 'share_of_people' then 'wilson'
            when n_subjects < 2 then 'none'
            when value_kind in ('mean', 'mean_change') and variance <= 1e-12 * value_scale * value_scale then 'none'
            when value_kind in ('mean', 'mean_change') then 't_people'
            when rate <= 0 or rate >= 1 or variance <= 1e-12 then 'wilson_people'
            else 'clustered_logit'
        end as ci_method
    from spread
),

bounded as (
    select
        chosen.*,
        case when ci_method like 'wilson%' then (rate + {{ z }} * {{ z }} / (2 * people)) / (1 + {{ z }} * {{ z }} / people) end as wilson_center,
        case
            when ci_method like 'wilson%'
                then {{ z }} * sqrt(rate * (1 - rate) / people + {{ z }} * {{ z }} / (4 * people * people)) / (1 + {{ z }} * {{ z }} / people)
        end as wilson_half,
        case when ci_method = 'clustered_logit' then ln(rate / (1 - rate)) end as logit,
        case when ci_method = 'clustered_logit' then t_975 * sqrt(variance) / (rate * (1 - rate)) end as logit_half,
        case when ci_method = 't_people' then t_975 * sqrt(variance) end as mean_half
    from chosen
)

select
    bounded.value_key,
    cast(bounded.school_year as int) as school_year,
    bounded.school_id,
    bounded.grade_level,
    bounded.group_family,
    bounded.group_value,
    bounded.period_type,
    bounded.period_start,
    periods.period_end,
    bounded.indicator_id,
    bounded.profile_id,
    cast(bounded.profile_version as int) as profile_version,
    cast(cast(bounded.sum_n as decimal(18, 3)) / (bounded.number_scale * bounded.value_scale) as decimal(18, 3)) as numerator,
    cast(cast(bounded.sum_d as decimal(18, 3)) / bounded.number_scale as decimal(18, 3)) as denominator,
    bounded.n_subjects,
    round(bounded.rate / bounded.value_scale, 12) as value,
    round(
        case
            when bounded.ci_method like 'wilson%' then greatest(0, bounded.wilson_center - bounded.wilson_half)
            when bounded.ci_method = 'clustered_logit' then 1 / (1 + exp(-(bounded.logit - bounded.logit_half)))
            -- a mean of changes may be below nothing
            when bounded.value_kind = 'mean_change' then (bounded.rate - bounded.mean_half) / bounded.value_scale
            when bounded.ci_method = 't_people' then greatest(0, bounded.rate - bounded.mean_half) / bounded.value_scale
        end, 9
    ) as ci_low,
    round(
        case
            when bounded.ci_method like 'wilson%' then least(1, bounded.wilson_center + bounded.wilson_half)
            when bounded.ci_method = 'clustered_logit' then 1 / (1 + exp(-(bounded.logit + bounded.logit_half)))
            when bounded.ci_method = 't_people' then (bounded.rate + bounded.mean_half) / bounded.value_scale
        end, 9
    ) as ci_high,
    bounded.ci_method
from bounded
inner join {{ ref('dim_periods') }} as periods
    on
        bounded.period_type = periods.period_type
        and bounded.period_start = periods.period_start
        and bounded.school_year = periods.school_year

union all

-- averages a school day: people were there, and not drawn, so that there is no interval
select
    averages.value_key,
    cast(averages.school_year as int) as school_year,
    averages.school_id,
    averages.grade_level,
    averages.group_family,
    averages.group_value,
    averages.period_type,
    averages.period_start,
    periods.period_end,
    averages.indicator_id,
    averages.profile_id,
    cast(profiles.version as int) as profile_version,
    cast(cast(averages.total as decimal(18, 3)) / averages.scale as decimal(18, 3)) as numerator,
    cast(averages.n_days as decimal(18, 3)) as denominator,
    averages.n_subjects,
    averages.average_thousandths / cast(1000 as double) as value,
    cast(null as double) as ci_low,
    cast(null as double) as ci_high,
    'none' as ci_method
from {{ ref('int_daily_averages') }} as averages
inner join {{ ref('indicator_profiles') }} as profiles on averages.indicator_id = profiles.indicator_id and averages.profile_id = profiles.profile_id
inner join {{ ref('dim_periods') }} as periods
    on
        averages.period_type = periods.period_type
        and averages.period_start = periods.period_start
        and averages.school_year = periods.school_year
