-- depends_on: {{ ref('int_touched_subject_periods') }}
{{ config(
    materialized='touched',
    touched='int_touched_subject_periods',
    touched_key=['subject_type', 'subject_key', 'school_year', 'period_type', 'period_start'],
    keeps_difference=true
) }}
-- Every indicator of every subject over each period, at the finest place and groups. `counts_at` says which figures a row belongs to: sums belong to the
-- school's and the district's; what is of each person (a flag of a total or of anything at all, the total, the ratio of totals, and at stage 2 flags together)
-- is worked out apart for each of them. A school of another agency is in its own figures alone.
-- Whoever a profile leaves out of its figures has a row without a denominator, in which `excluded_by` says by which rule; of other grades, and of whom
-- nothing is known or counted, there is none. Of who has left, or never attended, nothing but that is said (`speaks_of_the_student`).
{% set judged_rollups = rollups_of_each_person() %}
{#- A student is judged on the year to date alone. A response is of one day and all of it is there at once: it is the same in each period of that day. -#}
{% set is_in_period -%}
    (parts.rollup not in {{ judged_rollups }} or measures.period_type = 'year_to_date' or measures.subject_type = 'response')
{%- endset %}
with places as (
    select school_key, case when is_in_district then '' else agency_id end as agency
    from {{ ref('dim_schools') }}
),

measured as (
    select
        indicators.indicator_id, profiles.profile_id, indicators.rollup,
        coalesce(profiles.numerator_measure, indicators.numerator_measure) as numerator_measure,
        indicators.denominator_measure,
        indicators.doubt_measure,
        indicators.population_measure,
        leavers.begun_measure,
        leavers.left_measure
    from {{ ref('indicators') }} as indicators
    inner join {{ ref('indicator_profiles') }} as profiles on indicators.indicator_id = profiles.indicator_id
    left join {{ ref('leaver_rules') }} as leavers on profiles.leaver_rule = leavers.leaver_rule
    where indicators.stage = 1
),

-- what is summed is summed once for all indicators and profiles of one numerator and denominator
ratios as (
    select
        measured.*,
        rollup || ': ' || numerator_measure || ' / ' || denominator_measure
        || coalesce(' (' || doubt_measure || ')', '') || coalesce(' of ' || population_measure, '') as ratio
    from measured
),

-- the part that a measure has in a ratio: of the population it is enough to be there; by stays that have begun and were left it is known who has left (they
-- are read for all profiles of the ratio, and change what others say in nothing)
parts as (
    select rollup, ratio, numerator_measure as measure_id, 'numerator' as part
    from ratios
    union
    select rollup, ratio, denominator_measure as measure_id, 'denominator' as part
    from ratios
    union
    select rollup, ratio, doubt_measure as measure_id, 'doubt' as part
    from ratios
    where doubt_measure is not null
    union
    select rollup, ratio, population_measure as measure_id, 'population' as part
    from ratios
    where population_measure is not null
    union
    select rollup, ratio, begun_measure as measure_id, 'begun' as part
    from ratios
    where begun_measure is not null
    union
    select rollup, ratio, left_measure as measure_id, 'left' as part
    from ratios
    where left_measure is not null
),

summed as (
    select
        measures.period_type, measures.period_start, measures.school_year, measures.subject_type, measures.subject_key, measures.school_key,
        measures.grade_level, measures.signature, measures.modality, parts.ratio,
        {{ sum_bigint("case when parts.part = 'numerator' then measures.quantity else 0 end") }} as numerator,
        {{ sum_bigint("case when parts.part = 'denominator' then measures.quantity else 0 end") }} as denominator,
        {{ sum_bigint("case when parts.part = 'doubt' then measures.quantity else 0 end") }} as doubt,
        {{ sum_bigint("case parts.part when 'begun' then measures.quantity when 'left' then -measures.quantity else 0 end") }} as stays,
        {{ sum_bigint("case when parts.part in ('begun', 'left') then 0 else 1 end") }} as n_said
    from {{ ref('int_period_measures') }} as measures
    inner join parts on measures.measure_id = parts.measure_id and {{ is_in_period }}
    group by
        measures.period_type, measures.period_start, measures.school_year, measures.subject_type, measures.subject_key, measures.school_key,
        measures.grade_level, measures.signature, measures.modality, parts.ratio
),

placed as (
    select summed.*, coalesce(places.agency, '') as agency, rollups.rollup
    from summed
    inner join (select distinct ratio, rollup from ratios) as rollups on summed.ratio = rollups.ratio
    left join places on summed.school_key = places.school_key
),

profiles as (
    select
        profiles.*,
        ratios.ratio,
        ratios.rollup,
        ratios.population_measure is not null as has_population,
        ratios.left_measure is not null as leaves_out,
        profiles.minimum_denominator * measures.scale as minimum_quantity,
        measures.scale as under_scale,
        numerators.scale as over_scale
    from {{ ref('indicator_profiles') }} as profiles
    inner join ratios on profiles.indicator_id = ratios.indicator_id and profiles.profile_id = ratios.profile_id
    inner join {{ ref('measures') }} as measures on ratios.denominator_measure = measures.measure_id
    inner join {{ ref('measures') }} as numerators on ratios.numerator_measure = numerators.measure_id
),

-- the profiles whose flags others are made of
parts_profiles as (
    select profiles.*
    from profiles
    inner join (
        select distinct part_indicator_id, part_profile_id
        from {{ ref('indicator_parts') }}
        where counts_when in ('raised', 'not_raised')
    ) as named on profiles.indicator_id = named.part_indicator_id and profiles.profile_id = named.part_profile_id
),

by_school as (
    select
        period_type, period_start, school_year, subject_type, subject_key, school_key, agency, ratio,
        min(grade_level) as grade_level,
        {{ sum_bigint('numerator') }} as numerator,
        {{ sum_bigint('denominator') }} as denominator,
        {{ sum_bigint('doubt') }} as doubt,
        {{ sum_bigint('stays') }} as stays,
        {{ sum_bigint('n_said') }} as n_said
    from placed
    where rollup in {{ judged_rollups }}
    group by period_type, period_start, school_year, subject_type, subject_key, school_key, agency, ratio
),

pooled as (
    select
        period_type, period_start, school_year, subject_type, subject_key, agency, ratio,
        min(grade_level) as grade_level,
        {{ sum_bigint('numerator') }} as numerator,
        {{ sum_bigint('denominator') }} as denominator,
        {{ sum_bigint('doubt') }} as doubt,
        {{ sum_bigint('stays') }} as stays,
        {{ sum_bigint('n_said') }} as n_said
    from by_school
    group by period_type, period_start, school_year, subject_type, subject_key, agency, ratio
)

{% set rules = [
    'indicator_id', 'profile_id', 'rollup', 'membership_rule', 'minimum_quantity', 'must_have_attended', 'grades', 'first_school_year', 'last_school_year',
    'operator', 'threshold_numerator', 'threshold_denominator', 'below_numerator', 'below_denominator', 'has_population', 'leaves_out', 'over_scale', 'under_scale'
] -%}
{#- 10 x absent >= 1 x enrolled and, where the profile has an upper line, 5 x absent < 1 x enrolled, in whole numbers: never a rounded rate. A line without a
    denominator is a total. Without a line anything counts, and once. -#}
{% set of_line = 'judged.denominator * judged.over_scale' %}
{% set reached -%}
    case
        when judged.threshold_numerator is null then least(TOTAL, 1)
        when judged.threshold_denominator is null
            then case
                when TOTAL > judged.threshold_numerator * judged.over_scale then 1
                when TOTAL < judged.threshold_numerator * judged.over_scale then 0
                when judged.operator = 'at_least' then 1
                else 0
            end
        when TOTAL * judged.under_scale * judged.below_denominator >= {{ of_line }} * judged.below_numerator then 0
        when TOTAL * judged.under_scale * judged.threshold_denominator > {{ of_line }} * judged.threshold_numerator then 1
        when TOTAL * judged.under_scale * judged.threshold_denominator < {{ of_line }} * judged.threshold_numerator then 0
        when judged.operator = 'at_least' then 1
        else 0
    end
{%- endset %}
{#- What is of each person, judged by the profiles of a relation; written out where it is read, as are all rows of a whole build. -#}
{% set judgements = {} %}
{% for of_profiles in ['profiles', 'parts_profiles'] %}
    {% set rows -%}
        select
            judged.period_type, judged.period_start, judged.school_year, judged.subject_type, judged.subject_key, judged.school_key, judged.grade_level,
            groups.signature, cast(null as {{ dbt.type_string() }}) as modality, judged.indicator_id, judged.profile_id, judged.counts_at,
            cast(
                case
                    when judged.excluded_by is not null then 0 -- not judged: in no figure, and said of the student
                    when judged.rollup = 'total_per_person' then judged.numerator
                    when judged.rollup = 'ratio_per_person' then {{ thousandths('judged.numerator', 'judged.denominator') }}
                    else judged.reached
                end as bigint
            ) as numerator,
            cast(case when judged.excluded_by is null then 1 else 0 end as bigint) as denominator,
            judged.numerator as total_numerator,
            judged.denominator as total_denominator,
            judged.excluded_by
        from (
            -- what is in doubt may be in the numerator: where that would change the judgement there is none
            select
                judged.*,
                {{ reached | replace('TOTAL', 'judged.numerator') }} as reached,
                case
                    when judged.leaves_out and judged.stays <= 0 then 'left'
                    when judged.must_have_attended and judged.numerator >= judged.denominator then 'never_attended'
                    when judged.denominator = 0 then 'no_data'
                    when judged.denominator < judged.minimum_quantity then 'too_few'
                    when
                        judged.doubt > 0
                        and {{ reached | replace('TOTAL', 'judged.numerator') }} <> {{ reached | replace('TOTAL', '(judged.numerator + judged.doubt)') }}
                        then 'in_doubt'
                end as excluded_by
            from (
                -- the school's figure: the school's own days, or all the student's days in the district, as the profile says
                select
                    by_school.period_type, by_school.period_start, by_school.school_year, by_school.subject_type, by_school.subject_key, by_school.school_key,
                    by_school.grade_level, 'school' as counts_at,
                    case when profiles.grain = 'school' then by_school.numerator else pooled.numerator end as numerator,
                    case when profiles.grain = 'school' then by_school.denominator else pooled.denominator end as denominator,
                    case when profiles.grain = 'school' then by_school.doubt else pooled.doubt end as doubt,
                    by_school.n_said,
                    case when profiles.grain = 'school' then by_school.stays else pooled.stays end as stays,
                    profiles.{{ rules | join(', profiles.') }}
                from by_school
                inner join pooled
                    on
                        by_school.period_type = pooled.period_type
                        and by_school.period_start = pooled.period_start
                        and by_school.subject_type = pooled.subject_type
                        and by_school.subject_key = pooled.subject_key
                        and by_school.agency = pooled.agency
                        and by_school.ratio = pooled.ratio
                inner join {{ of_profiles }} as profiles on by_school.ratio = profiles.ratio
                where by_school.school_key <> '' or by_school.subject_type <> 'student' -- of a student what names no school is the district's alone
                union all
                -- the district's figure: a student's schools are pooled before the minimum applies
                select
                    pooled.period_type, pooled.period_start, pooled.school_year, pooled.subject_type, pooled.subject_key,
                    cast(null as {{ dbt.type_string() }}) as school_key,
                    pooled.grade_level, 'district' as counts_at,
                    pooled.numerator,
                    pooled.denominator,
                    pooled.doubt,
                    pooled.n_said,
                    pooled.stays,
                    profiles.{{ rules | join(', profiles.') }}
                from pooled
                inner join {{ of_profiles }} as profiles on pooled.ratio = profiles.ratio
                where pooled.agency = ''
            ) as judged
        ) as judged
        left join {{ ref('dim_student_years') }} as groups
            on
                judged.subject_type = 'student' -- a response is in no student's groups, whatever its key
                and judged.subject_key = groups.student_key
                and judged.school_year = groups.school_year
                and judged.membership_rule = groups.membership_rule
        where
            judged.n_said > 0 -- a stay alone says nothing of anybody
            and (judged.denominator > 0 or judged.has_population)
            and (judged.subject_type <> 'student' or groups.student_key is not null)
            and judged.school_year >= coalesce(judged.first_school_year, judged.school_year)
            and judged.school_year <= coalesce(judged.last_school_year, judged.school_year)
            and {{ is_of_grades('judged.grades', 'judged.grade_level') }}
            {% if of_profiles == 'parts_profiles' %}
                and coalesce(judged.excluded_by, '') <> 'never_attended' -- of whom no flag is known; who has left is out of the flags together too
            {% endif %}
    {%- endset %}
    {% do judgements.update({of_profiles: rows}) %}
{% endfor %}

select
    placed.period_type, placed.period_start, placed.school_year, placed.subject_type, placed.subject_key, placed.school_key, placed.grade_level,
    placed.signature, placed.modality, profiles.indicator_id, profiles.profile_id,
    case when placed.agency = '' then 'both' else 'school' end as counts_at,
    placed.numerator,
    placed.denominator,
    placed.numerator as total_numerator,
    placed.denominator as total_denominator,
    case when placed.denominator = 0 then 'no_data' end as excluded_by
from placed
inner join profiles on placed.ratio = profiles.ratio
where
    placed.rollup not in {{ judged_rollups }}
    -- whose only classes are of a kind that the indicator does not apply to has a row that says so, and is in no figure
    and (placed.denominator > 0 or profiles.has_population)
    and placed.school_year >= coalesce(profiles.first_school_year, placed.school_year)
    and placed.school_year <= coalesce(profiles.last_school_year, placed.school_year)

union all

{{ judgements['profiles'] }}

union all

-- flags together: how many of the flags that a profile names stand as it wants them, of those that are known; judged where as many are known as it asks for
select
    together.period_type, together.period_start, together.school_year, together.subject_type, together.subject_key, together.school_key,
    together.grade_level, groups.signature, cast(null as {{ dbt.type_string() }}) as modality, together.indicator_id, together.profile_id,
    together.counts_at,
    cast(
        case when together.n_left = 0 and together.n_known >= profiles.minimum_denominator and together.n_met >= profiles.threshold_numerator then 1 else 0 end
        as bigint
    ) as numerator,
    cast(case when together.n_left = 0 and together.n_known >= profiles.minimum_denominator then 1 else 0 end as bigint) as denominator,
    together.n_met as total_numerator,
    together.n_known as total_denominator,
    case when together.n_left > 0 then 'left' when together.n_known < profiles.minimum_denominator then 'in_doubt' end as excluded_by
from (
    select
        flags.period_type, flags.period_start, flags.school_year, flags.subject_type, flags.subject_key, flags.school_key, flags.counts_at,
        wholes.indicator_id, wholes.profile_id,
        min(flags.grade_level) as grade_level,
        {{ sum_bigint("case when flags.denominator = 1 and flags.numerator = case wholes.counts_when when 'raised' then 1 else 0 end then 1 else 0 end") }}
            as n_met,
        {{ sum_bigint('flags.denominator') }} as n_known,
        {{ sum_bigint("case when flags.excluded_by = 'left' then 1 else 0 end") }} as n_left
    from (
        {{ judgements['parts_profiles'] }}
    ) as flags
    inner join {{ ref('indicator_parts') }} as wholes on flags.indicator_id = wholes.part_indicator_id and flags.profile_id = wholes.part_profile_id
    group by
        flags.period_type, flags.period_start, flags.school_year, flags.subject_type, flags.subject_key, flags.school_key, flags.counts_at,
        wholes.indicator_id, wholes.profile_id
) as together
inner join {{ ref('indicator_profiles') }} as profiles on together.indicator_id = profiles.indicator_id and together.profile_id = profiles.profile_id
inner join {{ ref('dim_student_years') }} as groups
    on
        together.subject_key = groups.student_key
        and together.school_year = groups.school_year
        and profiles.membership_rule = groups.membership_rule
where
    together.school_year >= coalesce(profiles.first_school_year, together.school_year)
    and together.school_year <= coalesce(profiles.last_school_year, together.school_year)
    and {{ is_of_grades('profiles.grades', 'together.grade_level') }}
