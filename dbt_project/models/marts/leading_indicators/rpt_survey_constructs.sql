-- depends_on: {{ ref('int_touched_survey_waves') }}
{{ config(
    materialized='touched',
    touched='int_touched_survey_waves',
    touched_key=['wave_key', 'school_year', 'period_type', 'period_start']
) }}
-- Shares are kept in billionths and values in thousandths until the last step, so that the same answers give the same figures in whatever order they come.
-- `place` is '' in the district's rows: those of all schools but of other agencies.
with published as (
    select indicators.indicator_id, measures.construct, measures.respondent_role
    from {{ ref('indicators') }} as indicators
    inner join {{ ref('measures') }} as measures on indicators.denominator_measure = measures.measure_id
    where indicators.rollup = 'sum' and measures.construct is not null
),

answers as (
    select
        {{ concat_key(["answers.survey_id", "answers.wave_id"]) }} as wave_key,
        answers.survey_id,
        answers.wave_id,
        pieces.school_year,
        answers.school_key,
        answers.response_key,
        published.indicator_id,
        constructs.construct,
        constructs.n_items,
        answers.item_id,
        answers.is_favorable,
        cast(round(answers.item_value * 1000) as bigint) as thousandths
    from {{ ref('fct_survey_answers') }} as answers
    inner join {{ ref('dim_week_pieces') }} as pieces on answers.piece_start = pieces.piece_start
    inner join {{ ref('dim_survey_constructs') }} as constructs on answers.survey_id = constructs.survey_id and answers.item_id = constructs.item_id
    inner join {{ ref('dim_survey_waves') }} as waves on answers.survey_id = waves.survey_id and answers.wave_id = waves.wave_id
    inner join published
        on constructs.construct = published.construct and coalesce(published.respondent_role, waves.respondent_role) = waves.respondent_role
    {% if is_touched_build() %}
        inner join {{ ref('int_touched_survey_waves') }} as touched
            on
                answers.survey_id = touched.survey_id
                and answers.wave_id = touched.wave_id
                and pieces.school_year = touched.school_year
    {% endif %}
    where answers.is_valid
),

{% set cell = ['wave_key', 'survey_id', 'wave_id', 'school_year', 'place', 'indicator_id', 'construct'] %}
placed as (
    select answers.*, answers.school_key as place
    from answers
    where answers.school_key is not null
    union all
    select answers.*, '' as place
    from answers
    left join {{ ref('dim_schools') }} as schools on answers.school_key = schools.school_key
    where coalesce(schools.is_in_district, true)
),

items as (
    select
        {{ cell | join(', ') }}, item_id,
        count(*) as n_valid,
        {{ sum_bigint('case when is_favorable then 1 else 0 end') }} as n_favorable
    from placed
    group by {{ cell | join(', ') }}, item_id
),

favorable as (
    select
        {{ cell | join(', ') }},
        count(*) as n_items,
        {{ sum_bigint('n_favorable') }} as n_favorable,
        {{ sum_bigint('n_valid') }} as n_valid,
        {{ sum_bigint(billionths('n_favorable', 'n_valid')) }} as billionths
    from items
    group by {{ cell | join(', ') }}
),

responses as (
    select
        {{ cell | join(', ') }}, response_key,
        max(n_items) as n_items,
        count(*) as n_answers,
        count(distinct item_id) as n_answered,
        {{ sum_bigint('thousandths') }} as total
    from placed
    group by {{ cell | join(', ') }}, response_key
),

people as (
    select {{ cell | join(', ') }}, count(*) as n_subjects
    from responses
    group by {{ cell | join(', ') }}
),

-- Cronbach's alpha is over those who answered every question of the construct, each once
complete as (
    select *
    from responses
    where n_answered = n_items and n_answers = n_items and n_items > 1
),

item_spreads as (
    select
        placed.{{ cell | join(', placed.') }}, placed.item_id,
        cast(count(*) as double) * cast({{ sum_bigint('placed.thousandths * placed.thousandths') }} as double)
        - cast({{ sum_bigint('placed.thousandths') }} as double) * cast({{ sum_bigint('placed.thousandths') }} as double) as spread
    from placed
    inner join complete
        on
            placed.wave_key = complete.wave_key
            and placed.school_year = complete.school_year
            and placed.place = complete.place
            and placed.indicator_id = complete.indicator_id
            and placed.response_key = complete.response_key
    group by placed.{{ cell | join(', placed.') }}, placed.item_id
),

of_items as (
    -- of whole numbers below 2^53 doubles are exact, so the order in which they are added does not matter for the digits that are kept
    select {{ cell | join(', ') }}, count(*) as n_items, sum(spread) as spread
    from item_spreads
    group by {{ cell | join(', ') }}
),

of_totals as (
    select
        {{ cell | join(', ') }},
        count(*) as n_subjects,
        cast(count(*) as double) * cast({{ sum_bigint('total * total') }} as double)
        - cast({{ sum_bigint('total') }} as double) * cast({{ sum_bigint('total') }} as double) as spread
    from complete
    group by {{ cell | join(', ') }}
),

{#- That two of the tables above are of the same cell. -#}
{% set of_people, of_one = [], [] %}
{% for column in cell %}
    {% do of_people.append('favorable.' ~ column ~ ' = people.' ~ column) %}
    {% do of_one.append('of_totals.' ~ column ~ ' = of_items.' ~ column) %}
{% endfor %}
statistics as (
    select
        favorable.{{ cell | join(', favorable.') }}, 'favorable_pooled' as statistic,
        favorable.n_items, people.n_subjects,
        favorable.n_favorable as numerator,
        favorable.n_valid as denominator,
        {{ safe_divide('favorable.n_favorable', 'favorable.n_valid') }} as value
    from favorable
    inner join people
        on
            {{ of_people | join('\n            and ') }}

    union all
    select
        favorable.{{ cell | join(', favorable.') }}, 'favorable_item_mean' as statistic,
        favorable.n_items, people.n_subjects,
        cast(null as bigint) as numerator,
        cast(null as bigint) as denominator,
        cast(favorable.billionths as double) / (1000000000 * favorable.n_items) as value
    from favorable
    inner join people
        on
            {{ of_people | join('\n            and ') }}

    union all
    select
        of_totals.{{ cell | join(', of_totals.') }}, 'alpha' as statistic,
        of_items.n_items, of_totals.n_subjects,
        cast(null as bigint) as numerator,
        cast(null as bigint) as denominator,
        cast(of_items.n_items as double) / (of_items.n_items - 1) * (1 - of_items.spread / of_totals.spread) as value
    from of_totals
    inner join of_items
        on
            {{ of_one | join('\n            and ') }}
    where of_totals.n_subjects > 1 and of_totals.spread > 0
)

select
    {{ concat_key([
        "statistics.wave_key", "statistics.school_year", "statistics.place", "statistics.indicator_id", "statistics.statistic"
    ]) }} as score_key,
    statistics.wave_key,
    cast(statistics.school_year as int) as school_year,
    'year_to_date' as period_type,
    years.period_start,
    nullif(statistics.place, '') as school_id,
    statistics.indicator_id,
    statistics.construct,
    statistics.survey_id,
    statistics.wave_id,
    statistics.statistic,
    cast(statistics.n_items as bigint) as n_items,
    statistics.n_subjects,
    cast(statistics.numerator as decimal(18, 3)) as numerator,
    cast(statistics.denominator as decimal(18, 3)) as denominator,
    round(statistics.value, 9) as value
from statistics
inner join {{ ref('dim_periods') }} as years on statistics.school_year = years.school_year and years.period_type = 'year_to_date'
