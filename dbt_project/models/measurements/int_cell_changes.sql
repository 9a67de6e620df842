-- depends_on: {{ ref('group_families') }}
-- depends_on: {{ ref('int_touched_subject_periods') }}
{{ config(materialized='table') }}
-- What tonight adds to the sums and second moments over people of every published cell: place (school or district), grade (one or all) and group. What was
-- measured again counts once as it is (`sign` 1) and once, taken off, as it was (-1); after a whole build all is new. A person counts once in a cell: those
-- who have a single row go through their groups' signature, summed by school and grade before these are pooled; the few who may have several (moved, changed
-- group) are first summed by cell.
{% set replaced = touched_replaced(ref('int_subject_indicators')) %}
with facts as (
    select
        indicators.period_type, indicators.period_start, indicators.school_year, indicators.indicator_id, indicators.profile_id, indicators.counts_at,
        indicators.subject_key, indicators.school_key, indicators.grade_level, indicators.signature, indicators.modality,
        indicators.numerator, indicators.denominator,
        1 as sign
    from {{ ref('int_subject_indicators') }} as indicators
    {% if replaced %}
        inner join {{ ref('int_touched_subject_periods') }} as touched
            on
                indicators.subject_type = touched.subject_type
                and indicators.subject_key = touched.subject_key
                and indicators.school_year = touched.school_year
                and indicators.period_type = touched.period_type
                and indicators.period_start = touched.period_start
        union all
        select
            period_type, period_start, school_year, indicator_id, profile_id, counts_at, subject_key, school_key, grade_level, signature, modality,
            numerator, denominator,
            -1 as sign
        from {{ replaced }}
    {% endif %}
),

-- those of whom no two rows of a year differ in place or group have one row a period (`modality` is said of all rows of an indicator or of none)
several as (
    select school_year, subject_key
    from facts
    where counts_at <> 'district'
    group by school_year, subject_key
    having
        min({{ row_hash(['school_key', 'grade_level', 'signature']) }}) <> max({{ row_hash(['school_key', 'grade_level', 'signature']) }})
        or min(modality) <> max(modality)
),

marked as (
    select facts.*, several.subject_key is not null as is_several
    from facts
    left join several
        on facts.counts_at <> 'district' and facts.school_year = several.school_year and facts.subject_key = several.subject_key
),

-- of the signatures that are used today and of those that nobody has any more, whose cells are to be left
signatures as (
    select taken_apart.signature, taken_apart.group_family, taken_apart.group_value
    from {{ groups_of_signatures('(select distinct signature from facts where signature is not null)') }} as taken_apart
),

by_signature as (
    select
        period_type, period_start, school_year, indicator_id, profile_id, counts_at, school_key, grade_level, signature, modality,
        {{ sum_bigint('sign') }} as n_subjects,
        {{ sum_bigint('sign * numerator') }} as sum_n,
        {{ sum_bigint('sign * denominator') }} as sum_d,
        {{ sum_bigint('sign * numerator * numerator') }} as sum_nn,
        {{ sum_bigint('sign * denominator * denominator') }} as sum_dd,
        {{ sum_bigint('sign * numerator * denominator') }} as sum_nd
    from marked
    where not is_several
    group by period_type, period_start, school_year, indicator_id, profile_id, counts_at, school_key, grade_level, signature, modality
),

-- in the groups of one family by the signature; taken together, and by modality, as they are
by_group as (
    select
        facts.period_type, facts.period_start, facts.school_year, facts.indicator_id, facts.profile_id, facts.counts_at, facts.school_key,
        facts.grade_level, signatures.group_family, signatures.group_value,
        {{ moment_sums('facts') }}
    from by_signature as facts
    inner join signatures on facts.signature = signatures.signature
    group by
        facts.period_type, facts.period_start, facts.school_year, facts.indicator_id, facts.profile_id, facts.counts_at, facts.school_key,
        facts.grade_level, signatures.group_family, signatures.group_value
    union all
    select
        period_type, period_start, school_year, indicator_id, profile_id, counts_at, school_key, grade_level,
        'all' as group_family, 'all' as group_value,
        n_subjects, sum_n, sum_d, sum_nn, sum_dd, sum_nd
    from by_signature
    union all
    select
        period_type, period_start, school_year, indicator_id, profile_id, counts_at, school_key, grade_level,
        'modality' as group_family, modality as group_value,
        n_subjects, sum_n, sum_d, sum_nn, sum_dd, sum_nd
    from by_signature
    where modality is not null
),

persons as (
    select marked.*, signatures.group_family, signatures.group_value
    from marked
    inner join signatures on marked.signature = signatures.signature
    where marked.is_several
    union all
    select marked.*, 'all' as group_family, 'all' as group_value
    from marked
    where marked.is_several
    union all
    select marked.*, 'modality' as group_family, marked.modality as group_value
    from marked
    where marked.is_several and marked.modality is not null
),

places as (
    select 'school' as place, 'one' as grades
    union all
    select 'school' as place, 'all' as grades
    union all
    select 'district' as place, 'one' as grades
    union all
    select 'district' as place, 'all' as grades
),

persons_in_cells as (
    select
        persons.period_type, persons.period_start, persons.school_year, persons.indicator_id, persons.profile_id,
        case when places.place = 'school' then persons.school_key end as school_id,
        case when places.grades = 'one' then persons.grade_level end as grade_level,
        persons.group_family, persons.group_value, persons.subject_key, persons.sign,
        {{ sum_bigint('persons.numerator') }} as sum_n,
        {{ sum_bigint('persons.denominator') }} as sum_d
    from persons
    inner join places on persons.counts_at = 'both' or persons.counts_at = places.place
    where places.place = 'district' or persons.school_key <> ''
    group by
        persons.period_type, persons.period_start, persons.school_year, persons.indicator_id, persons.profile_id,
        case when places.place = 'school' then persons.school_key end, case when places.grades = 'one' then persons.grade_level end,
        persons.group_family, persons.group_value, persons.subject_key, persons.sign
),

parts as (
    select
        by_group.period_type, by_group.period_start, by_group.school_year, by_group.indicator_id, by_group.profile_id,
        case when places.place = 'school' then by_group.school_key end as school_id,
        case when places.grades = 'one' then by_group.grade_level end as grade_level,
        by_group.group_family, by_group.group_value,
        by_group.n_subjects, by_group.sum_n, by_group.sum_d, by_group.sum_nn, by_group.sum_dd, by_group.sum_nd
    from by_group
    inner join places on by_group.counts_at = 'both' or by_group.counts_at = places.place
    where places.place = 'district' or by_group.school_key <> ''
    union all
    select
        period_type, period_start, school_year, indicator_id, profile_id, school_id, grade_level, group_family, group_value,
        sign as n_subjects,
        sign * sum_n as sum_n,
        sign * sum_d as sum_d,
        sign * sum_n * sum_n as sum_nn,
        sign * sum_d * sum_d as sum_dd,
        sign * sum_n * sum_d as sum_nd
    from persons_in_cells
),

cells as (
    select
        period_type, period_start, school_year, indicator_id, profile_id, school_id, grade_level, group_family, group_value,
        {{ moment_sums('parts') }}
    from parts
    group by period_type, period_start, school_year, indicator_id, profile_id, school_id, grade_level, group_family, group_value
)

select
    {{ concat_key([
        "school_year", "school_id", "grade_level", "group_family", "group_value", "period_type", "period_start", "indicator_id", "profile_id"
    ]) }} as value_key,
    cells.*
from cells
where n_subjects <> 0 or sum_n <> 0 or sum_d <> 0 or sum_nn <> 0 or sum_dd <> 0 or sum_nd <> 0
