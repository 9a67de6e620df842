-- depends_on: {{ ref('int_touched_subject_periods') }}
{{ config(
    materialized='touched',
    touched='int_touched_subject_periods',
    touched_key=['subject_type', 'subject_key', 'school_year', 'period_type', 'period_start'],
    keeps_difference=true
) }}
-- Every stage 1 indicator of every subject over each period, at the finest place and groups. `counts_at` says which figures a row belongs to:
-- sums belong to the school's and the district's; what is of each person (a flag of a total or of anything at all, the total, the ratio of totals) is worked
-- out apart for each of them. A school of another agency is in its own figures alone.
{% set judged_rollups = "('flag_of_total', 'distinct', 'total_per_person', 'ratio_per_person')" %}
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
        indicators.denominator_measure
    from {{ ref('indicators') }} as indicators
    inner join {{ ref('indicator_profiles') }} as profiles on indicators.indicator_id = profiles.indicator_id
    where indicators.stage = 1
),

-- what is summed is summed once for all indicators and profiles of one numerator and denominator
ratios as (
    select measured.*, rollup || ': ' || numerator_measure || ' / ' || denominator_measure as ratio
    from measured
),

-- the part that a measure has in a ratio
parts as (
    select rollup, ratio, numerator_measure as measure_id, true as is_numerator
    from ratios
    union
    select rollup, ratio, denominator_measure as measure_id, false as is_numerator
    from ratios
),

summed as (
    select
        measures.period_type, measures.period_start, measures.school_year, measures.subject_type, measures.subject_key, measures.school_key,
        measures.grade_level, measures.signature, measures.modality, parts.ratio,
        {{ sum_bigint('case when parts.is_numerator then measures.quantity else 0 end') }} as numerator,
        {{ sum_bigint('case when parts.is_numerator then 0 else measures.quantity end') }} as denominator
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
        profiles.minimum_denominator * measures.scale as minimum_quantity
    from {{ ref('indicator_profiles') }} as profiles
    inner join ratios on profiles.indicator_id = ratios.indicator_id and profiles.profile_id = ratios.profile_id
    inner join {{ ref('measures') }} as measures on ratios.denominator_measure = measures.measure_id
),

by_school as (
    select
        period_type, period_start, school_year, subject_type, subject_key, school_key, agency, ratio,
        min(grade_level) as grade_level,
        {{ sum_bigint('numerator') }} as numerator,
        {{ sum_bigint('denominator') }} as denominator
    from placed
    where rollup in {{ judged_rollups }}
    group by period_type, period_start, school_year, subject_type, subject_key, school_key, agency, ratio
),

pooled as (
    select
        period_type, period_start, school_year, subject_type, subject_key, agency, ratio,
        min(grade_level) as grade_level,
        {{ sum_bigint('numerator') }} as numerator,
        {{ sum_bigint('denominator') }} as denominator
    from by_school
    group by period_type, period_start, school_year, subject_type, subject_key, agency, ratio
),

{% set rules = [
    'indicator_id', 'profile_id', 'rollup', 'membership_rule', 'minimum_quantity', 'must_have_attended', 'grades', 'first_school_year', 'last_school_year',
    'operator', 'threshold_numerator', 'threshold_denominator', 'below_numerator', 'below_denominator'
] -%}
judged as (
    -- the school's figure: the school's own days, or all the student's days in the district, as the profile says
    select
        by_school.period_type, by_school.period_start, by_school.school_year, by_school.subject_type, by_school.subject_key, by_school.school_key,
        by_school.grade_level, 'school' as counts_at,
        case when profiles.grain = 'school' then by_school.numerator else pooled.numerator end as numerator,
        case when profiles.grain = 'school' then by_school.denominator else pooled.denominator end as denominator,
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
    inner join profiles on by_school.ratio = profiles.ratio
    union all
    -- the district's figure: a student's schools are pooled before the minimum applies
    select
        pooled.period_type, pooled.period_start, pooled.school_year, pooled.subject_type, pooled.subject_key,
        cast(null as {{ dbt.type_string() }}) as school_key,
        pooled.grade_level, 'district' as counts_at,
        pooled.numerator,
        pooled.denominator,
        profiles.{{ rules | join(', profiles.') }}
    from pooled
    inner join profiles on pooled.ratio = profiles.ratio
    where pooled.agency = ''
)

select
    placed.period_type, placed.period_start, placed.school_year, placed.subject_type, placed.subject_key, placed.school_key, placed.grade_level,
    placed.signature, placed.modality, profiles.indicator_id, profiles.profile_id,
    case when placed.agency = '' then 'both' else 'school' end as counts_at,
    placed.numerator,
    placed.denominator,
    placed.numerator as total_numerator,
    placed.denominator as total_denominator
from placed
inner join profiles on placed.ratio = profiles.ratio
where
    placed.rollup not in {{ judged_rollups }}
    and placed.denominator > 0
    and placed.school_year >= coalesce(profiles.first_school_year, placed.school_year)
    and placed.school_year <= coalesce(profiles.last_school_year, placed.school_year)

union all

-- 10 x absent >= 1 x enrolled and, where the profile has an upper line, 5 x absent < 1 x enrolled, in whole numbers: never a rounded rate
select
    judged.period_type, judged.period_start, judged.school_year, judged.subject_type, judged.subject_key, judged.school_key, judged.grade_level,
    groups.signature, cast(null as {{ dbt.type_string() }}) as modality, judged.indicator_id, judged.profile_id, judged.counts_at,
    cast(
        case
            when judged.denominator < judged.minimum_quantity then 0 -- not judged yet: in no figure, and said of the student
            when judged.rollup = 'total_per_person' then judged.numerator
            when judged.rollup = 'ratio_per_person' then {{ thousandths('judged.numerator', 'judged.denominator') }}
            when judged.threshold_numerator is null then least(judged.numerator, 1) -- no line: anything counts, and once
            when judged.numerator * judged.below_denominator >= judged.denominator * judged.below_numerator then 0
            when judged.numerator * judged.threshold_denominator > judged.denominator * judged.threshold_numerator then 1
            when judged.numerator * judged.threshold_denominator < judged.denominator * judged.threshold_numerator then 0
            when judged.operator = 'at_least' then 1
            else 0
        end as bigint
    ) as numerator,
    cast(case when judged.denominator < judged.minimum_quantity then 0 else 1 end as bigint) as denominator,
    judged.numerator as total_numerator,
    judged.denominator as total_denominator
from judged
left join {{ ref('dim_student_years') }} as groups
    on
        judged.subject_type = 'student' -- a response is in no student's groups, whatever its key
        and judged.subject_key = groups.student_key
        and judged.school_year = groups.school_year
        and judged.membership_rule = groups.membership_rule
where
    judged.denominator > 0
    and (judged.subject_type <> 'student' or groups.student_key is not null)
    and (not judged.must_have_attended or judged.numerator < judged.denominator)
    and judged.school_year >= coalesce(judged.first_school_year, judged.school_year)
    and judged.school_year <= coalesce(judged.last_school_year, judged.school_year)
    and (judged.grades is null or instr(' ' || judged.grades || ' ', ' ' || judged.grade_level || ' ') > 0)
