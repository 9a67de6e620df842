{{ config(materialized='table') }}
-- Of tonight's cells those that are an average a school day (`per_school_day`): what the numerator or the denominator of another indicator adds up to (which
-- of them `indicator_parts` says), over the days on which the school was in session. The district's is the sum of its schools' own averages, each to a
-- thousandth: schools are in session on different days, and what is divided by the days of all of them together is the average of no school.
{% set place = ['school_year', 'grade_level', 'group_family', 'group_value', 'period_type', 'period_start'] %}
{% set same_place -%}
    {%- for column in place %}
        {{ "and " if not loop.first }}schools.{{ column }} {{ "is not distinct from" if column == 'grade_level' else "=" }} touched.{{ column }}
    {%- endfor %}
{%- endset %}
with touched as (
    select
        touched.*,
        parts.part_indicator_id,
        parts.part_profile_id,
        parts.counts_when,
        case parts.counts_when when 'numerator' then numerators.scale else denominators.scale end as scale
    from {{ ref('int_touched_cells') }} as touched
    inner join {{ ref('indicators') }} as wholes on touched.indicator_id = wholes.indicator_id and wholes.rollup = 'per_school_day'
    inner join {{ ref('indicator_parts') }} as parts on touched.indicator_id = parts.indicator_id and touched.profile_id = parts.profile_id
    inner join {{ ref('indicators') }} as indicators on parts.part_indicator_id = indicators.indicator_id
    inner join {{ ref('measures') }} as numerators on indicators.numerator_measure = numerators.measure_id
    inner join {{ ref('measures') }} as denominators on indicators.denominator_measure = denominators.measure_id
),

of_schools as (
    select
        touched.value_key,
        {{ sum_bigint(thousandths(
            "case touched.counts_when when 'numerator' then schools.sum_n else schools.sum_d end", '(days.n_days * touched.scale)'
        )) }} as average_thousandths
    from touched
    inner join {{ ref('int_cell_moments') }} as schools
        on
            {{ same_place }}
            and schools.indicator_id = touched.part_indicator_id
            and schools.profile_id = touched.part_profile_id
            and (schools.school_id = touched.school_id or (touched.school_id is null and schools.school_id is not null))
    left join {{ ref('dim_schools') }} as places on schools.school_id = places.school_key
    inner join {{ ref('int_days_in_session') }} as days
        on
            schools.school_id = days.school_key
            and schools.school_year = days.school_year
            and schools.period_type = days.period_type
            and schools.period_start = days.period_start
    where touched.school_id is not null or coalesce(places.is_in_district, true)
    group by touched.value_key
)

select
    touched.value_key,
    touched.school_year, touched.school_id, touched.grade_level, touched.group_family, touched.group_value, touched.period_type, touched.period_start,
    touched.indicator_id, touched.profile_id,
    cells.n_subjects,
    case touched.counts_when when 'numerator' then cells.sum_n else cells.sum_d end as total,
    touched.scale,
    days.n_days,
    of_schools.average_thousandths
from touched
inner join {{ ref('int_cell_moments') }} as cells
    on
        {{ same_place | replace('schools.', 'cells.') }}
        and cells.indicator_id = touched.part_indicator_id
        and cells.profile_id = touched.part_profile_id
        and cells.school_id is not distinct from touched.school_id
inner join of_schools on touched.value_key = of_schools.value_key
inner join {{ ref('int_days_in_session') }} as days
    on
        touched.school_year = days.school_year
        and touched.period_type = days.period_type
        and touched.period_start = days.period_start
        and touched.school_id is not distinct from days.school_key
