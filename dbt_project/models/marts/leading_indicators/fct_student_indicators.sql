-- depends_on: {{ ref('int_touched_subject_periods') }}
{{ config(
    materialized='touched',
    touched='int_touched_subject_periods',
    touched_key=['student_key', 'school_year', 'period_type', 'period_start']
) }}
with summed as (
    select
        indicators.subject_key as student_key,
        indicators.school_key as school_id,
        indicators.school_year,
        indicators.period_type,
        indicators.period_start,
        indicators.indicator_id,
        indicators.profile_id,
        indicators.counts_at,
        {{ sum_bigint('indicators.numerator') }} as numerator,
        {{ sum_bigint('indicators.denominator') }} as denominator,
        {{ sum_bigint('indicators.total_numerator') }} as total_numerator,
        {{ sum_bigint('indicators.total_denominator') }} as total_denominator
    from {{ touched_written(ref('int_subject_indicators')) if is_touched_build() else ref('int_subject_indicators') }} as indicators
    where indicators.subject_type = 'student'
    group by
        indicators.subject_key, indicators.school_key, indicators.school_year, indicators.period_type, indicators.period_start,
        indicators.indicator_id, indicators.profile_id, indicators.counts_at
)

select
    {{ concat_key([
        "summed.student_key", "summed.school_year", "summed.school_id", "summed.period_type", "summed.period_start", "summed.indicator_id",
        "summed.profile_id"
    ]) }} as student_indicator_key,
    summed.student_key,
    summed.school_id,
    cast(summed.school_year as int) as school_year,
    summed.period_type,
    summed.period_start,
    periods.period_end,
    summed.indicator_id,
    summed.profile_id,
    cast(profiles.version as int) as profile_version,
    cast(case
        when indicators.rollup = 'distinct' then summed.numerator
        else cast(summed.total_numerator as decimal(18, 3)) / numerators.scale
    end as decimal(18, 3)) as numerator,
    cast(case
        when indicators.rollup = 'distinct' then summed.denominator
        when indicators.rollup = 'total_per_person' then 1
        else cast(summed.total_denominator as decimal(18, 3)) / denominators.scale
    end as decimal(18, 3)) as denominator,
    case
        when indicators.rollup = 'distinct' then {{ safe_divide('summed.numerator', 'summed.denominator') }}
        when indicators.rollup = 'total_per_person' then {{ safe_divide('summed.total_numerator', 'numerators.scale') }}
        when indicators.rollup = 'ratio_per_person' then {{ thousandths('summed.total_numerator', 'summed.total_denominator') }} / cast(1000 as double)
        else {{ safe_divide('summed.total_numerator', 'summed.total_denominator') }}
    end as value,
    case when indicators.rollup in ('flag_of_total', 'distinct') and summed.denominator > 0 then summed.numerator = 1 end as flag,
    case
        when indicators.rollup in ('flag_of_total', 'distinct') and summed.numerator = 1
            then
                replace(
                    replace(
                        replace(coalesce(profiles.flag_words, indicators.flag_words), '{n}', {{ plain_number('summed.total_numerator', 'numerators.scale') }}),
                        '{d}', {{ plain_number('summed.total_denominator', 'denominators.scale') }}
                    ),
                    '{line}', case profiles.operator when 'more_than' then 'more than ' else '' end
                    || coalesce(cast(profiles.threshold_numerator as string) || ' in ' || cast(profiles.threshold_denominator as string), '')
                    || coalesce(
                        ' to under ' || cast(profiles.below_numerator as string) || ' in ' || cast(profiles.below_denominator as string), ''
                    )
                )
        when summed.denominator = 0
            then
                replace(
                    replace(indicators.not_yet_words, '{d}', {{ plain_number('summed.total_denominator', 'denominators.scale') }}),
                    '{least}', cast(profiles.minimum_denominator as string)
                )
    end as flag_reason
from summed
inner join {{ ref('indicators') }} as indicators on summed.indicator_id = indicators.indicator_id
inner join {{ ref('indicator_profiles') }} as profiles
    on summed.indicator_id = profiles.indicator_id and summed.profile_id = profiles.profile_id
inner join {{ ref('measures') }} as numerators on indicators.numerator_measure = numerators.measure_id
inner join {{ ref('measures') }} as denominators on indicators.denominator_measure = denominators.measure_id
inner join {{ ref('dim_periods') }} as periods
    on
        summed.period_type = periods.period_type
        and summed.period_start = periods.period_start
        and summed.school_year = periods.school_year
