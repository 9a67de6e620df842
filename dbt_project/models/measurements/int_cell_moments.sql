{{ config(materialized='view') }}
-- Sums and second moments over people of every published cell: place (school or district), grade (one or all) and group. A person counts once in a cell:
-- those who have a single row go through their groups' signature; the few with several (moved, changed group) are first summed by cell.
with rows_per_subject as (
    select period_type, period_start, school_year, indicator_id, profile_id, subject_key, count(*) as n_rows
    from {{ ref('int_subject_indicators') }}
    where counts_at <> 'district'
    group by period_type, period_start, school_year, indicator_id, profile_id, subject_key
    having count(*) > 1
),

marked as (
    select facts.*, several.n_rows is not null as is_several
    from {{ ref('int_subject_indicators') }} as facts
    left join rows_per_subject as several
        on
            facts.counts_at <> 'district'
            and facts.period_type = several.period_type
            and facts.period_start = several.period_start
            and facts.school_year = several.school_year
            and facts.indicator_id = several.indicator_id
            and facts.profile_id = several.profile_id
            and facts.subject_key = several.subject_key
),

by_signature as (
    select
        period_type, period_start, school_year, indicator_id, profile_id, counts_at, school_key, grade_level, signature, modality,
        '' as subject_key,
        count(*) as n_subjects,
        {{ sum_bigint('numerator') }} as sum_n,
        {{ sum_bigint('denominator') }} as sum_d,
        {{ sum_bigint('numerator * numerator') }} as sum_nn,
        {{ sum_bigint('denominator * denominator') }} as sum_dd,
        {{ sum_bigint('numerator * denominator') }} as sum_nd
    from marked
    where not is_several
    group by period_type, period_start, school_year, indicator_id, profile_id, counts_at, school_key, grade_level, signature, modality
    union all
    select
        period_type, period_start, school_year, indicator_id, profile_id, counts_at, school_key, grade_level, signature, modality,
        subject_key,
        1 as n_subjects,
        numerator as sum_n,
        denominator as sum_d,
        cast(0 as bigint) as sum_nn,
        cast(0 as bigint) as sum_dd,
        cast(0 as bigint) as sum_nd
    from marked
    where is_several
),

grouped as (
    select facts.*, 'all' as group_family, 'all' as group_value
    from by_signature as facts
    union all
    select facts.*, signatures.group_family, signatures.group_value
    from by_signature as facts
    inner join {{ ref('dim_group_signatures') }} as signatures on facts.signature = signatures.signature
    union all
    select facts.*, 'modality' as group_family, facts.modality as group_value
    from by_signature as facts
    where facts.modality is not null
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

cells as (
    select
        grouped.period_type, grouped.period_start, grouped.school_year, grouped.indicator_id, grouped.profile_id,
        case when places.place = 'school' then grouped.school_key end as school_id,
        case when places.grades = 'one' then grouped.grade_level end as grade_level,
        grouped.group_family, grouped.group_value,
        grouped.subject_key, grouped.n_subjects, grouped.sum_n, grouped.sum_d, grouped.sum_nn, grouped.sum_dd, grouped.sum_nd
    from grouped
    inner join places on grouped.counts_at = 'both' or grouped.counts_at = places.place
    where places.place = 'district' or grouped.school_key <> ''
),

people as (
    -- one row a person and cell for those with several rows, one row a cell for all others
    select
        period_type, period_start, school_year, indicator_id, profile_id, school_id, grade_level, group_family, group_value, subject_key,
        case when subject_key = '' then {{ sum_bigint('n_subjects') }} else 1 end as n_subjects,
        {{ sum_bigint('sum_n') }} as sum_n,
        {{ sum_bigint('sum_d') }} as sum_d,
        {{ sum_bigint('sum_nn') }} as sum_nn,
        {{ sum_bigint('sum_dd') }} as sum_dd,
        {{ sum_bigint('sum_nd') }} as sum_nd
    from cells
    group by
        period_type, period_start, school_year, indicator_id, profile_id, school_id, grade_level, group_family, group_value, subject_key
)

select
    period_type, period_start, school_year, indicator_id, profile_id, school_id, grade_level, group_family, group_value,
    {{ sum_bigint('n_subjects') }} as n_subjects,
    {{ sum_bigint('sum_n') }} as sum_n,
    {{ sum_bigint('sum_d') }} as sum_d,
    {{ sum_bigint("case when subject_key = '' then sum_nn else sum_n * sum_n end") }} as sum_nn,
    {{ sum_bigint("case when subject_key = '' then sum_dd else sum_d * sum_d end") }} as sum_dd,
    {{ sum_bigint("case when subject_key = '' then sum_nd else sum_n * sum_d end") }} as sum_nd
from people
group by period_type, period_start, school_year, indicator_id, profile_id, school_id, grade_level, group_family, group_value
