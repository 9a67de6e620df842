{{ config(materialized='table') }}
-- What tonight adds to the sums and second moments over people of every published cell: place (school or district), grade (one or all) and group. What was
-- measured again counts once as it is (`sign` 1) and once, taken off, as it was (-1); after a whole build all is new. A person counts once in a cell: those
-- who have a single row go through their groups' signature, summed by school and grade before these are pooled; of the few who may have several, those who
-- moved are first summed by place, and those who changed group by cell.
{% set columns = [
    'period_type', 'period_start', 'school_year', 'indicator_id', 'profile_id', 'counts_at', 'subject_key', 'school_key', 'grade_level', 'signature',
    'modality', 'numerator', 'denominator'
] %}
{#- Written out wherever it is read: as a common table DuckDB would hold every row of a whole build at once. -#}
{% set facts = touched_difference(ref('int_subject_indicators'), columns, where='denominator > 0') %}
{#- What is grouped by goes by its hash until the cells are made: eight bytes for eight columns of text. Of a million places the chance that two share a
    hash is one in forty million. -#}
{% set finest = ['period_type', 'period_start', 'school_year', 'indicator_id', 'profile_id', 'counts_at', 'school_key', 'grade_level'] %}
{% set of_facts = ('facts.' ~ finest | join(' facts.')).split(' ') %}
{% set cell = ['school_year', 'school_id', 'grade_level', 'period_type', 'period_start', 'indicator_id', 'profile_id'] %}
{% set everyone = row_hash(["'all'", "'all'"]) %}
{% set of_modality = row_hash(["'modality'", 'modality']) %}
-- those of whom rows of a year differ in place or group; all others have one row a period (`modality` is said of all rows of an indicator or of none)
with several as (
    select facts.school_year, facts.subject_key
    from {{ facts }} as facts
    where facts.counts_at <> 'district'
    group by facts.school_year, facts.subject_key
    having
        min({{ row_hash(['school_key', 'grade_level', 'signature']) }}) <> max({{ row_hash(['school_key', 'grade_level', 'signature']) }})
        or min(modality) <> max(modality)
),

-- of these the rows that may meet in a cell: how many they are, and whether they are of one signature
marked as (
    select
        facts.*,
        {{ row_hash(of_facts) }} as context,
        count(*) over of_one as n_rows,
        min({{ row_hash(['facts.signature']) }}) over of_one = max({{ row_hash(['facts.signature']) }}) over of_one as is_one_signature
    from {{ facts }} as facts
    inner join several on facts.school_year = several.school_year and facts.subject_key = several.subject_key
    where facts.counts_at <> 'district'
    window of_one as (
        partition by
            facts.period_type, facts.period_start, facts.school_year, facts.indicator_id, facts.profile_id, facts.subject_key, facts.sign,
            case when facts.counts_at = 'school' then facts.school_key else '' end
    )
),

summed_by_signature as (
    select
        context, signature, modality, {{ moments_of('numerator', 'denominator') }}
    from (
        select {{ row_hash(of_facts) }} as context, facts.signature, facts.modality, facts.numerator, facts.denominator, facts.sign
        from {{ facts }} as facts
        left join several on facts.counts_at <> 'district' and facts.school_year = several.school_year and facts.subject_key = several.subject_key
        where several.subject_key is null
        union all
        select context, signature, modality, numerator, denominator, sign
        from marked
        where n_rows = 1
    ) as single
    group by context, signature, modality
),

-- what came out as it was, as most flags do, goes no further
by_signature as (
    select summed.*
    from summed_by_signature as summed
    where {{ moments_left('summed') }}
),

memberships as (
    select signature, group_family, group_value, {{ row_hash(['group_family', 'group_value']) }} as group_key
    from {{ ref('int_signatures_known') }}
),

-- in the groups of one family by the signature; taken together, and by modality, as they are
by_group as (
    select counted.context, memberships.group_key, {{ moment_sums('counted') }}
    from by_signature as counted
    inner join memberships on counted.signature = memberships.signature
    group by counted.context, memberships.group_key
    union all
    select counted.context, {{ everyone }} as group_key, {{ moment_sums('counted') }}
    from by_signature as counted
    group by counted.context
    union all
    select counted.context, {{ of_modality }} as group_key, {{ moment_sums('counted') }}
    from by_signature as counted
    where counted.modality is not null
    group by counted.context, {{ of_modality }}
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

-- the places and grades of cells that each context counts in
in_places as (
    select contexts.*, {{ row_hash(cell) }} as place_key
    from (
        select
            contexts.context, contexts.school_year, contexts.period_type, contexts.period_start, contexts.indicator_id, contexts.profile_id,
            case when places.place = 'school' then contexts.school_key end as school_id,
            case when places.grades = 'one' then contexts.grade_level end as grade_level
        from (select distinct {{ of_facts | join(', ') }}, {{ row_hash(of_facts) }} as context from {{ facts }} as facts) as contexts
        inner join places on contexts.counts_at = 'both' or contexts.counts_at = places.place
        where places.place = 'district' or contexts.school_key <> ''
    ) as contexts
),

-- whose groups are the same in all rows: by place, and by the signature after all are together
movers_in_places as (
    select
        in_places.place_key, marked.signature, marked.sign,
        {{ sum_bigint('marked.numerator') }} as sum_n,
        {{ sum_bigint('marked.denominator') }} as sum_d
    from marked
    inner join in_places on marked.context = in_places.context
    where marked.n_rows > 1 and marked.is_one_signature
    group by in_places.place_key, marked.signature, marked.subject_key, marked.sign
),

movers_by_signature as (
    select place_key, signature, {{ moments_of('sum_n', 'sum_d') }}
    from movers_in_places
    group by place_key, signature
),

-- whose groups are not, and what is by modality
persons as (
    select marked.context, marked.subject_key, marked.sign, marked.numerator, marked.denominator, memberships.group_key
    from marked
    inner join memberships on marked.signature = memberships.signature
    where marked.n_rows > 1 and not marked.is_one_signature
    union all
    select context, subject_key, sign, numerator, denominator, {{ everyone }} as group_key
    from marked
    where n_rows > 1 and not is_one_signature
    union all
    select context, subject_key, sign, numerator, denominator, {{ of_modality }} as group_key
    from marked
    where n_rows > 1 and modality is not null
),

persons_in_cells as (
    select
        in_places.place_key, persons.group_key, persons.sign,
        {{ sum_bigint('persons.numerator') }} as sum_n,
        {{ sum_bigint('persons.denominator') }} as sum_d
    from persons
    inner join in_places on persons.context = in_places.context
    group by in_places.place_key, persons.group_key, persons.subject_key, persons.sign
),

parts as (
    select
        in_places.place_key, by_group.group_key,
        by_group.n_subjects, by_group.sum_n, by_group.sum_d, by_group.sum_nn, by_group.sum_dd, by_group.sum_nd
    from by_group
    inner join in_places on by_group.context = in_places.context
    union all
    select counted.place_key, memberships.group_key, {{ moment_sums('counted') }}
    from movers_by_signature as counted
    inner join memberships on counted.signature = memberships.signature
    group by counted.place_key, memberships.group_key
    union all
    select place_key, {{ everyone }} as group_key, {{ moments() | join(', ') }}
    from movers_by_signature
    union all
    select place_key, group_key, {{ moments_of('sum_n', 'sum_d') }}
    from persons_in_cells
    group by place_key, group_key
),

cells as (
    select place_key, group_key, {{ moment_sums('parts') }}
    from parts
    group by place_key, group_key
),

named_places as (
    select
        *,
        {{ concat_key(cell[:3]) }} as key_begins,
        {{ concat_key(cell[3:]) }} as key_ends
    from (select distinct place_key, {{ cell | join(', ') }} from in_places) as in_places
),

named_groups as (
    select
        *,
        {{ concat_key(['group_family', 'group_value']) }} as key_part
    from (
        select group_key, group_family, group_value from memberships
        union
        select {{ everyone }} as group_key, 'all' as group_family, 'all' as group_value
        union
        select {{ of_modality }} as group_key, 'modality' as group_family, modality as group_value
        from (
            select modality from by_signature
            union
            select modality from marked
        ) as modalities
        where modality is not null
    ) as named
)

select
    named_places.key_begins || '|' || named_groups.key_part || '|' || named_places.key_ends as value_key,
    named_places.period_type, named_places.period_start, named_places.school_year, named_places.indicator_id, named_places.profile_id,
    named_places.school_id, named_places.grade_level,
    named_groups.group_family, named_groups.group_value,
    cells.n_subjects, cells.sum_n, cells.sum_d, cells.sum_nn, cells.sum_dd, cells.sum_nd
from cells
inner join named_places on cells.place_key = named_places.place_key
inner join named_groups on cells.group_key = named_groups.group_key
where {{ moments_left('cells') }}
