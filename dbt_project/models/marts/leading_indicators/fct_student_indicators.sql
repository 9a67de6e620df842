-- depends_on: {{ ref('int_touched_subject_periods') }}
{{ config(
    materialized='touched',
    touched='int_touched_subject_periods',
    touched_key=['student_key', 'school_year', 'period_type', 'period_start'],
    written_apart={'period_type': ['year_to_date', 'term', 'month']}
) }}
{#- The rows with their words (why it is flagged, why not where that is said too, why there is no judgement yet), all of them or the parts of others alone;
    written out where they are read, since a whole build has too many to be held at once. -#}
{% set rows_of = {} %}
{% for only_parts in [false, true] %}
    {% set rows -%}
        select
            summed.*,
            indicators.rollup,
            profiles.version as profile_version,
            -- of flags together the numbers are flags
            coalesce(numerators.scale, 1) as over_scale,
            coalesce(denominators.scale, 1) as under_scale,
            case when indicators.rollup in ('flag_of_total', 'distinct', 'flags_together') and summed.denominator > 0 then summed.numerator = 1 end as flag,
            replace(
                replace(
                    replace(
                        replace(
                            case
                                when summed.denominator = 0 then indicators.not_yet_words
                                when indicators.rollup in ('flag_of_total', 'distinct', 'flags_together')
                                    then case when summed.numerator = 1 then coalesce(profiles.flag_words, indicators.flag_words) else indicators.no_flag_words end
                            end,
                            '{n}', {{ plain_number('summed.total_numerator', 'coalesce(numerators.scale, 1)') }}
                        ),
                        '{d}', {{ plain_number('summed.total_denominator', 'coalesce(denominators.scale, 1)') }}
                    ),
                    '{least}', cast(profiles.minimum_denominator as string)
                ),
                '{line}', case profiles.operator when 'more_than' then 'more than ' else '' end
                || coalesce(
                    cast(profiles.threshold_numerator as string)
                    || case when profiles.threshold_denominator > 1 then ' in ' || cast(profiles.threshold_denominator as string) else '' end, ''
                )
                || coalesce(' to under ' || cast(profiles.below_numerator as string) || ' in ' || cast(profiles.below_denominator as string), '')
            ) as words
        from (
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
            {% if only_parts %}
                inner join (
                    select distinct part_indicator_id, part_profile_id
                    from {{ ref('indicator_parts') }}
                    where counts_when in ('raised', 'not_raised')
                ) as named
                    on indicators.indicator_id = named.part_indicator_id and indicators.profile_id = named.part_profile_id
            {% endif %}
            where indicators.subject_type = 'student' and {{ speaks_of_the_student('indicators') }}
            group by
                indicators.subject_key, indicators.school_key, indicators.school_year, indicators.period_type, indicators.period_start,
                indicators.indicator_id, indicators.profile_id, indicators.counts_at
        ) as summed
        inner join {{ ref('indicators') }} as indicators on summed.indicator_id = indicators.indicator_id
        inner join {{ ref('indicator_profiles') }} as profiles
            on summed.indicator_id = profiles.indicator_id and summed.profile_id = profiles.profile_id
        left join {{ ref('measures') }} as numerators on indicators.numerator_measure = numerators.measure_id
        left join {{ ref('measures') }} as denominators on indicators.denominator_measure = denominators.measure_id
    {%- endset %}
    {% do rows_of.update({only_parts: rows}) %}
{% endfor %}
-- what the parts of flags together say, one after the other
with of_parts as (
    select
        said.student_key, said.school_id, said.counts_at, said.school_year, said.period_type, said.period_start,
        wholes.indicator_id, wholes.profile_id,
        {{ ordered_list('said.words', 'wholes.part', ' ') }} as words
    from (
        {{ rows_of[true] }}
    ) as said
    inner join {{ ref('indicator_parts') }} as wholes on said.indicator_id = wholes.part_indicator_id and said.profile_id = wholes.part_profile_id
    group by
        said.student_key, said.school_id, said.counts_at, said.school_year, said.period_type, said.period_start,
        wholes.indicator_id, wholes.profile_id
)

select
    {{ concat_key([
        "said.student_key", "said.school_year", "said.school_id", "said.period_type", "said.period_start", "said.indicator_id",
        "said.profile_id"
    ]) }} as student_indicator_key,
    said.student_key,
    said.school_id,
    cast(said.school_year as int) as school_year,
    said.period_type,
    said.period_start,
    periods.period_end,
    said.indicator_id,
    said.profile_id,
    cast(said.profile_version as int) as profile_version,
    cast(case
        when said.rollup = 'distinct' then said.numerator
        else cast(said.total_numerator as decimal(18, 3)) / said.over_scale
    end as decimal(18, 3)) as numerator,
    cast(case
        when said.rollup = 'distinct' then said.denominator
        when said.rollup = 'total_per_person' then least(said.denominator, 1)
        else cast(said.total_denominator as decimal(18, 3)) / said.under_scale
    end as decimal(18, 3)) as denominator,
    case
        when said.rollup = 'distinct' then {{ safe_divide('said.numerator', 'said.denominator') }}
        when said.rollup = 'total_per_person' and said.denominator = 0 then null -- not judged: no number, and never nought
        when said.rollup = 'total_per_person' then {{ safe_divide('said.total_numerator', 'said.over_scale') }}
        when said.rollup = 'ratio_per_person' then {{ thousandths('said.total_numerator', 'said.total_denominator') }} / cast(1000 as double)
        else {{ safe_divide('said.total_numerator * said.under_scale', 'said.total_denominator * said.over_scale') }}
    end as value,
    said.flag,
    trim(replace(said.words, '{parts}', coalesce(of_parts.words, ''))) as flag_reason
from (
    {{ rows_of[false] }}
) as said
left join of_parts
    on
        said.student_key = of_parts.student_key
        and coalesce(said.school_id, '') = coalesce(of_parts.school_id, '')
        and said.counts_at = of_parts.counts_at
        and said.school_year = of_parts.school_year
        and said.period_type = of_parts.period_type
        and said.period_start = of_parts.period_start
        and said.indicator_id = of_parts.indicator_id
        and said.profile_id = of_parts.profile_id
inner join {{ ref('dim_periods') }} as periods
    on
        said.period_type = periods.period_type
        and said.period_start = periods.period_start
        and said.school_year = periods.school_year
