-- depends_on: {{ ref('int_touched_index') }}
{{ config(materialized='touched', touched='int_touched_index', touched_key='place_key') }}
-- Each measure of an index as a level, by the figures of the year to date that `agg_indicator_values` has; each domain and the index as the mean of the
-- levels that are there, by weight. A figure of fewer than `least_n`, which is no fewer than suppression asks, is not read: nothing here stands on what is hidden.
-- Rows are in no order: an index says how far a school is, and of no two schools which is before the other.
{% set place = ['place_key', 'index_id', 'school_year', 'school_id', 'group_family', 'group_value', 'period_type', 'period_start', 'period_end'] %}
with figures as (
    select
        {{ index_place_key('measures', 'cells') }} as place_key,
        measures.index_id,
        measures.measure_key,
        measures.least_n,
        cells.school_year, cells.school_id, cells.group_family, cells.group_value, cells.period_type, cells.period_start, cells.period_end,
        cells.indicator_id, cells.profile_id, cells.profile_version,
        cast(cells.numerator as decimal(24, 3)) as numerator, -- as wide as both engines multiply exactly with a cut point
        cast(cells.denominator as decimal(24, 3)) as denominator,
        cells.n_subjects
    from {{ ref('agg_indicator_values') }} as cells
    inner join {{ ref('dim_index_measures') }} as measures on cells.indicator_id = measures.indicator_id and cells.profile_id = measures.profile_id
    {% if is_touched_build() %}
        inner join {{ ref('int_touched_index') }} as touched
            on
                measures.index_id = touched.index_id
                and cells.school_year = touched.school_year
                and cells.school_id is not distinct from touched.school_id
                and cells.group_family = touched.group_family
                and cells.group_value = touched.group_value
                and cells.period_type = touched.period_type
                and cells.period_start = touched.period_start
    {% endif %}
    where cells.period_type = 'year_to_date' and cells.grade_level is null
),

-- compared as products of decimals, so that a figure exactly on a cut point has reached it; below all of them is the level before the first
levels as (
    select
        figures.place_key,
        figures.measure_key,
        coalesce(
            max(
                case
                    when
                        cut_points.direction = 'lower_is_better'
                        and figures.numerator * cut_points.out_of <= cut_points.bound * figures.denominator
                        then cut_points.level
                    when
                        cut_points.direction = 'higher_is_better'
                        and figures.numerator * cut_points.out_of >= cut_points.bound * figures.denominator
                        then cut_points.level
                end
            ),
            min(cut_points.level) - 1
        ) as level
    from figures
    inner join {{ ref('dim_index_cut_points') }} as cut_points
        on figures.indicator_id = cut_points.indicator_id and figures.profile_id = cut_points.profile_id
    where figures.n_subjects >= figures.least_n
    group by figures.place_key, figures.measure_key
),

places as (
    select distinct {{ place | join(', ') }}
    from figures
),

measured as (
    select
        places.*,
        measures.measure_key, measures.measure_name, measures.domain, measures.indicator_id, measures.profile_id, measures.weight, measures.domain_weight,
        cast(measures.weight * 1000 as bigint) as weight_thousandths,
        figures.profile_version,
        figures.n_subjects,
        levels.level,
        case
            when figures.measure_key is null then 'not measured here'
            when levels.level is null then 'no figure: fewer than ' || cast(measures.least_n as {{ dbt.type_string() }}) || ' ' || measures.subjects
        end as missing
    from places
    inner join {{ ref('dim_index_measures') }} as measures on places.index_id = measures.index_id
    left join figures on places.place_key = figures.place_key and measures.measure_key = figures.measure_key
    left join levels on places.place_key = levels.place_key and measures.measure_key = levels.measure_key
),

-- a domain weighs what the district says, else as much as its measures that are there; the mean of its levels is in billionths, which add up in any order
domains as (
    select
        summed.*,
        case when n_measures_there > 0 then coalesce(own_weight, weight_there) end as weight_used,
        {{ billionths("level_sum", "weight_there") }} as mean_billionths,
        case when n_measures_there = 0 then 'all of the domain ' || domain || ' (' || listed || ')' else listed end as missing
    from (
        select
            {{ place | join(', ') }},
            domain,
            max(domain_weight) as domain_weight,
            cast(max(domain_weight) * 1000 as bigint) as own_weight,
            count(*) as n_measures,
            count(level) as n_measures_there,
            min(case when level is not null then n_subjects end) as n_subjects,
            {{ sum_bigint("case when level is not null then weight_thousandths * level end") }} as level_sum,
            {{ sum_bigint("case when level is not null then weight_thousandths end") }} as weight_there,
            {{ ordered_list("case when missing is not null then measure_name || ': ' || missing end", 'measure_key', '; ') }} as listed
        from measured
        group by {{ place | join(', ') }}, domain
    ) as summed
),

indexes as (
    select
        {{ place | join(', ') }},
        {{ sum_bigint('n_measures') }} as n_measures,
        {{ sum_bigint('n_measures_there') }} as n_measures_there,
        min(n_subjects) as n_subjects,
        {{ sum_bigint('weight_used * mean_billionths') }} as level_sum,
        {{ sum_bigint('weight_used') }} as weight_there,
        {{ ordered_list('missing', 'domain', '; ') }} as missing
    from domains
    group by {{ place | join(', ') }}
),

parts as (
    select
        {{ place | join(', ') }},
        'measure' as part,
        domain,
        indicator_id as measured_indicator_id,
        profile_id as measured_profile_id,
        profile_version as measured_profile_version,
        weight,
        cast(1 as bigint) as n_measures,
        cast(case when level is null then 0 else 1 end as bigint) as n_measures_there,
        n_subjects,
        cast(level as double) as value,
        missing
    from measured
    union all
    select
        {{ place | join(', ') }},
        'domain' as part,
        domain,
        cast(null as {{ dbt.type_string() }}) as measured_indicator_id,
        cast(null as {{ dbt.type_string() }}) as measured_profile_id,
        cast(null as int) as measured_profile_version,
        domain_weight as weight,
        cast(n_measures as bigint) as n_measures,
        cast(n_measures_there as bigint) as n_measures_there,
        n_subjects,
        round(mean_billionths / cast(1000000000 as double), 6) as value,
        nullif(missing, '') as missing
    from domains
    union all
    select
        {{ place | join(', ') }},
        'index' as part,
        cast(null as {{ dbt.type_string() }}) as domain,
        cast(null as {{ dbt.type_string() }}) as measured_indicator_id,
        cast(null as {{ dbt.type_string() }}) as measured_profile_id,
        cast(null as int) as measured_profile_version,
        cast(null as decimal(18, 3)) as weight,
        n_measures,
        n_measures_there,
        n_subjects,
        round(cast(level_sum as double) / nullif(weight_there, 0) / 1000000000, 6) as value,
        nullif(missing, '') as missing
    from indexes
)

select
    {{ concat_key(['place_key', 'part', 'domain', 'measured_indicator_id', 'measured_profile_id']) }} as index_key,
    place_key,
    school_year,
    school_id,
    group_family,
    group_value,
    period_type,
    period_start,
    period_end,
    'index' as indicator_id,
    index_id,
    part,
    domain,
    measured_indicator_id,
    measured_profile_id,
    measured_profile_version,
    weight,
    n_measures,
    n_measures_there,
    n_subjects,
    value,
    missing
from parts
